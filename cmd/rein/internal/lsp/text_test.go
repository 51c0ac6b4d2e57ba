package lsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func utf16Units(s string) []uint16 { return utf16.Encode([]rune(s)) }

func spanText(r span) string {
	if r.Start.Line == r.End.Line {
		return fmt.Sprintf("%d:%d-%d", r.Start.Line, r.Start.Character, r.End.Character)
	}
	return fmt.Sprintf("%d:%d-%d:%d", r.Start.Line, r.Start.Character, r.End.Line, r.End.Character)
}

// splice is the reference: it edits a text as UTF-16, line by line.
func splice(text string, c contentChange) string {
	if c.Range == nil {
		return c.Text
	}
	units := utf16Units(text)
	find := func(p position) int {
		at := 0
		for line := 0; line < p.Line; line++ {
			for at < len(units) && units[at] != '\n' && units[at] != '\r' {
				at++
			}
			if at == len(units) {
				return at
			}
			if units[at] == '\r' && at+1 < len(units) && units[at+1] == '\n' {
				at++
			}
			at++
		}
		for i := 0; i < p.Character && at < len(units) && units[at] != '\n' && units[at] != '\r'; i++ {
			at++
		}
		return at
	}
	from, to := find(c.Range.Start), find(c.Range.End)
	return string(utf16.Decode(slices.Concat(units[:from], utf16Units(c.Text), units[to:])))
}

// applied makes the edits of an answer, which are all relative to the same text.
func applied(text string, edits []textEdit) string {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b textEdit) int {
		if a.Range.Start.Line != b.Range.Start.Line {
			return b.Range.Start.Line - a.Range.Start.Line
		}
		return b.Range.Start.Character - a.Range.Start.Character
	})
	for _, e := range edits {
		text = splice(text, contentChange{&e.Range, e.NewText})
	}
	return text
}

func TestPlacesAreUTF16(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		want   position
	}{
		{"", 0, position{0, 0}},
		{"abc", 3, position{0, 3}},
		{"é = 1", len("é"), position{0, 1}},
		{"日本 = 1", len("日本"), position{0, 2}},
		{"\"😀\" x", len("\"😀\""), position{0, 4}},
		{"a\n👩‍👩‍👧b", len("a\n👩‍👩‍👧"), position{1, 8}},
		{"a\r\nb", 3, position{1, 0}},
		{"a\rb", 2, position{1, 0}},
		{"a\n", 2, position{1, 0}},
		{"e\u0301x", len("e\u0301"), position{0, 2}},
	} {
		x := newText([]byte(c.text))
		if got := x.position(c.offset); got != c.want {
			t.Errorf("%q at %d: %v, want %v", c.text, c.offset, got, c.want)
		}
		if got := x.offset(c.want); got != c.offset {
			t.Errorf("%q at %v: byte %d, want %d", c.text, c.want, got, c.offset)
		}
	}
	x := newText([]byte("😀b\nc"))
	for p, want := range map[position]int{{0, 99}: 5, {9, 0}: 7, {1, 5}: 7} {
		if got := x.offset(p); got != want {
			t.Errorf("%v is byte %d, want %d", p, got, want)
		}
	}
}

// TestAnyEditsGiveTheClientsText: after any edits the server has the text that the client has.
func TestAnyEditsGiveTheClientsText(t *testing.T) {
	pieces := []string{"a", "é", "日", "😀", "\n", "\r\n", "\r", "", "step \"x\" {\n}\n", "👩‍👩‍👧", "e\u0301"}
	rapid.Check(t, func(rt *rapid.T) {
		some := func(what string, most int) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, most).Draw(rt, what), "")
		}
		want := some("text", 12)
		got := newText([]byte(want))
		for range rapid.IntRange(1, 5).Draw(rt, "edits") {
			c := contentChange{Text: some("new", 3)}
			if rapid.IntRange(0, 9).Draw(rt, "whole") > 0 {
				ends := []int{rapid.IntRange(0, len(want)).Draw(rt, "from"), rapid.IntRange(0, len(want)).Draw(rt, "to")}
				slices.Sort(ends)
				t := newText([]byte(want))
				r := t.span(ends[0], ends[1])
				c.Range = &r
			}
			want, got = splice(want, c), got.edited([]contentChange{c})
			if string(got.bytes) != want {
				rt.Fatalf("%q, want %q", got.bytes, want)
			}
			if fresh := newText([]byte(want)); !slices.Equal(fresh.lines, got.lines) {
				rt.Fatalf("lines %v, want %v", got.lines, fresh.lines)
			}
		}
	})
}

// FuzzEdit makes one edit of any text by any range, also one outside the text.
func FuzzEdit(f *testing.F) {
	f.Add("a\r\n😀b\rc", "é\n", uint8(1), uint8(2), uint8(2), uint8(0))
	f.Add("", "x", uint8(9), uint8(9), uint8(9), uint8(9))
	f.Fuzz(func(t *testing.T, text, insert string, line, column, lines, columns uint8) {
		if !utf8.ValidString(text) || !utf8.ValidString(insert) {
			t.Skip("a client sends valid text")
		}
		before := newText([]byte(text))
		r := span{position{int(line), int(column)}, position{int(line) + int(lines), int(columns)}}
		for _, p := range []position{r.Start, r.End} { // a range never splits a character
			if p.Line < len(before.lines) && before.position(before.offset(p)).Character != p.Character {
				t.Skip("it ends within a character, or behind its line")
			}
		}
		if before.offset(r.End) < before.offset(r.Start) {
			t.Skip("it ends before it starts")
		}
		c := contentChange{&r, insert}
		got := before.edited([]contentChange{c})
		if want := splice(text, c); string(got.bytes) != want {
			t.Errorf("%q, want %q", got.bytes, want)
		}
		for i := range got.bytes {
			if utf8.RuneStart(got.bytes[i]) && (got.bytes[i] != '\n' || i == 0 || got.bytes[i-1] != '\r') {
				if back := got.offset(got.position(i)); back != i {
					t.Errorf("byte %d of %q is at %v, which is byte %d", i, got.bytes, got.position(i), back)
				}
			}
		}
	})
}
