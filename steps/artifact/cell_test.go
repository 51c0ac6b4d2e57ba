package artifact

import (
	"testing"

	"pgregory.net/rapid"
)

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-2+3": "'-2+3", "\t=1": "'\t=1", "'=1": "''=1", "'quoted'": "'quoted'",
		"-1.5": "-1.5", "+7": "+7", "1=2": "1=2",
	} {
		if got := Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// CellText must return the text from which Cell made a cell, whatever the text is.
func TestCellGivesTheTextBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`['=+\-@\t0-9a]{0,6}`).Draw(t, "text")
		if got := CellText(Cell(text)); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	})
}
