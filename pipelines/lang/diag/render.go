package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
	"github.com/hashicorp/hcl/v2"
)

// Style is how diagnostics are written for people.
type Style struct {
	Color bool
	Width int // columns of the terminal; 0: lines aren't wrapped
}

const (
	reset = "\x1b[0m"
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	amber = "\x1b[33m"
	faint = "\x1b[2m"
)

// snippetLines is how many lines of a long range are shown.
const snippetLines = 4

// Write writes diagnostics with the lines they are about, the place underlined:
//
//	error: Unknown argument
//	  hybrid.hcl:12:3, in step "augment" "attacks"
//	     |
//	  12 |   variatons = 8
//	     |   ^^^^^^^^^
//	  There is no argument "variatons" in a step of type "augment". Did you mean "variations"?
func Write(w io.Writer, sources map[string]*hcl.File, diags hcl.Diagnostics, s Style) error {
	for i, d := range Describe(sources, diags) {
		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		s.write(&b, d)
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func (s Style) paint(codes, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return codes + text + reset
}

func (s Style) write(b *strings.Builder, d Diagnostic) {
	color := red
	if d.Severity == "warning" {
		color = amber
	}
	fmt.Fprintf(b, "%s %s\n", s.paint(bold+color, d.Severity+":"), s.paint(bold, printable(d.Summary)))
	if d.Range != nil {
		fmt.Fprintf(b, "  %s:%d:%d", d.Range.Filename, d.Range.Start.Line, d.Range.Start.Column)
		if d.Snippet != nil && d.Snippet.Context != "" {
			fmt.Fprintf(b, ", in %s", printable(d.Snippet.Context))
		}
		b.WriteByte('\n')
	}
	if d.Snippet != nil {
		s.snippet(b, d.Snippet, "^", color)
	}
	for _, r := range d.Related {
		fmt.Fprintf(b, "  %s:%d:%d: %s\n", r.Range.Filename, r.Range.Start.Line, r.Range.Start.Column, printable(r.Message))
		if r.Snippet != nil {
			s.snippet(b, r.Snippet, "-", faint)
		}
	}
	for _, line := range strings.Split(printable(d.Detail), "\n") {
		s.wrap(b, line)
	}
}

// snippet writes the lines with a mark under the range, then the values.
func (s Style) snippet(b *strings.Builder, n *Snippet, underline, color string) {
	margin := 3
	if n.StartLine > 0 {
		lines := strings.Split(n.Code, "\n")
		shown := min(len(lines), snippetLines)
		margin = max(margin, len(fmt.Sprint(n.StartLine+shown-1)))
		fmt.Fprintf(b, "  %*s %s\n", margin, "", s.paint(faint, "|"))
		offset := 0
		for i, line := range lines[:shown] {
			line, from, to := s.fit(strings.TrimSuffix(line, "\r"), n.HighlightStartOffset-offset, n.HighlightEndOffset-offset, margin+5)
			fmt.Fprintf(b, "  %s %s\n", s.paint(faint, fmt.Sprintf("%*d |", margin, n.StartLine+i)), strings.TrimRight(printable(line), " \t"))
			s.mark(b, line, from, to, margin, underline, color)
			offset += len(lines[i]) + 1
		}
		if shown < len(lines) {
			fmt.Fprintf(b, "  %*s %s\n", margin, "", s.paint(faint, fmt.Sprintf("| ... %d more lines", len(lines)-shown)))
		}
	}
	for _, v := range n.Values {
		fmt.Fprintf(b, "  %*s %s %s %s\n", margin, "", s.paint(faint, "="), s.paint(bold, v.Traversal), printable(v.Statement))
	}
}

// fit cuts a line that a terminal would break to what stands around the bytes from..to, because a mark can only stand under an unbroken line.
// Before is how many columns stand before the line.
func (s Style) fit(line string, from, to, before int) (text string, newFrom, newTo int) {
	room := s.Width - before
	if room < 20 || Width(line) <= room {
		return line, from, to
	}
	start, at := 0, min(max(from, 0), len(line))
	if Width(line[:min(max(to, at), len(line))]) >= room && Width(line[:at]) > room/2 { // the mark would be cut off
		for Width(line[start:at]) > room/4 {
			_, n := utf8.DecodeRuneInString(line[start:])
			start += n
		}
	}
	lead, text := "", line[start:]
	if start > 0 {
		lead = "…"
	}
	if Width(lead+text) <= room {
		return lead + text, from - start + len(lead), to - start + len(lead)
	}
	end := 0
	for w := Width(lead) + 1; ; {
		r, n := utf8.DecodeRuneInString(text[end:])
		if w += Width(string(r)); w > room {
			break
		}
		end += n
	}
	return lead + text[:end] + "…", from - start + len(lead), min(to-start, end) + len(lead)
}

// mark underlines the bytes from..to of a line, as far as they lie in it.
func (s Style) mark(b *strings.Builder, line string, from, to, margin int, underline, color string) {
	from, to = max(from, 0), min(to, len(line))
	if from > len(line) || to < 0 || (from >= to && from > 0 && strings.TrimSpace(line) == "") {
		return
	}
	text := line[from:max(from, to)]
	if indent := len(text) - len(strings.TrimLeft(text, " \t")); from == 0 && indent < len(text) {
		from += indent // on the further lines of a range, the text is marked and not its indentation
		text = text[indent:]
	}
	parts := strings.Split(line[:from], "\t")
	for i, p := range parts {
		parts[i] = strings.Repeat(" ", Width(p))
	}
	lead := strings.Join(parts, "\t") // tabs stay tabs: only the terminal knows how wide they are
	fmt.Fprintf(b, "  %*s %s %s%s\n", margin, "", s.paint(faint, "|"), lead, s.paint(color, strings.Repeat(underline, max(1, Width(strings.TrimRight(text, " \t"))))))
}

// Width is how many columns of a terminal a text takes.
func Width(s string) int { return displaywidth.String(printable(s)) }

// wrap writes one line of a detail, broken at spaces where the terminal is narrower.
func (s Style) wrap(b *strings.Builder, line string) {
	if line == "" {
		return
	}
	indent := "  " + line[:len(line)-len(strings.TrimLeft(line, " "))]
	at := 0
	for i, word := range strings.Fields(line) {
		n := Width(word)
		switch {
		case i == 0:
			b.WriteString(indent)
			at = len(indent)
		case s.Width > 20 && at+1+n > s.Width:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteByte('\n')
}

// printable replaces characters that would move a terminal's cursor or turn the direction of text. Each is replaced by one character, so
// marks stay under what they mark.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && (r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069) {
			return '\uFFFD'
		}
		return r
	}, s)
}
