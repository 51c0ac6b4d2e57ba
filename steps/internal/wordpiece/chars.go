package wordpiece

import (
	"unicode"

	"golang.org/x/text/unicode/rangetable"
)

// known are the characters that the reference implementation has categories for: those of Unicode 8.0. Later ones are
// letters to it, whatever they are.
var known = rangetable.Assigned("8.0.0")

// The classes of ASCII.
const (
	drop uint8 = iota
	letter
	space
	punct
)

var class = func() (c [256]uint8) {
	for b := byte('!'); b <= '~'; b++ {
		c[b] = punct
	}
	for b := byte('0'); b <= '9'; b++ {
		c[b] = letter
	}
	for b := byte('a'); b <= 'z'; b++ {
		c[b], c[b-'a'+'A'] = letter, letter
	}
	for _, b := range []byte(" \t\n\r") {
		c[b] = space
	}
	return c
}()

// recategorised are characters whose category has changed since Unicode 8.0, with the old one.
var recategorised = map[rune]*unicode.RangeTable{
	0x166d: unicode.P, 0x111c9: unicode.P, 0x1734: unicode.Mn, 0x1885: unicode.L, 0x1886: unicode.L, 0xa9bd: unicode.M,
}

// is tells whether r had the category in Unicode 8.0.
func is(r rune, category *unicode.RangeTable) bool {
	if old, ok := recategorised[r]; ok {
		return old == category
	}
	return unicode.Is(category, r) && unicode.Is(known, r)
}

// dropped tells the characters that are no text: control, format, private use, and what stands for broken text.
func dropped(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case r < 0x80:
		return r < ' ' || r == 0x7f
	case r == unicode.ReplacementChar:
		return true
	}
	return is(r, unicode.Cc) || is(r, unicode.Cf) || is(r, unicode.Co)
}

// stripped tells the non-spacing marks, which go with the accents.
func stripped(r rune) bool { return r >= 0x300 && is(r, unicode.Mn) }

// punctuation tells the characters that are words of their own: Unicode's, and all of ASCII's that are neither letter
// nor digit.
func punctuation(r rune) bool {
	if r < 0x80 {
		return class[r] == punct
	}
	return is(r, unicode.P)
}

// ideograph tells the CJK ideographs, by the blocks of BERT's reference tokenizer.
// The gap before U+2B920 is the reference implementation's.
func ideograph(r rune) bool {
	return r >= 0x3400 && (r <= 0x4dbf || r >= 0x4e00 && r <= 0x9fff || r >= 0xf900 && r <= 0xfaff ||
		r >= 0x20000 && r <= 0x2a6df || r >= 0x2a700 && r <= 0x2b81f || r >= 0x2b920 && r <= 0x2ceaf || r >= 0x2f800 && r <= 0x2fa1f)
}

func lower(r rune) rune { return unicode.ToLower(r) }
