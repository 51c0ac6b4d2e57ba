package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// If one looks after each difference and stops at the first that seems enough, the result must be wrong in at most 5% of the cases.
func TestEvidenceHoldsWheneverOneLooks(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) float64{
		"rows": func(r *rand.Rand) float64 { // 30% of the rows are decided differently, in both directions alike
			switch u := r.Float64(); {
			case u < 0.15:
				return 1
			case u < 0.30:
				return -1
			}
			return 0
		},
		"sources": func(r *rand.Rand) float64 { return 0.2 * r.NormFloat64() },
		"skewed": func(r *rand.Rand) float64 { // often a little, seldom much less: the mean is 0
			if r.Float64() < 0.9 {
				return 0.1
			}
			return -0.9
		},
	} {
		r := rand.New(rand.NewPCG(11, 12))
		const trials = 2000
		wrong := 0
		for range trials {
			var e Evidence
			for range 500 {
				if e.Add(draw(r)); e.Value() >= 20 {
					wrong++
					break
				}
			}
		}
		if share := float64(wrong) / trials; share > 0.05 {
			t.Errorf("%s: a mean above 0 is claimed in %.1f%% of %d cases without one", name, 100*share, trials)
		}
	}
}

func TestEvidenceFindsWhatIsThere(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	const trials = 200
	found := 0
	for range trials {
		var e Evidence
		for range 400 {
			if u := r.Float64(); u < 0.15 { // 15% of the rows against 5%: a difference of 10 points
				e.Add(1)
			} else if u < 0.20 {
				e.Add(-1)
			} else {
				e.Add(0)
			}
		}
		if e.Value() >= 20 {
			found++
		}
	}
	if found < trials*9/10 {
		t.Errorf("a difference of 10 points is found in %d of %d cases", found, trials)
	}
}

func TestEvidenceOfFewDifferences(t *testing.T) {
	var e, turned Evidence
	if e.Value() != 1 || e.Mean() != 0 {
		t.Errorf("before the first difference it is %v, of a mean of %v", e.Value(), e.Mean())
	}
	for _, d := range []float64{0.5, -0.25, 7} {
		e.Add(d)
	}
	for _, d := range []float64{1, -0.25, 0.5} {
		turned.Add(d)
	}
	if math.Abs(e.Value()-turned.Value()) > 1e-12 {
		t.Errorf("in another order it is %v, not %v", turned.Value(), e.Value())
	}
	if e.Count() != 3 || math.Abs(e.Mean()-1.25/3) > 1e-12 {
		t.Errorf("%d differences of mean %v", e.Count(), e.Mean())
	}
	// A few differences can't show much: each doubles a fortune at most.
	if e.Value() > 8 {
		t.Errorf("three differences are worth %v", e.Value())
	}
}
