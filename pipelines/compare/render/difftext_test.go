package render

import (
	"strings"
	"testing"

	"rein/pipelines/compare"
	"rein/pipelines/compare/diff"
)

// A diff has each figure once, with the interval that the comparison has, and counts one row as one.
func TestDiffSaysEachFigureOnce(t *testing.T) {
	at := func(v, low, high, over float64) *compare.Figure {
		f := &compare.Figure{Value: v, Low: &low, High: &high}
		if over > 0 {
			lowest, highest := v-over, v+over
			f.SourcesLow, f.SourcesHigh = &lowest, &highest
		}
		return f
	}
	row := compare.Flip{Text: "a prompt", Before: 0.7, BeforeThreshold: 0.5, Score: 0.2, Threshold: 0.5}
	r := &diff.Result{A: "a.hcl", B: "b.hcl", Metrics: []diff.Metric{
		{Name: "recall_at_fp_1", A: at(0.438, 0.42, 0.454, 0.212), B: at(0.47, 0.452, 0.488, 0.206)},
		{Name: "new_recall_at_fp_1", A: at(0.438, 0.42, 0.454, 0.212), B: at(0.47, 0.452, 0.488, 0.206)},
		{Name: "own_recall_at_fp_1", A: at(0.804, 0.791, 0.817, 0), B: at(0.274, 0.264, 0.283, 0)},
		{Name: "fp_rate", A: at(0.02, 0.01, 0.03, 0)},
		{Name: "new_fp_rate", A: at(0.03, 0.02, 0.04, 0)},
	}, Flips: &compare.Microscope{Counts: [4]int{1, 2, 0, 1}, Fixed: []compare.Flip{row}, New: []compare.Flip{row, row}, Caught: []compare.Flip{row}}}
	var b strings.Builder
	if err := Diff(&b, r, Options{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for part, want := range map[string]int{
		"43.8% (22.6-65.0)": 1, "47.0% (26.4-67.6)": 1, "80.4% (79.1-81.7)": 1, "recall at 1% FP rate, new sources": 1,
		"2.00% (1.00-3.00)": 1, "3.00% (2.00-4.00)": 1, // figures of other values stand apart
		"1 false alarm that is gone\n": 1, "2 new false alarms\n": 1, "1 attack caught now\n": 1, "attacks missed": 0,
	} {
		if got := strings.Count(text, part); got != want {
			t.Errorf("%q is there %d times, want %d:\n%s", part, got, want, text)
		}
	}
}

// Where both sides have the same results, neither is told to be run.
func TestDiffOfEqualResults(t *testing.T) {
	f := compare.Figure{Value: 0.01}
	for want, r := range map[string]*diff.Result{
		"Results\n  no figure differs\n":                   {A: "a.hcl", B: "b.hcl", Tests: []compare.Test{{A: "a.hcl", B: "b.hcl", Metric: "f1_macro"}}},
		"Results\n  a.hcl has none yet: run it to compare": {A: "a.hcl", B: "b.hcl", Metrics: []diff.Metric{{Name: "fp_rate", B: &f}}},
	} {
		var b strings.Builder
		if err := Diff(&b, r, Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}
