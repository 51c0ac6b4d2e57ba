package render

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// painter colours and wraps what goes to a terminal. Colour never carries meaning alone: planned and expected figures have
// their words, verdicts are words.
type painter struct{ color bool }

var tones = map[Tone]text.Colors{Good: {text.FgGreen}, Warn: {text.FgYellow}, Bad: {text.FgRed}}

func (p painter) paint(s string, c ...text.Color) string {
	if !p.color || s == "" {
		return s
	}
	// Always: whether to colour is decided by the caller, who knows the stream.
	codes := text.Colors(c)
	return codes.EscapeSeq() + s + "\x1b[0m"
}

func (p painter) bold(s string) string { return p.paint(s, text.Bold) }
func (p painter) dim(s string) string  { return p.paint(s, text.Faint) }

// cell is a cell's lines within a width: what was measured, then what was promised, beside it where both fit.
func (p painter) cell(c gridCell, width int) string {
	measured := c.Text
	if measured == "" && c.blank {
		measured = "–"
	}
	var promised []string
	if c.Planned != "" {
		promised = append(promised, "plan "+c.Planned)
	}
	if c.Expected != "" {
		promised = append(promised, "exp "+c.Expected)
	}
	colors := tones[c.Tone]
	if c.bold {
		colors = append(text.Colors{text.Bold}, colors...)
	}
	side := strings.Join(promised, "  ")
	if n := text.StringWidthWithoutEscSequences(measured) + 2 + text.StringWidthWithoutEscSequences(side); side != "" && n <= width {
		return p.paint(measured, colors...) + "  " + p.dim(side)
	}
	var lines []string
	for _, l := range wrap(measured, width) {
		lines = append(lines, p.paint(l, colors...))
	}
	for _, s := range promised {
		for _, l := range wrap(s, width) {
			lines = append(lines, p.dim(l))
		}
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a text at spaces, and words that are wider than the width.
func wrap(s string, width int) []string {
	if text.StringWidthWithoutEscSequences(s) <= width {
		return []string{s}
	}
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	var out []string
	line := indent
	for _, word := range strings.Fields(s) {
		for text.StringWidthWithoutEscSequences(word) > width-len(indent) {
			head := text.Trim(word, width-len(indent))
			if at := strings.LastIndexAny(head, "-_/.:"); at > 0 { // between a name's words rather than within one
				head = head[:at+1]
			}
			if line != indent {
				out = append(out, line)
				line = indent
			}
			out = append(out, indent+head)
			word = strings.TrimPrefix(word, head)
		}
		switch {
		case line == indent:
			line += word
		case text.StringWidthWithoutEscSequences(line)+1+text.StringWidthWithoutEscSequences(word) <= width:
			line += " " + word
		default:
			out = append(out, line)
			line = indent + word
		}
	}
	if line != indent {
		out = append(out, line)
	}
	return out
}

// paragraph is a wrapped text whose lines after the first are indented as the bullet is wide.
func paragraph(bullet, s string, width int) string {
	n := text.StringWidthWithoutEscSequences(bullet)
	return bullet + strings.Join(wrap(s, max(width-n, 20)), "\n"+strings.Repeat(" ", n)) + "\n"
}
