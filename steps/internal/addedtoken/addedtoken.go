// Package addedtoken finds the tokens that a tokenizer takes whole wherever they are written out in a text, as Hugging
// Face's tokenizers library does: the leftmost match, the longest of those that begin there.
package addedtoken

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Token is one that is taken whole.
type Token struct {
	ID      int32  `json:"id"`
	Content string `json:"content"`
	Single  bool   `json:"single_word"` // only where no letter, digit or underscore is beside it
	Left    bool   `json:"lstrip"`      // takes the white space before it too
	Right   bool   `json:"rstrip"`      // takes the white space after it too
	Normal  bool   `json:"normalized"`  // is looked for in normalised text
}

// Ends are the special tokens around a text's own.
type Ends struct{ Before, After []int32 }

// Finder finds tokens.
type Finder struct {
	first  [256]bool // bytes that begin a token
	tokens []Token   // longest first
}

// NewFinder makes a Finder; tokens without content are none.
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

// Split calls text for what lies between tokens, where it isn't empty, and token for each of them, in order.
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

// at is the longest token that is written at i; nil: there is none, or the longest may not stand there.
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

// trimRight moves to left over white space, as far as start.
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
