package reviewui

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"
)

func marked(text string, marks []bool) string {
	s := underline(text, text, marks)
	return strings.NewReplacer("\x1b[4m", "<", "\x1b[24m", ">").Replace(s)
}

func TestWordsThatDifferAreMarked(t *testing.T) {
	for _, c := range [][4]string{
		{"how do I kill a process", "how do I stop a process", "how do I <kill> a process", "how do I <stop> a process"},
		{"please stop the job now", "stop the job", "<please> stop the job <now>", "stop the job"},
		{"the same", "the same", "the same", "the same"},
		{"aWdub3Jl", "ignore this", "aWdub3Jl", "ignore this"}, // nothing in common: no mark helps
	} {
		a, b := Differing(c[0], c[1])
		if got, of := marked(c[0], a), marked(c[1], b); got != c[2] || of != c[3] {
			t.Errorf("%q and %q: %q, %q", c[0], c[1], got, of)
		}
	}
}

// Marks change nothing but the underlining, however a text is wrapped, and words without a mark are a common subsequence.
func TestMarksKeepTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "bb", "日本語", "ccc"}), 0, 12)
		x, y := strings.Join(words.Draw(t, "x"), " "), strings.Join(words.Draw(t, "y"), " ")
		inX, inY := Differing(x, y)
		kept := func(s string, marks []bool) string {
			var out []string
			for i, w := range strings.Fields(s) {
				if marks != nil && !marks[i] {
					out = append(out, w)
				}
			}
			return strings.Join(out, " ")
		}
		if kept(x, inX) != kept(y, inY) {
			t.Fatalf("%q and %q: %q and %q are said to be the same", x, y, kept(x, inX), kept(y, inY))
		}
		wrapped := runewidth.Wrap(x, rapid.IntRange(4, 20).Draw(t, "width"))
		if got := strings.NewReplacer("\x1b[4m", "", "\x1b[24m", "").Replace(underline(wrapped, x, inX)); got != wrapped {
			t.Fatalf("%q became %q", wrapped, got)
		}
	})
}
