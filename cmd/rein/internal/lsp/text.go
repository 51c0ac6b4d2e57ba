package lsp

import (
	"sort"
	"unicode/utf8"
)

// text is the content of a file and where its lines begin. It never changes.
type text struct {
	bytes []byte
	lines []int // offset of each line's first byte
}

// newText divides a text into lines by the protocol's rule: they end with \n, \r\n or \r.
func newText(b []byte) *text {
	t := &text{bytes: b, lines: []int{0}}
	for i, c := range b {
		if c == '\n' || c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

// offset is the byte at a position. A position behind the end of its line or of the text counts as that end.
func (t *text) offset(p position) int {
	if p.Line >= len(t.lines) {
		return len(t.bytes)
	}
	at, units := t.lines[p.Line], 0
	for at < len(t.bytes) && t.bytes[at] != '\n' && t.bytes[at] != '\r' && units < p.Character {
		r, size := utf8.DecodeRune(t.bytes[at:])
		units += width(r)
		at += size
	}
	return at
}

// position is the line and UTF-16 column of a byte. For a byte within a character it is the start of the character.
func (t *text) position(offset int) position {
	offset = max(0, min(offset, len(t.bytes)))
	line := sort.SearchInts(t.lines, offset+1) - 1
	units := 0
	for at := t.lines[line]; at < offset; {
		r, size := utf8.DecodeRune(t.bytes[at:])
		if at += size; at > offset {
			break
		}
		units += width(r)
	}
	return position{line, units}
}

// width is the number of UTF-16 code units of a character.
func width(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

func (t *text) span(from, to int) span { return span{t.position(from), t.position(to)} }

// edited is the text after the edits of one notification, each of which is relative to the one before.
func (t *text) edited(changes []contentChange) *text {
	for _, c := range changes {
		if c.Range == nil {
			t = newText([]byte(c.Text))
			continue
		}
		from, to := t.offset(c.Range.Start), t.offset(c.Range.End)
		to = max(from, to)
		b := make([]byte, 0, len(t.bytes)-(to-from)+len(c.Text))
		b = append(append(append(b, t.bytes[:from]...), c.Text...), t.bytes[to:]...)
		t = newText(b)
	}
	return t
}
