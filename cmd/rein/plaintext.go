package main

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// plainText makes output for people harmless to their terminal, because titles, classes, metrics and messages come from other people's
// files and programs. Control characters other than line ends and tabs, and marks that reverse the direction of text, are written as
// escapes. Colours are passed on if they are ours.
type plainText struct {
	colors bool   // colours pass
	moves  bool   // sequences that move the cursor are passed on, too: for a live view
	rest   []byte // an incomplete character or sequence, which the next write completes
}

// clean returns what of the text so far may be written.
func (p *plainText) clean(text []byte) []byte {
	text = append(p.rest, text...)
	p.rest = nil
	if !bytes.ContainsFunc(text, suspicious) {
		return text
	}
	var out bytes.Buffer
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1 && !utf8.FullRune(text[i:]):
			p.rest = bytes.Clone(text[i:])
			return out.Bytes()
		case r == 0x1b && (p.colors || p.moves):
			m, whole := sequence(text[i:])
			if !whole {
				p.rest = bytes.Clone(text[i:])
				return out.Bytes()
			}
			if m > 0 && (p.moves || text[i+m-1] == 'm') {
				out.Write(text[i : i+m])
				i += m
				continue
			}
			out.WriteString(`\x1b`)
		case r == '\r' && (p.moves || i+1 < len(text) && text[i+1] == '\n'):
			out.WriteByte('\r')
		case suspicious(r) && !(r == utf8.RuneError):
			form := `\u%04x`
			if r < 0x80 {
				form = `\x%02x`
			} else if r > 0xffff {
				form = `\U%08x`
			}
			fmt.Fprintf(&out, form, r)
		default:
			out.Write(text[i : i+n])
		}
		i += n
	}
	return out.Bytes()
}

// sequence is the length of the control sequence that text begins with, 0 if it is none; whole is false if more may belong to it.
func sequence(text []byte) (n int, whole bool) {
	if len(text) == 1 {
		return 0, false
	}
	if text[1] != '[' {
		return 0, true
	}
	for i, c := range text[2:] {
		switch {
		case c >= 0x40 && c <= 0x7e:
			return i + 3, true
		case c < 0x20 || c > 0x3f || i > 30:
			return 0, true
		}
	}
	return 0, false
}

// suspicious tells whether a character doesn't belong in plain text.
func suspicious(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError:
		return true
	}
	// What shows nothing can make two names look like one. Joiners are left: scripts and emoji are written with them.
	if r == 0x00ad || r == 0x180e || r == 0x200b || r >= 0x2060 && r <= 0x2065 || r == 0xfeff || r >= 0xfff9 && r <= 0xfffb || r >= 0xe0000 && r <= 0xe007f {
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// talks are the commands whose results are for people, unless another format is requested.
var talks = map[string]bool{"run": true, "plan": true, "compare": true, "diff": true, "show": true, "log": true, "why": true, "validate": true,
	"steps": true, "doctor": true, "cache": true, "gc": true, "verify": true, "list": true, "watch": true, "test": true, "bisect": true, "promote": true, "ui": true}

// plainOutput makes both streams of a command harmless; the output stream only if it is for people.
func (a *app) plainOutput(c *cobra.Command) {
	if o, ok := a.err.(*output); ok {
		tty, _ := isTerminal(a.err)
		o.plain = &plainText{colors: tty, moves: tty}
	}
	o, ok := a.out.(*output)
	format := c.Flags().Lookup("format")
	if !ok || !talks[c.Name()] || a.json || format != nil && format.Changed && format.Value.String() != "table" {
		return
	}
	tty, _ := isTerminal(a.out)
	o.plain = &plainText{colors: a.color(a.out), moves: tty && c.Name() == "watch"}
}
