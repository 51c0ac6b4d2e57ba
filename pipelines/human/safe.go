package human

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe makes s harmless on a terminal and one line long: attackers write prompts, and prompts get into logs and errors.
// Line ends and tabs become spaces; other control characters, direction overrides and invisible marks are written as
// escapes; so are bytes that aren't UTF-8.
func Safe(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if plain {
		return s
	}
	s = strings.TrimRight(s, "\r\n")
	var b strings.Builder
	for i, n := 0, 0; i < len(s); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(hex("x", rune(s[i]), 2))
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r < 0x80 && unicode.IsControl(r):
			b.WriteString(hex("x", r, 2))
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			b.WriteString(hex("u", r, 4))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hex(mark string, r rune, digits int) string {
	const hexDigits = "0123456789abcdef"
	for r>>(4*digits) > 0 {
		digits++
	}
	out := `\` + mark
	for i := digits - 1; i >= 0; i-- {
		out += string(hexDigits[r>>(4*i)&15])
	}
	return out
}
