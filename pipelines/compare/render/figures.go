package render

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/human"
	"rein/steps/metric"
)

// Label is a metric's name for people, also of one that only a user's own step measures.
func Label(metric string) string { return label(metric) }

// Format is a measured figure of a metric for people, with its interval.
func Format(metric string, f compare.Figure) string { return withInterval(metric, f) }

func label(name string) string {
	if m, ok := metric.Lookup(name); ok {
		return m.Label
	}
	for suffix, word := range map[string]string{"_ms": "", "_bytes": " size", "_seconds": " time"} { // the value has the unit
		if of, ok := strings.CutSuffix(name, suffix); ok {
			name = of + word
		}
	}
	words := strings.Split(strings.ReplaceAll(name, "_", " "), " ")
	for i, w := range words {
		words[i] = cmp.Or(map[string]string{"fp": "FP", "fps": "FPs", "f1": "F1", "auc": "AUC"}[w], w)
	}
	return strings.Join(words, " ")
}

// unit is what a metric counts; that of one that isn't known is read off its name.
func unit(name string) metric.Unit {
	if m, ok := metric.Lookup(name); ok {
		return m.Unit
	}
	switch {
	case strings.HasSuffix(name, "_seconds"):
		return metric.Seconds
	case strings.HasSuffix(name, "_bytes"):
		return metric.Bytes
	case strings.HasSuffix(name, "_ms"):
		return metric.Millis
	case strings.HasSuffix(name, "_per_second"):
		return metric.PerSec
	}
	for _, part := range []string{"rate", "share", "coverage", "recall", "precision"} {
		if strings.Contains(name, part) {
			return metric.Rate
		}
	}
	for _, part := range []string{"f1", "auc", "ece", "brier"} {
		if strings.Contains(name, part) {
			return metric.Score
		}
	}
	return metric.Count
}

// isRate tells metrics that are fractions and read as percentages.
func isRate(name string) bool { return unit(name) == metric.Rate }

// show formats a value of a metric.
func show(name string, v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	switch unit(name) {
	case metric.Rate:
		return percent(v)
	case metric.Score:
		return fmt.Sprintf("%.3f", v)
	case metric.Seconds:
		return seconds(v)
	case metric.Bytes:
		return human.Bytes(int64(v))
	case metric.Millis:
		return milliseconds(v)
	}
	return count(v)
}

// percent keeps two decimals, more where a small rate would vanish. What four decimals don't show is a rounding error of 0.
func percent(v float64) string {
	switch {
	case math.Abs(v) >= 0.0000005 && math.Abs(v) < 0.00005:
		return fmt.Sprintf("%.4f%%", 100*v)
	case math.Abs(v) < 0.1:
		return fmt.Sprintf("%.2f%%", 100*v)
	}
	return fmt.Sprintf("%.1f%%", 100*v)
}

// withInterval is a value with its 95% interval: of new sources, that over sources.
func withInterval(name string, f compare.Figure) string {
	f = f.OverSources()
	if f.Low == nil || f.High == nil {
		return show(name, f.Value)
	}
	return show(name, f.Value) + " (" + interval(name, f) + ")"
}

// interval is the 95% interval alone, without repeating the unit.
func interval(name string, f compare.Figure) string {
	low, high, to := show(name, *f.Low), show(name, *f.High), "-"
	if *f.Low < 0 {
		to = " to " // else the line reads as a sign
	}
	for _, unit := range []string{"%", " ms", " MiB", " s"} {
		if strings.HasSuffix(low, unit) && strings.HasSuffix(high, unit) {
			return strings.TrimSuffix(low, unit) + to + strings.TrimSuffix(high, unit)
		}
	}
	return low + to + high
}

// points is a signed difference of rates in percentage points, with its interval.
func points(f compare.Figure) string {
	s := signed(f.Value) + " points"
	if f.Low != nil && f.High != nil {
		s += ", 95% " + signed(*f.Low) + " to " + signed(*f.High)
	}
	return s
}

// signed is a difference of rates as percentage points; what rounds to nothing has no sign.
func signed(v float64) string {
	s := fmt.Sprintf("%+.2f", 100*v)
	if strings.Trim(s, "+-0.") == "" {
		return "0.00"
	}
	return s
}

func pvalue(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

func confidence(p float64) string {
	switch {
	case p > 0.999:
		return "over 99.9%"
	case p < 0.001:
		return "under 0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*p)
}

// count is a whole number with thousands separated, or a few digits of one that isn't whole.
func count(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	if v != math.Trunc(v) {
		if math.Abs(v) < 100 {
			return strconv.FormatFloat(v, 'g', 4, 64)
		}
		v = math.Round(v)
	}
	return human.Count(int64(v))
}

func money(v float64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	if v < 0.005 {
		return "$0.00"
	}
	if v >= 10 {
		return sign + "$" + count(math.Round(v))
	}
	return fmt.Sprintf("%s$%.2f", sign, v)
}

func seconds(v float64) string { return human.Duration(time.Duration(v * float64(time.Second))) }

// milliseconds keeps three digits of what is shorter than a second: latencies are.
func milliseconds(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'g', 3, 64) + " ms"
	}
	return seconds(v / 1000)
}

// wants is an expectation in words.
func wants(name string, e record.Expectation) string {
	var out []string
	if e.Value != nil {
		s := show(name, *e.Value)
		if e.Tolerance != nil {
			s += " ± " + show(name, *e.Tolerance)
		}
		out = append(out, s)
	}
	if e.AtLeast != nil {
		out = append(out, "at least "+show(name, *e.AtLeast))
	}
	if e.AtMost != nil {
		out = append(out, "at most "+show(name, *e.AtMost))
	}
	return strings.Join(out, ", ")
}
