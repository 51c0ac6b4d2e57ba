package compare

import (
	"testing"

	"rein/engine/record"
)

func TestFormat(t *testing.T) {
	low, high := 0.0079, 0.0091
	for _, c := range []struct {
		metric string
		f      Figure
		want   string
	}{
		{"fp_rate", Figure{0.0085, &low, &high}, "0.85% (0.79-0.91)"},
		{"tp_rate", Figure{Value: 0.965}, "96.5%"},
		{"f1_macro", Figure{Value: 0.9594}, "0.959"},
		{"fp_count", Figure{Value: 12345}, "12,345"},
		{"train_seconds", Figure{Value: 200}, "3 min 20 s"},
		{"latency_p95_ms", Figure{Value: 0.1234}, "0.123 ms"},
		{"latency_p95_ms", Figure{0.1, ptr(0.05), ptr(0.2)}, "0.1 ms (0.05-0.2)"},
		{"model_bytes", Figure{Value: 8393081}, "8.004 MiB"},
		{"unseen_ece", Figure{Value: 0.1453}, "0.145"},
		{"fp_rate", Figure{Value: 0.00001}, "0.0010%"},
	} {
		if got := Format(c.metric, c.f); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.metric, c.f.Value, got, c.want)
		}
	}
	for metric, want := range map[string]string{"unseen_recall_at_fp_0_1": "recall at 0.1% FP rate, unseen sources", "fp_rate": "FP rate", "loss_gap": "loss gap", "latency_p95_ms": "latency p95", "load_ms": "load time", "package_bytes": "package size", "pool_fp_rate": "pool FP rate"} {
		if got := Label(metric); got != want {
			t.Errorf("%s: %q, want %q", metric, got, want)
		}
	}
}

func ptr(v float64) *float64 { return &v }

// A figure that misses its limit by less than two decimals show is written with more of them.
func TestAGateNeverContradictsItself(t *testing.T) {
	target := map[string]Figure{"fp_rate": {Value: 0.010033}}
	g := gate("fp_rate", record.Expectation{AtMost: ptr(0.01)}, target)
	if g.Passed || g.Got == "1.00%" || g.Wants != "at most 1.00%" {
		t.Errorf("%+v", g)
	}
}
