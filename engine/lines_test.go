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
	for in, want := range map[string]string{
		"1234567890\n":  "12345678|90",
		"123456 secret": "123456|secret", // a word isn't cut
		"1234567é90":    "1234567|é90",   // nor is a character
	} {
		for _, piece := range []int{1, 3, 100} {
			if got := strings.ReplaceAll(linesOf(t, 8, in, piece), "| ", "|"); got != want {
				t.Errorf("a long line in pieces of %d: %q, want %q", piece, got, want)
			}
		}
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
