package render

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"rein/pipelines/compare"
)

var (
	label        = compare.Label
	show         = compare.Show
	isRate       = compare.IsRate
	percent      = compare.Percent
	withInterval = compare.WithInterval
	points       = compare.Points
	pvalue       = compare.PValue
	confidence   = compare.SureText
	count        = compare.Count
	money        = compare.Money
	seconds      = compare.Seconds
	wants        = compare.Wants
)

// Label is a metric's name for people.
func Label(metric string) string { return label(metric) }

// Format is a measured figure of a metric for people, with its interval.
func Format(metric string, f compare.Figure) string { return withInterval(metric, f) }

// mainMetrics are shown first, and elsewhere than here without being asked for.
var mainMetrics = []string{"fp_rate", "tp_rate", "recall_at_fp_1", "f1_macro", "roc_auc", "fp_count", "new_fp_rate", "new_recall_at_fp_1", "own_fp_rate", "own_recall_at_fp_1", "edited_tp_rate",
	"unique_fps", "benign_added", "malicious_added", "total_samples", "benign_share", "train_seconds", "latency_p95_ms"}

// MainRank is a metric's place among the main ones; those that are none come after them.
func MainRank(metric string) int {
	if i := slices.Index(mainMetrics, metric); i >= 0 {
		return i
	}
	return len(mainMetrics)
}

// odds is what a fall of the log-odds divides the odds by.
func odds(fall float64) string {
	if times := math.Exp(fall); times < 1000 {
		return fmt.Sprintf("%.3g", times)
	}
	return "1,000 and more"
}

// causeWords lists the words that raise a row's alarm, and what the odds of an attack are divided by without each.
func causeWords(f compare.Flip) string {
	var parts []string
	for _, c := range f.Causes {
		parts = append(parts, fmt.Sprintf("“%s” ÷%s", c.Word, odds(c.Fall)))
	}
	return strings.Join(parts, ", ")
}

// testWords is a test's conclusion with its difference.
func testWords(t compare.Test) string {
	if t.Conclusion == compare.Incomparable {
		return t.Said() + ": " + t.Reason
	}
	d := points(t.Decided())
	if !isRate(t.Metric) {
		d = fmt.Sprintf("%+.4f", t.Difference.Value)
	}
	if t.SeedsA > 0 {
		d += fmt.Sprintf(", means over %d and %d seeds", t.SeedsA, t.SeedsB)
	}
	return fmt.Sprintf("%s (%s, %s)", t.Said(), d, t.PText())
}
