package bytebpe

import (
	"unicode"
	"unicode/utf8"
)

// The classes of characters in GPT-2's pattern.
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

// class returns the class of the character at i, and its length in bytes.
func class(s string, i int) (c uint8, n int) {
	if b := s[i]; b < utf8.RuneSelf {
		return ascii[b], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return classOf(r), n
}

// word returns where the word that begins at i ends. GPT-2's pattern decides that:
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
	last := i // where the last white-space character begins
	end := i + n
	for end < len(s) {
		c, n := class(s, end)
		if c != space {
			if last == i {
				return end
			}
			return last // a space belongs to the next word; other white space becomes a word of its own
		}
		last, end = end, end+n
	}
	return end
}

// run returns where the characters of a class end that begin at i.
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

// contraction returns the length of the ending of an English contraction, such as 'll, at the beginning of s, or 0.
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
