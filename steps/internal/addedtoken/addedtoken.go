// Package addedtoken finds a tokenizer's added tokens in a text. Such a token is never split: where the text spells it out, it becomes one
// id. As in Hugging Face's tokenizers library, the leftmost match wins, and of several that begin at one place the longest.
package addedtoken

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Token is one added token, as tokenizer.json describes it.
type Token struct {
	ID      int32  `json:"id"`
	Content string `json:"content"`
	Single  bool   `json:"single_word"` // matches only where no letter, mark, digit or underscore is beside it
	Left    bool   `json:"lstrip"`      // also takes the white space before it
	Right   bool   `json:"rstrip"`      // also takes the white space after it
	Normal  bool   `json:"normalized"`  // is looked for in the normalised text
}

// Ends are the ids of the special tokens that go before and after the ids of a text.
type Ends struct{ Before, After []int32 }

// Finder finds a set of added tokens in texts.
type Finder struct {
	first  [256]bool // whether a token begins with this byte
	tokens []Token   // longest first
}

// NewFinder makes a Finder. It ignores tokens without content.
func NewFinder(tokens []Token) *Finder {
	f := &Finder{}
	for _, t := range tokens {
		if t.Content != "" {
			f.first[t.Content[0]] = true
			f.tokens = append(f.tokens, t)
		}
	}
	slices.SortStableFunc(f.tokens, func(a, b Token) int { return len(b.Content) - len(a.Content) })
	return f
}

// Split divides s at its added tokens, in order. It calls token for each of them, and text for each piece between them that isn't empty.
func (f *Finder) Split(s string, text func(string), token func(id int32)) {
	start := 0
	for i := 0; i < len(s); {
		t := f.at(s, i)
		if t == nil {
			i++
			continue
		}
		from, to := i, i+len(t.Content)
		if t.Left {
			from = trimRight(s, start, from)
		}
		if t.Right {
			for to < len(s) {
				r, n := utf8.DecodeRuneInString(s[to:])
				if !unicode.IsSpace(r) {
					break
				}
				to += n
			}
		}
		if from > start {
			text(s[start:from])
		}
		token(t.ID)
		start, i = to, to
	}
	if start < len(s) {
		text(s[start:])
	}
}

// at returns the longest token that matches at i. It returns nil if none matches, or if the longest must not have a word character beside
// it but does.
func (f *Finder) at(s string, i int) *Token {
	if !f.first[s[i]] {
		return nil
	}
	for j := range f.tokens {
		t := &f.tokens[j]
		if end := i + len(t.Content); end <= len(s) && s[i:end] == t.Content {
			if t.Single && (wordBefore(s[:i]) || wordAfter(s[end:])) {
				return nil
			}
			return t
		}
	}
	return nil
}

// trimRight returns where the white space before to begins, but at least start.
func trimRight(s string, start, to int) int {
	for to > start {
		r, n := utf8.DecodeLastRuneInString(s[start:to])
		if !unicode.IsSpace(r) {
			break
		}
		to -= n
	}
	return to
}

func wordBefore(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && inWord(r)
}

func wordAfter(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && inWord(r)
}

func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}
