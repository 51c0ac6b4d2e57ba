package augment

import (
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"
)

// method makes one variation of a text, or reports that it can't.
type method struct {
	name  string
	apply func(p *parsed, r *rand.Rand) (string, bool)
	hides bool // writes the same text in a disguise
	any   bool // works for every language; the other methods need English
}

// benignMethods returns the methods for benign rows. They keep the meaning of every word, so that the label stays right.
func benignMethods(lex lexicon) []method {
	return []method{
		{name: "synonym", apply: func(p *parsed, r *rand.Rand) (string, bool) { return synonyms(lex, p, r, 0.35) }},
		{name: "insert", apply: insert},
		{name: "swap", apply: swap, any: true},
		{name: "delete", apply: deleteFillers},
		{name: "punctuate", apply: punctuate, any: true},
		{name: "paraphrase", apply: func(p *parsed, r *rand.Rand) (string, bool) { return paraphrase(lex, p, r) }},
		{name: "register", apply: register},
	}
}

// synonyms replaces a share of the words that the lexicon knows, and at least one.
func synonyms(lex lexicon, p *parsed, r *rand.Rand, share float64) (string, bool) {
	ts := p.lowered()
	known := make([]int, 0, 64)
	for i, t := range ts {
		if !t.fixed && len(lex[t.low]) > 0 {
			known = append(known, i)
		}
	}
	if len(known) == 0 {
		return "", false
	}
	sure := known[r.IntN(len(known))]
	for _, i := range known {
		if i == sure || r.Float64() < share {
			others := lex[ts[i].low]
			ts[i].word = like(others[r.IntN(len(others))], ts[i].word)
		}
	}
	return join(ts), true
}

var fillers = []string{"really", "just", "actually", "simply", "also", "quite", "perhaps", "rather", "basically", "certainly", "maybe", "indeed"}

// insert adds one or two filler words in the middle of the text.
func insert(p *parsed, r *rand.Rand) (string, bool) {
	ts := p.copied()
	done := false
	for range 1 + r.IntN(2) {
		i := 1 + r.IntN(max(len(ts)-1, 1))
		if i >= len(ts) || ts[i].fixed || ts[i].gap != " " {
			continue
		}
		ts[i].word = fillers[r.IntN(len(fillers))] + " " + ts[i].word
		done = true
	}
	return join(ts), done
}

// swap exchanges two neighbouring words, once or twice.
func swap(p *parsed, r *rand.Rand) (string, bool) {
	ts := p.copied()
	done := false
	for range 1 + r.IntN(2) {
		i := r.IntN(max(len(ts)-1, 1))
		if i+1 >= len(ts) || ts[i].fixed || ts[i+1].fixed || ts[i+1].gap != " " || negates(strings.ToLower(ts[i].word)) || negates(strings.ToLower(ts[i+1].word)) {
			continue
		}
		a, b := ts[i].word, ts[i+1].word
		if i == 0 {
			a, b = lowered(a), like(b, a)
		}
		ts[i].word, ts[i+1].word = b, a
		done = true
	}
	return join(ts), done
}

// negates tells whether a word's place or absence can reverse the meaning of a sentence.
func negates(w string) bool {
	switch w {
	case "not", "no", "never", "don't", "doesn't", "can't", "won't", "isn't", "without", "ignore", "stop", "except":
		return true
	}
	return false
}

// idle lists words that can be left out without a change in meaning.
var idle = map[string]bool{"a": true, "an": true, "the": true, "please": true, "just": true, "really": true, "very": true, "quite": true,
	"so": true, "also": true, "then": true, "that": true, "of": true, "some": true, "any": true, "thanks": true, "hi": true, "hello": true}

// deleteFillers leaves out some of the idle words, and at least one.
func deleteFillers(p *parsed, r *rand.Rand) (string, bool) {
	ts := p.lowered()
	candidates := make([]int, 0, 32)
	for i, t := range ts {
		if !t.fixed && i > 0 && idle[t.low] && t.gap == " " {
			candidates = append(candidates, i)
		}
	}
	if len(candidates) == 0 {
		return "", false
	}
	sure := candidates[r.IntN(len(candidates))]
	out := ts[:0] // reuses ts: writing never overtakes reading
	for i, t := range ts {
		if i == sure || i > 0 && !t.fixed && idle[t.low] && t.gap == " " && r.IntN(4) == 0 {
			continue
		}
		out = append(out, t)
	}
	return join(out), true
}

var marks = []string{",", ";", " -", "...", ":", "!"}

// punctuate inserts punctuation between words (AEDA). The words and their order stay.
func punctuate(p *parsed, r *rand.Rand) (string, bool) {
	ts := p.copied()
	n := 1 + r.IntN(max(len(ts)/6, 1))
	done := false
	for range n {
		i := 1 + r.IntN(max(len(ts)-1, 1))
		if i < len(ts) && !ts[i].fixed && ts[i].gap == " " {
			ts[i].gap = marks[r.IntN(len(marks))] + " "
			done = true
		}
	}
	return join(ts), done
}

// frames are sentences around a request; %s is the request.
var frames = []string{
	"I was wondering: %s", "Here is what I need. %s", "A question from my side: %s", "%s Any help is welcome.", "%s Many thanks!",
	"My request is this: %s", "For work: %s", "Could you look at this for me? %s", "%s Please keep it simple.", "Another one: %s",
	"I'd be glad if you helped with this. %s", "Let me ask it like this: %s", "%s That's all.", "Two things, but first this: %s",
	"%s I hope that makes sense.", "In short: %s", "Not sure whom to ask, so: %s", "%s What do you think?", "Asking for a colleague: %s",
	"Sorry to bother you. %s", "%s It's rather urgent.", "As I said yesterday: %s", "%s (This is for a small project.)", "OK, next: %s",
	"%s You can be brief.", "My team would like to know: %s", "Let me rephrase. %s", "%s If possible with an example.",
}

// paraphrase puts a text into another frame, changes its order, or uses other words.
func paraphrase(lex lexicon, p *parsed, r *rand.Rand) (string, bool) {
	out := p.text
	if parts := sentences(out); len(parts) > 1 && r.IntN(2) == 0 {
		i := r.IntN(len(parts) - 1)
		parts[i], parts[i+1] = parts[i+1], parts[i]
		out = strings.Join(parts, " ")
		p = nil
	}
	if r.IntN(2) == 0 {
		if p == nil {
			p = parse(out)
		}
		if changed, ok := synonyms(lex, p, r, 0.2); ok {
			out = changed
		}
	}
	return strings.Replace(frames[r.IntN(len(frames))], "%s", out, 1), true
}

// contractions are pairs of a long form and its short form.
var contractions = capitalised([][2]string{{"do not", "don't"}, {"does not", "doesn't"}, {"is not", "isn't"}, {"are not", "aren't"}, {"I am", "I'm"},
	{"I would", "I'd"}, {"I have", "I've"}, {"it is", "it's"}, {"that is", "that's"}, {"what is", "what's"},
	{"you are", "you're"}, {"cannot", "can't"}, {"will not", "won't"}, {"could not", "couldn't"}, {"we are", "we're"}, {"I will", "I'll"}})

// capitalised adds the forms that stand at the beginning of a sentence.
func capitalised(pairs [][2]string) [][2]string {
	for _, p := range pairs[:len(pairs):len(pairs)] {
		if upper := withFirst(p[0], unicode.ToUpper); upper != p[0] {
			pairs = append(pairs, [2]string{upper, withFirst(p[1], unicode.ToUpper)})
		}
	}
	return pairs
}

// register changes how formal a text is, by contractions, capitals and final punctuation.
func register(p *parsed, r *rand.Rand) (string, bool) {
	out := p.text
	curly := strings.Contains(out, "’")
	for _, c := range contractions {
		long, short, typographic := c[0], c[1], strings.ReplaceAll(c[1], "'", "’")
		contract, skip := r.IntN(2) == 0, r.IntN(3) == 0
		switch {
		case skip:
		case contract && curly:
			out = replaceWords(out, long, typographic)
		case contract:
			out = replaceWords(out, long, short)
		default:
			out = replaceWords(replaceWords(out, short, long), typographic, long)
		}
	}
	switch r.IntN(4) {
	case 0:
		if strings.TrimRight(out, ".!?") != out {
			out = strings.TrimRight(out, ".!?") + []string{".", "!", "...", " :)", "?"}[r.IntN(5)]
		}
	case 1:
		out += []string{" ok?", " please", " :)", " pls", " thx"}[r.IntN(5)]
	case 2:
		out = []string{"hey, ", "well, ", "so ", "hm, ", "ok - "}[r.IntN(5)] + out
	}
	return out, out != p.text
}

// replaceWords replaces the words from by to, but not inside longer words. A short form isn't put before the end of a clause ("yes, it
// is.").
func replaceWords(s, from, to string) string {
	if !strings.Contains(s, from) {
		return s
	}
	inside := func(r rune) bool { return isWord(r) || unicode.IsDigit(r) || r == '_' }
	var b strings.Builder
	for s != "" {
		at := strings.Index(s, from)
		if at < 0 {
			break
		}
		before, _ := utf8.DecodeLastRuneInString(s[:at])
		if at == 0 && b.Len() > 0 {
			before, _ = utf8.DecodeLastRuneInString(b.String())
		}
		rest := s[at+len(from):]
		after, _ := utf8.DecodeRuneInString(rest)
		next, _ := utf8.DecodeRuneInString(strings.TrimPrefix(rest, " "))
		goesOn := strings.HasPrefix(rest, " ") && next != utf8.RuneError && startsWord(next)
		b.WriteString(s[:at])
		if before != utf8.RuneError && inside(before) || after != utf8.RuneError && inside(after) || strings.ContainsAny(to, "'’") && !goesOn {
			b.WriteString(from)
		} else {
			b.WriteString(to)
		}
		s = rest
	}
	return b.String() + s
}
