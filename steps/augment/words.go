package augment

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// token is a word with what stands before it. The last token of a text may have an empty word.
type token struct {
	gap   string // white space and punctuation before the word
	word  string
	low   string // the word in lower case, once lowered has set it
	fixed bool   // must not be changed: protected, or a part of a longer word
}

// parsed is a text with what its variations are made from. It is computed once for all variations of the text.
type parsed struct {
	text      string
	tokens    []token
	keep      []string // the texts of the protected spans
	negations int      // -1: not counted yet
	low       bool     // the tokens have their lower case
	foreign   bool     // not English, so no English words are put into it
	scratch   []token
}

func parse(s string) *parsed {
	p := &parsed{text: s, negations: -1}
	found := spans(s)
	p.tokens = tokens(s, found)
	for _, at := range found {
		// Final punctuation isn't part of a span: "8080?" may become "8080,".
		p.keep = append(p.keep, strings.TrimRight(s[at[0]:at[1]], ".,;:!?)"))
	}
	return p
}

// copied returns a copy of the tokens that may be changed. The next call reuses its memory.
func (p *parsed) copied() []token {
	p.scratch = append(p.scratch[:0], p.tokens...)
	return p.scratch
}

// lowered returns a copy of the tokens with their lower case set.
func (p *parsed) lowered() []token {
	if !p.low {
		for i := range p.tokens {
			p.tokens[i].low = strings.ToLower(p.tokens[i].word)
		}
		p.low = true
	}
	return p.copied()
}

// sameNegations tells whether s has as many negations as the text.
func (p *parsed) sameNegations(s string) bool {
	if p.negations < 0 {
		p.negations = negations(p.text)
	}
	return p.negations == negations(s)
}

// kept tells whether s has all protected spans.
func (p *parsed) kept(s string) bool {
	for _, k := range p.keep {
		if !strings.Contains(s, k) {
			return false
		}
	}
	return true
}

// tokens cuts a text into words. The tokens joined give the text again.
func tokens(s string, spans [][2]int) []token {
	out := make([]token, 0, len(s)/5+2)
	at := 0
	for _, span := range spans {
		out = words(out, s[at:span[0]])
		out = append(out, token{word: s[span[0]:span[1]], fixed: true})
		at = span[1]
	}
	out = words(out, s[at:])
	for i := range out {
		var before *token
		if i > 0 {
			before = &out[i-1]
		}
		out[i].fixParts(before)
	}
	return out
}

// fixParts marks a token and the one before it as fixed if what stands between them makes them parts of a longer word: "e-mail", "@name",
// "C++".
func (t *token) fixParts(before *token) {
	switch t.gap {
	case " ", ", ", ". ":
		return
	}
	first := strings.IndexFunc(t.gap, unicode.IsSpace)
	if t.word == "" { // the last token has no word
		if first < 0 {
			first = len(t.gap)
		}
		if before != nil && strings.ContainsFunc(t.gap[:first], attaches) {
			before.fixed = true
		}
		return
	}
	if first < 0 {
		if before != nil && !strings.ContainsFunc(t.gap, separates) {
			before.fixed, t.fixed = true, true
		}
		first = 0
	}
	last := strings.LastIndexFunc(t.gap, unicode.IsSpace)
	if last >= 0 && before != nil && strings.ContainsFunc(t.gap[:first], attaches) {
		before.fixed = true
	}
	if (last >= 0 || before == nil) && strings.ContainsFunc(t.gap[last+1:], attaches) {
		t.fixed = true
	}
}

// attached lists punctuation marks that are part of the word next to them, as in names, abbreviations and programs.
const attached = "-‐‑–@#%&*_/\\·\u05be\u05f3\u05f4་・~"

// attaches tells whether a character at the edge of a word is part of it. All characters are, except the punctuation of sentences.
func attaches(r rune) bool {
	return !unicode.IsPunct(r) && !unicode.IsSpace(r) || strings.ContainsRune(attached, r)
}

// separates tells whether a character separates two words even without white space around it.
func separates(r rune) bool {
	return unicode.IsPunct(r) && !strings.ContainsRune(attached+".:'’\"()[]{}", r)
}

func words(out []token, s string) []token {
	for s != "" {
		from := wordIndex(s, true)
		if from == len(s) {
			return append(out, token{gap: s, fixed: true})
		}
		to := from + wordIndex(s[from:], false)
		out = append(out, token{gap: s[:from], word: s[from:to]})
		s = s[to:]
	}
	return out
}

// wordIndex returns the index where the next word of s begins, or, if begins is false, where the word at the beginning of s ends. It returns
// the length of s if there is no such place. A word consists of whole characters: combining marks and joiners stay with the letter or emoji
// before them.
func wordIndex(s string, begins bool) int {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if begins && startsWord(r) || !begins && !isWord(r) {
			return i
		}
		i += n
	}
	return len(s)
}

func startsWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '\''
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '’'
}

func isWord(r rune) bool {
	return startsWord(r) || r >= utf8.RuneSelf && staysWith(r)
}

const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'

func join(ts []token) string {
	n := 0
	for _, t := range ts {
		n += len(t.gap) + len(t.word)
	}
	var b strings.Builder
	b.Grow(n)
	for _, t := range ts {
		b.WriteString(t.gap)
		b.WriteString(t.word)
	}
	return b.String()
}

// like returns word with the capitalization of model.
func like(word, model string) string {
	first, _ := utf8.DecodeRuneInString(model)
	switch {
	case utf8.RuneCountInString(model) > 1 && strings.ToUpper(model) == model && strings.ToLower(model) != model:
		return strings.ToUpper(word)
	case unicode.IsUpper(first):
		return withFirst(word, unicode.ToUpper)
	}
	return word
}

// lowered returns a word from the beginning of a sentence in the form for the middle of one. "I" and words in capitals stay as they are.
func lowered(word string) string {
	if word == "I" || strings.HasPrefix(word, "I'") || strings.HasPrefix(word, "I’") || utf8.RuneCountInString(word) > 1 && strings.ToUpper(word) == word {
		return word
	}
	return withFirst(word, unicode.ToLower)
}

func withFirst(word string, f func(rune) rune) string {
	r, n := utf8.DecodeRuneInString(word)
	if n == 0 || r == utf8.RuneError {
		return word
	}
	return string(f(r)) + word[n:]
}

var sentenceEnd = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[.!?]["')]?\s+`) })

// sentences divides a text after the ends of its sentences. Joined by spaces they give the text again, except for white space.
func sentences(s string) []string {
	var out []string
	at := 0
	for _, m := range sentenceEnd().FindAllStringIndex(s, -1) {
		out = append(out, strings.TrimSpace(s[at:m[1]]))
		at = m[1]
	}
	if rest := strings.TrimSpace(s[at:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

// negations counts the words that negate a statement, contracted or not.
func negations(s string) int {
	n := 0
	for s != "" {
		s = s[wordIndex(s, true):]
		to := wordIndex(s, false)
		if negating(s[:to]) {
			n++
		}
		s = s[to:]
	}
	return n
}

func negating(w string) bool {
	if len(w) < 2 {
		return false
	}
	switch w[0] | 0x20 {
	case 'n':
		for _, n := range [...]string{"no", "not", "never", "none", "nothing", "nobody"} {
			if len(w) == len(n) && strings.EqualFold(w, n) {
				return true
			}
		}
	case 'c', 'w':
		if len(w) == len("cannot") && strings.EqualFold(w, "cannot") || len(w) == len("without") && strings.EqualFold(w, "without") {
			return true
		}
	}
	for _, end := range [...]string{"n't", "n’t"} {
		if len(w) >= len(end) && w[len(w)-1]|0x20 == 't' && strings.EqualFold(w[len(w)-len(end):], end) {
			return true
		}
	}
	return false
}
