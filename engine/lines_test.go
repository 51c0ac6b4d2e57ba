package engine

import (
	"io"
	"strings"
	"testing"
)

func TestLineWriter(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\n":               "a|b",
		"a\r\nb\r\n\n":         "a|b",
		"no end":               "no end",
		"10%\r50%\r100%\ndone": "100%|done",
		"\xff\n":               "\uFFFD",
		"":                     "",
	} {
		for _, piece := range []int{1, 3, 100} {
			if got := linesOf(t, 0, in, piece); got != want {
				t.Errorf("%q in pieces of %d: %q, want %q", in, piece, got, want)
			}
		}
	}
	if got := linesOf(t, 8, "1234567890\n", 1); got != "12345678|90" {
		t.Errorf("a long line: %q", got)
	}
}

// linesOf are the lines of a text that is written in pieces.
func linesOf(t *testing.T, most int, text string, piece int) string {
	t.Helper()
	var got []string
	w := &LineWriter{Most: most, Line: func(l string) { got = append(got, l) }}
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{strings.NewReader(text)}, make([]byte, piece)); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	return strings.Join(got, "|")
}
