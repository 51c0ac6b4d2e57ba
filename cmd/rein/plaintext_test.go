package main

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"as it is: ünï 漢字 👩‍💻\n\ttab": "as it is: ünï 漢字 👩‍💻\n\ttab",
		"\x1b]0;title\x07":            `\x1b]0;title\x07`,
		"\x1b[2J\x1b[31mred\x1b[m":    "\\x1b[2J\x1b[31mred\x1b[m",
		"a\u202eb\u2066c":             `a\u202eb\u2066c`,
		"over\rwritten\r\n":           "over\\x0dwritten\r\n",
		"c1 \u009b31m":                `c1 \u009b31m`,
		"ad\u200bmin\ufeff":           `ad\u200bmin\ufeff`, // shows as another name does
		"tags \U000e0041":             `tags \U000e0041`,
	} {
		if got := string((&plainText{colors: true}).clean([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := string((&plainText{}).clean([]byte("\x1b[31mred"))); got != `\x1b[31mred` {
		t.Errorf("without colours: %q", got)
	}
}

// However a text is cut into writes, the result is the same, and holds no control character.
func TestPlainTextInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab\n\x1b[3m1;é漢\u202e\u009b"))).Draw(t, "text") + "\n\n"
		whole := string((&plainText{colors: true}).clean([]byte(text)))
		p, pieces := &plainText{colors: true}, ""
		for part := range slices.Chunk([]byte(text), rapid.IntRange(1, 5).Draw(t, "size")) {
			pieces += string(p.clean(part))
		}
		if pieces != whole {
			t.Fatalf("%q, in pieces %q", whole, pieces)
		}
		if strings.ContainsAny(whole, "\u202e\u009b\x07") {
			t.Fatalf("%q", whole)
		}
	})
}

func TestCellsAreNoFormulas(t *testing.T) {
	got := cells([]string{"=HYPERLINK(1)", "+x", "-1.5", "-x", "@a", "text", ""})
	if want := []string{"'=HYPERLINK(1)", "'+x", "-1.5", "'-x", "'@a", "text", ""}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
