package render

import (
	"math"
	"slices"
	"strings"
	"testing"

	"rein/pipelines/compare"
	"rein/steps/metric"
)

func TestFormat(t *testing.T) {
	low, high := 0.0079, 0.0091
	for _, c := range []struct {
		metric string
		f      compare.Figure
		want   string
	}{
		{"fp_rate", compare.Figure{Value: 0.0085, Low: &low, High: &high}, "0.85% (0.79-0.91)"},
		{"tp_rate", compare.Figure{Value: 0.965}, "96.5%"},
		{"f1_macro", compare.Figure{Value: 0.9594}, "0.959"},
		{"fp_count", compare.Figure{Value: 12345}, "12,345"},
		{"train_seconds", compare.Figure{Value: 200}, "3 min 20 s"},
		{"latency_p95_ms", compare.Figure{Value: 0.1234}, "0.123 ms"},
		{"latency_p95_ms", compare.Figure{Value: 0.1, Low: ptr(0.05), High: ptr(0.2)}, "0.1 ms (0.05-0.2)"},
		{"model_bytes", compare.Figure{Value: 8393081}, "8.0 MiB"},
		{"new_ece", compare.Figure{Value: 0.1453}, "0.145"},
		{"fp_rate", compare.Figure{Value: 0.00001}, "0.0010%"},
		{"fp_rate_change", compare.Figure{Value: 0, Low: ptr(-0.0009), High: ptr(0.0009)}, "0.00% (-0.09 to 0.09)"},
		{"new_fp_rate", compare.Figure{Value: 0.01, Low: ptr(0.009), High: ptr(0.011), SourcesLow: ptr(0.002), SourcesHigh: ptr(0.02)}, "1.00% (0.20-2.00)"},
		{"fp_rate", compare.Figure{Value: 0, Low: ptr(8.7e-19), High: ptr(0.0113)}, "0.00% (0.00-1.13)"}, // rounding is no rate
	} {
		if got := Format(c.metric, c.f); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.metric, c.f.Value, got, c.want)
		}
	}
	for metric, want := range map[string]string{"new_recall_at_fp_0_1": "recall at 0.1% FP rate, new sources", "fp_rate": "FP rate", "loss_gap": "loss gap", "latency_p95_ms": "latency p95", "load_ms": "load time", "package_bytes": "package size", "pool_fp_rate": "pool FP rate"} {
		if got := Label(metric); got != want {
			t.Errorf("%s: %q, want %q", metric, got, want)
		}
	}
}

// What rounds to nothing is neither more nor less.
func TestNothingHasNoSign(t *testing.T) {
	for want, f := range map[string]compare.Figure{
		"0.00 points, 95% -4.39 to +4.39": {Value: -1e-9, Low: ptr(-0.0439), High: ptr(0.0439)},
		"0.00 points, 95% 0.00 to 0.00":   {Value: math.Copysign(0, -1), Low: ptr(-1e-7), High: ptr(1e-7)},
		"-0.05 points":                    {Value: -0.0005},
	} {
		if got := points(f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func ptr(v float64) *float64 { return &v }

// A score and its threshold are written so that the sign between them can be believed.
func TestScoresAreHeldAgainstThresholds(t *testing.T) {
	for want, v := range map[string][2]float64{"0.0370 ≥ 0.0366": {0.037, 0.0366}, "0.0390 < 0.0392": {0.039, 0.0392}, "0.700 ≥ 0.500": {0.7, 0.5}, "0.500 ≥ 0.500": {0.5, 0.5}} {
		if got := held(v[0], v[1]); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// The page of metrics says of each where it is printed, by the rows as they are; what rows are made of are metrics.
func TestWhereMetricsArePrinted(t *testing.T) {
	for name, want := range map[string]string{"fp_rate": "`compare`: FP rate", "fp_count": "`compare --all`: false positives", "promise_limit": "`compare`: promised",
		"edited_tp_rate_worst": "`compare --all`: worst edit", "decisions_flipped": "`log --metrics`"} {
		if got := Printed(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for row, names := range behind {
		for _, name := range names {
			if m, ok := metric.Lookup(name); !ok || m.Name != name {
				t.Errorf("row %s is made of %s, which is no metric", row, name)
			}
		}
		if !slices.ContainsFunc(lines, func(l line) bool { return strings.HasSuffix(l.key, row) }) {
			t.Errorf("there is no row %s", row)
		}
	}
}
