package diag

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"pgregory.net/rapid"
)

// In a terminal no line of a snippet is broken, and the mark stands under the text that it marks.
func TestSnippetsFitTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := func(name string) string {
			return strings.Repeat(rapid.SampledFrom([]string{"a", "é ", "日本", "three words, "}).Draw(t, name), rapid.IntRange(0, 90).Draw(t, "times"))
		}
		before, after := words("before"), words("after")
		text := before + "WRONG" + after
		width := rapid.IntRange(40, 120).Draw(t, "width")
		start := hcl.Pos{Line: 1, Column: 1 + utf8.RuneCountInString(before), Byte: len(before)}
		end := hcl.Pos{Line: 1, Column: start.Column + 5, Byte: start.Byte + 5}
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "x", Subject: &hcl.Range{Filename: "f", Start: start, End: end}}
		var b strings.Builder
		if err := Write(&b, map[string]*hcl.File{"f": {Bytes: []byte(text)}}, hcl.Diagnostics{d}, Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		for _, l := range lines {
			if Width(l) > width {
				t.Fatalf("%d columns in %d: %q", Width(l), width, l)
			}
		}
		line, mark := lines[3], lines[4]
		lead, rest, found := strings.Cut(line, "WRONG")
		if !found || strings.Count(mark, "^") != 5 || Width(lead) != strings.IndexByte(mark, '^') {
			t.Fatalf("the mark is off in %d columns:\n%s\n%s\n%q", width, line, mark, rest)
		}
	})
}
