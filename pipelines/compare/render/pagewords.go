package render

import (
	"fmt"
	"strings"

	"rein/pipelines/compare"
)

//go:generate go test -tags uncompiled -run TestPageIsCompiled . -update

// What page.gohtml calls.

func add(a, b float64) float64 { return a + b }

func sub(a, b float64) float64 { return a - b }

func half(a float64) float64 { return a / 2 }

func percentage(share float64) float64 { return 100 * share }

func scoreText(v float64) string { return fmt.Sprintf("%.3f", v) }

func counted(n int) string { return count(float64(n)) }

func toneClass(t Tone) string { return []string{"", "good", "warn", "bad"}[t] }

func toneSign(t Tone) string { return []string{"", "✓", "!", "✗"}[t] }

// isUnder tells whether a row belongs to the row above it.
func isUnder(name string) bool { return strings.HasPrefix(name, " ") }

// decidedBy is the difference that a test decides on.
func decidedBy(t compare.Test) string {
	d := t.Decided()
	switch {
	case isRate(t.Metric):
		return points(d)
	case d.Low == nil:
		return fmt.Sprintf("%+.4f", d.Value)
	}
	return fmt.Sprintf("%+.4f, 95%% %+.4f to %+.4f", d.Value, *d.Low, *d.High)
}

// digestHead is enough of a digest to tell it from others.
func digestHead(s string) string { return s[:min(12, len(s))] }

func newFlipTable(title string, n int, rows []compare.Flip) flipTable {
	return flipTable{title, n, rows}
}
