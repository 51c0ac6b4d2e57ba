package view

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"rein/engine"
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

// harmless is e with every text that a step or its data may have written made safe.
func harmless(e engine.Event) engine.Event {
	e.Pipeline, e.Step, e.Type = Safe(e.Pipeline), Safe(e.Step), Safe(e.Type)
	e.Unit, e.Metric = Safe(e.Unit), Safe(e.Metric)
	if e.Action != engine.ActionEnd && e.Action != engine.ActionNote {
		e.Text = Safe(e.Text)
	} else { // an error or a note may have lines of its own
		lines := strings.Split(e.Text, "\n")
		for i, l := range lines {
			lines[i] = Safe(l)
		}
		e.Text = strings.Join(lines, "\n")
	}
	reasons := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		reasons[i] = Safe(r)
	}
	e.Reasons = reasons
	return e
}

// clip cuts a line without colours at width cells; a wrapped line would break the frame.
func clip(s string, width int) string {
	if width < 4 {
		return runewidth.Truncate(s, max(width, 0), "")
	}
	return runewidth.Truncate(s, width, "...")
}

// pad makes a line without colours exactly width cells wide.
func pad(s string, width int) string { return runewidth.FillRight(clip(s, width), width) }
