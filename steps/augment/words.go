package augment

import (
	"regexp"
	"strings"
	"unicode"
)

// protected are the spans that a variation keeps as they are: code, links, addresses, numbers, quotations,
// placeholders. Punctuation after them is no part of them.
var protected = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|(?:https?://|www\\.)\\S*[\\w/=&#-]|[\\w.+-]+@[\\w-]+\\.[\\w.]+|\"[^\"\n]{1,200}\"|\\{[^{}\n]*\\}|<[^<>\n]+>|\\S*[\\d_/\\\\](?:\\S*[\\w=/\\\\%])?")

// spans are the places of protected spans. Most prompts have none of the characters that begin one, and the expression is
// slow, so they are looked for first.
func spans(s string) [][]int {
	if !strings.ContainsAny(s, "`@\"{<_/\\0123456789") && !strings.Contains(s, "www.") {
		return nil
	}
	return protected.FindAllStringIndex(s, -1)
}

// token is a word with what stands before it; the last token of a text may be empty.
type token struct {
	gap   string // white space and punctuation before the word
	word  string
	fixed bool // may not be changed
}

// tokenize cuts a text into words; joined, they are the text.
func tokenize(s string) []token {
	var out []token
	at := 0
	for _, span := range append(spans(s), []int{len(s), len(s)}) {
		out = words(out, s[at:span[0]])
		if span[1] > span[0] {
			out = append(out, token{word: s[span[0]:span[1]], fixed: true})
		}
		at = span[1]
	}
	return out
}

func words(out []token, s string) []token {
	for s != "" {
		from := strings.IndexFunc(s, isWord)
		if from < 0 {
			return append(out, token{gap: s, fixed: true})
		}
		to := strings.IndexFunc(s[from:], func(r rune) bool { return !isWord(r) })
		if to < 0 {
			to = len(s) - from
		}
		out = append(out, token{gap: s[:from], word: s[from : from+to]})
		s = s[from+to:]
	}
	return out
}

func isWord(r rune) bool { return unicode.IsLetter(r) || r == '\'' || r == '’' || unicode.IsMark(r) }

func join(ts []token) string {
	var b strings.Builder
	for _, t := range ts {
		b.WriteString(t.gap)
		b.WriteString(t.word)
	}
	return b.String()
}

// like gives a word the capitals of another.
func like(word, model string) string {
	switch {
	case len(model) > 1 && strings.ToUpper(model) == model:
		return strings.ToUpper(word)
	case model != "" && strings.ToUpper(model[:1]) == model[:1] && strings.ToLower(model[:1]) != model[:1]:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

var sentenceEnd = regexp.MustCompile(`[.!?]["')]?\s+`)

// sentences cuts a text after sentence ends; joined by spaces they are the text again, but for white space.
func sentences(s string) []string {
	var out []string
	at := 0
	for _, m := range sentenceEnd.FindAllStringIndex(s, -1) {
		out = append(out, strings.TrimSpace(s[at:m[1]]))
		at = m[1]
	}
	if rest := strings.TrimSpace(s[at:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

// kept tells whether all protected spans of a text are in its variation.
func kept(from, to string) bool {
	for _, span := range spans(from) {
		// The mark that ends a sentence is not the span's: "8080?" may become "8080,".
		if !strings.Contains(to, strings.TrimRight(from[span[0]:span[1]], ".,;:!?)")) {
			return false
		}
	}
	return true
}

// negations counts the words that turn a statement round, contracted or not.
func negations(s string) int {
	n := 0
	for w := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return !isWord(r) }) {
		switch w {
		case "not", "no", "never", "cannot", "without", "none", "nothing", "nobody":
			n++
		default:
			if strings.HasSuffix(w, "n't") || strings.HasSuffix(w, "n’t") {
				n++
			}
		}
	}
	return n
}
