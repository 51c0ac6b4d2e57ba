package augment

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// token is a word with what stands before it; the last token of a text may be empty.
type token struct {
	gap   string // white space and punctuation before the word
	word  string
	low   string // the word in lower case, once it was asked for
	fixed bool   // may not be changed: a protected span, or a part of a longer word
}

// parsed is a text and what its variations are made from: found out once, however many there are.
type parsed struct {
	text      string
	tokens    []token
	keep      []string // protected spans
	negations int      // -1: not counted yet
	low       bool     // whether the tokens know their lower case
	foreign   bool     // not in English: no English words are put into it
	scratch   []token
}

func parse(s string) *parsed {
	p := &parsed{text: s, negations: -1}
	found := spans(s)
	p.tokens = tokens(s, found)
	for _, at := range found {
		// The mark that ends a sentence is not the span's: "8080?" may become "8080,".
		p.keep = append(p.keep, strings.TrimRight(s[at[0]:at[1]], ".,;:!?)"))
	}
	return p
}

// copied are the tokens, to be changed: the next call has them back.
func (p *parsed) copied() []token {
	p.scratch = append(p.scratch[:0], p.tokens...)
	return p.scratch
}

// lowered are copied tokens that know their lower case.
func (p *parsed) lowered() []token {
	if !p.low {
		for i := range p.tokens {
			p.tokens[i].low = strings.ToLower(p.tokens[i].word)
		}
		p.low = true
	}
	return p.copied()
}

// sameNegations tells whether a variation has as many negations as the text.
func (p *parsed) sameNegations(s string) bool {
	if p.negations < 0 {
		p.negations = negations(p.text)
	}
	return p.negations == negations(s)
}

// kept tells whether all protected spans are in a variation.
func (p *parsed) kept(s string) bool {
	for _, k := range p.keep {
		if !strings.Contains(s, k) {
			return false
		}
	}
	return true
}

// tokens cuts a text into words; joined, they are the text.
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

// fixParts fixes a token and the one before it where what stands between them makes either a part of a longer word: "e-mail",
// "@name", "C++".
func (t *token) fixParts(before *token) {
	switch t.gap {
	case " ", ", ", ". ":
		return
	}
	first := strings.IndexFunc(t.gap, unicode.IsSpace)
	if t.word == "" { // the end of the text
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

// attached are punctuation marks that belong to the word at which they stand: those of names, abbreviations and programs.
const attached = "-‐‑–@#%&*_/\\·\u05be\u05f3\u05f4་・~"

// attaches tells whether a character at the edge of a word is a part of it: what isn't the punctuation of a sentence.
func attaches(r rune) bool {
	return !unicode.IsPunct(r) && !unicode.IsSpace(r) || strings.ContainsRune(attached, r)
}

// separates tells whether a character without white space around it stands between two words.
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

// wordIndex is the place where the next word begins, or where the word that s begins with ends; the text's length if there
// is none. A word is a run of whole characters: marks and joiners stay with the letter before them, and with what is no letter
// (an emoji) where that is none.
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

// like gives a word the capitals of another.
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

// lowered is a word that began a sentence inside one. "I" and words in capitals stay.
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

// sentences cuts a text after sentence ends; joined by spaces they are the text again, except white space.
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

// negations counts the words that turn a statement round, contracted or not.
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
