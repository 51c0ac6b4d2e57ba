package wordpiece

import (
	"unicode"

	"golang.org/x/text/unicode/rangetable"
)

// unicode8 are the characters of Unicode 8.0. The reference implementation knows only their categories, and treats all later characters as
// letters.
var unicode8 = rangetable.Assigned("8.0.0")

// The classes of ASCII characters.
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

// recategorised are characters whose category has changed since Unicode 8.0, with their old category.
var recategorised = map[rune]*unicode.RangeTable{
	0x166d: unicode.P, 0x111c9: unicode.P, 0x1734: unicode.Mn, 0x1885: unicode.L, 0x1886: unicode.L, 0xa9bd: unicode.M,
}

// is tells whether r had the category in Unicode 8.0.
func is(r rune, category *unicode.RangeTable) bool {
	if old, ok := recategorised[r]; ok {
		return old == category
	}
	return unicode.Is(category, r) && unicode.Is(unicode8, r)
}

// dropped tells whether r isn't text: a control, format or private-use character, or U+FFFD.
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

// stripped tells whether r is a non-spacing mark, which is removed together with accents.
func stripped(r rune) bool { return r >= 0x300 && is(r, unicode.Mn) }

// punctuation tells whether r is a word of its own: Unicode's punctuation, and every visible ASCII character that is neither a letter nor a
// digit.
func punctuation(r rune) bool {
	if r < 0x80 {
		return class[r] == punct
	}
	return is(r, unicode.P)
}

// ideograph tells whether r is a CJK ideograph, by the blocks that BERT's reference tokenizer lists. The gap before U+2B920 is in that
// list, too.
func ideograph(r rune) bool {
	return r >= 0x3400 && (r <= 0x4dbf || r >= 0x4e00 && r <= 0x9fff || r >= 0xf900 && r <= 0xfaff ||
		r >= 0x20000 && r <= 0x2a6df || r >= 0x2a700 && r <= 0x2b81f || r >= 0x2b920 && r <= 0x2ceaf || r >= 0x2f800 && r <= 0x2fa1f)
}

func lower(r rune) rune { return unicode.ToLower(r) }
