package bytebpe

import (
	"unicode"
	"unicode/utf8"
)

// The classes of GPT-2's pattern.
const (
	other uint8 = iota
	letter
	number
	space
)

var ascii = func() (c [utf8.RuneSelf]uint8) {
	for b := range c {
		c[b] = classOf(rune(b))
	}
	return c
}()

func classOf(r rune) uint8 {
	switch {
	case unicode.IsSpace(r):
		return space
	case unicode.Is(unicode.L, r):
		return letter
	case unicode.Is(unicode.N, r):
		return number
	}
	return other
}

// class is the class of the character at i, and its length; of none at the end.
func class(s string, i int) (c uint8, n int) {
	if b := s[i]; b < utf8.RuneSelf {
		return ascii[b], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return classOf(r), n
}

// word is where the word that begins at i ends, by GPT-2's pattern:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func word(s string, i int) int {
	if n := contraction(s[i:]); n > 0 {
		return i + n
	}
	c, n := class(s, i)
	if c != space {
		return run(s, i+n, c)
	}
	if s[i] == ' ' && i+1 < len(s) {
		if c, n := class(s, i+1); c != space {
			return run(s, i+1+n, c)
		}
	}
	last := i // of the white space's characters
	end := i + n
	for end < len(s) {
		c, n := class(s, end)
		if c != space {
			if last == i {
				return end
			}
			return last // the last one goes with the word that follows, or stays alone
		}
		last, end = end, end+n
	}
	return end
}

// run is where the characters of a class end.
func run(s string, i int, of uint8) int {
	for i < len(s) {
		c, n := class(s, i)
		if c != of {
			break
		}
		i += n
	}
	return i
}

// contraction is the length of an English contraction's end that begins s; 0: none does.
func contraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch s[1] {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && s[2] == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && s[2] == 'l' {
			return 3
		}
	}
	return 0
}
