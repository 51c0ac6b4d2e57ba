package render

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"rein/pipelines/compare"
	"rein/steps/stats"
)

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

// Conclusion is a test's conclusion in words.
func Conclusion(c compare.Conclusion) string { return strings.ReplaceAll(string(c), "-", " ") }

// said is what a test concludes, with what would be needed where that is nothing.
func said(t compare.Test) string {
	if n := t.Needs(); n > 0 {
		return fmt.Sprintf("%s (need %s)", Conclusion(t.Conclusion), count(float64(n)))
	}
	return Conclusion(t.Conclusion)
}

// rowsDiffer says why a test's sides can't be compared; "" where they can.
func rowsDiffer(t compare.Test) string {
	if t.RowsOf == nil {
		return ""
	}
	a, b := t.RowsOf[0], t.RowsOf[1]
	short := func(digest string) string { return digest[:min(12, len(digest))] }
	return fmt.Sprintf("evaluated on other rows: %s (%d rows) and %s (%d rows)", short(a.Data), a.Rows, short(b.Data), b.Rows)
}

// probability is the p-value in words; the test's interval is of this test alone, so it says where other tests count.
func probability(t compare.Test) string {
	if t.P > t.Raw {
		return fmt.Sprintf("p %s, adjusted for the number of tests", pvalue(t.P))
	}
	return "p " + pvalue(t.P)
}

// evidence is a test's difference in points with its p-value.
func evidence(t compare.Test) string { return points(t.Decided()) + ", " + probability(t) }

// testWords is a test's conclusion with its difference.
func testWords(t compare.Test) string {
	if t.Conclusion == compare.Incomparable {
		return said(t) + ": " + rowsDiffer(t)
	}
	d := points(t.Decided())
	if !isRate(t.Metric) {
		d = fmt.Sprintf("%+.4f", t.Difference.Value)
	}
	if t.SeedsA > 0 {
		d += fmt.Sprintf(", means over %d and %d seeds", t.SeedsA, t.SeedsB)
	}
	return fmt.Sprintf("%s (%s, %s)", said(t), d, probability(t))
}

// sliceWords are a slice's name and rate, with an interval that holds for all slices at once.
func sliceWords(w *stats.Slice) string {
	return fmt.Sprintf("%s %s", w.Value, withInterval("fp_rate", compare.FigureOf(w.Rate)))
}

// severities are the words of balance_severity.
var severities = []string{"ideal", "acceptable", "concerning", "critical"}

// severity is a balance in words.
func severity(v float64) string {
	if i := int(v); i >= 0 && i < len(severities) {
		return severities[i]
	}
	return fmt.Sprintf("severity %g", v)
}

// balanceWords are a balance with the share of benign rows, where it is known.
func balanceWords(v float64, benign *float64) string {
	if benign == nil {
		return severity(v)
	}
	return fmt.Sprintf("%s (%.1f%% benign)", severity(v), 100**benign)
}

// title is a column's title.
func title(s *compare.Strategy) string {
	if s.ControlOf != "" {
		return s.ControlOf + " with copies instead of variations"
	}
	return s.Title
}

// onQuestion is what figures are of, by the beginning of their metrics' names.
func onQuestion(basis string) string {
	if basis == compare.New {
		return "on new sources"
	}
	return "on own traffic"
}

// methods lists how many rows each method wrote, most rows first.
func methods(rows map[string]int) string {
	names := slices.SortedFunc(maps.Keys(rows), func(a, b string) int { return cmp.Or(cmp.Compare(rows[b], rows[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, n := range names {
		parts = append(parts, n+" "+count(float64(rows[n])))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// nearestMethods lists the methods that wrote the rows nearest to those that were fixed.
func nearestMethods(r compare.Repair) string {
	if r.Looked == 0 {
		return ""
	}
	return fmt.Sprintf("of %s: %s", count(float64(r.Looked)), methods(r.Nearest))
}

// joined is a list in words.
func joined(list []string) string {
	if last := len(list) - 1; last > 1 {
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
	return strings.Join(list, " and ")
}
