package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The bounds are what R's binom.test(k, n, alternative = "less") and "greater" print.
func TestExactBounds(t *testing.T) {
	for _, c := range []struct {
		k, n       int
		low, high  float64
		confidence float64
	}{
		{0, 20, 0, 1 - math.Pow(0.05, 1.0/20), 0.95},
		{20, 20, math.Pow(0.05, 1.0/20), 1, 0.95},
		{3, 50, 0.01655, 0.14784, 0.95},
	} {
		if got := AtMost(c.k, c.n, c.confidence); math.Abs(got-c.high) > 1e-4 {
			t.Errorf("%d of %d is at most %v, want %v", c.k, c.n, got, c.high)
		}
		if got := AtLeast(c.k, c.n, c.confidence); math.Abs(got-c.low) > 1e-4 {
			t.Errorf("%d of %d is at least %v, want %v", c.k, c.n, got, c.low)
		}
	}
}

// AtMost and MostBelow are one rule, asked from two sides; AtLeast mirrors AtMost.
func TestExactBoundsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3000).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		limit := rapid.Float64Range(0.001, 0.999).Draw(t, "limit")
		if bound := AtMost(k, n, 0.95); math.Abs(bound-limit) > 1e-9 && (bound <= limit) != (k <= MostBelow(n, limit, 0.95)) {
			t.Fatalf("%d of %d: at most %v; MostBelow(%v) says %d", k, n, bound, limit, MostBelow(n, limit, 0.95))
		}
		if a, b := AtLeast(k, n, 0.95), 1-AtMost(n-k, n, 0.95); math.Abs(a-b) > 1e-9 {
			t.Fatalf("at least %v, mirrored %v", a, b)
		}
	})
}

func TestRecallOver(t *testing.T) {
	s := NewSet()
	for i := range 1001 {
		s.Add(Observation{Malicious: true, Threat: float64(i) / 1000})
		s.Add(Observation{Threat: 0.1})
	}
	s.Finish(0.01, 10, 1)
	for threshold, want := range map[float64]float64{0: 1, 0.25: 0.75, 0.9: 0.1, 1.5: 0} {
		if got := s.RecallOver(threshold); math.Abs(got-want) > 0.005 {
			t.Errorf("recall over %v is %v, want about %v", threshold, got, want)
		}
	}
	if got := (&Set{}).RecallOver(0.5); !math.IsNaN(got) {
		t.Errorf("recall without quantiles: %v", got)
	}
}
