package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// spread draws a benign row's score of a source whose place is shift: a logistic score, so that its FP rate at any threshold is
// known.
func spread(shift float64, rng *rand.Rand) float64 {
	u := rng.Float64()
	return 1 / (1 + math.Exp(-(math.Log(u/(1-u)) + shift)))
}

// rateAt is the true FP rate of such a source.
func rateAt(threshold, shift float64) float64 {
	return 1 / (1 + math.Exp(math.Log(threshold/(1-threshold))-shift))
}

// New sources must keep the limit as often as promised, however much sources differ and whatever their sizes: 17 of 20 by default, and 9 of
// 10. The threshold of all rows together doesn't keep this promise: the more the sources differ, the more often it fails.
func TestPromiseHolds(t *testing.T) {
	for _, k := range []int{6, 9, 20, 40} {
		for _, deviation := range []float64{0.3, 1, 2} {
			promiseHolds(t, k, deviation, 0.85, 0.9)
		}
	}
}

func promiseHolds(t *testing.T, k int, deviation float64, shares ...float64) {
	const limit, trials = 0.01, 400
	rng := rand.New(rand.NewPCG(uint64(k), uint64(10*deviation)))
	kept, promised, keptPooled := make([]int, len(shares)), make([]float64, len(shares)), 0
	for range trials {
		var own, all []float64
		for range k {
			shift := deviation * rng.NormFloat64()
			rows := make([]float64, 100+rng.IntN(300))
			for i := range rows {
				rows[i] = spread(shift, rng)
			}
			at, ok := SourceThreshold(rows, limit)
			if !ok {
				t.Fatal("a source of 100 rows is too small")
			}
			own, all = append(own, at), append(all, rows...)
		}
		next := deviation * rng.NormFloat64()
		for i, share := range shares {
			threshold, p, _ := OverSources(own, limit, share)
			if promised[i] = p.Probability; rateAt(threshold, next) <= limit {
				kept[i]++
			}
		}
		if rateAt(ThresholdFor(slices.Sorted(slices.Values(all)), limit), next) <= limit {
			keptPooled++
		}
	}
	pooled := float64(keptPooled) / trials
	for i, share := range shares {
		got := float64(kept[i]) / trials
		t.Logf("a share of %g, %d sources, deviation %g: promised %.3f, kept %.3f, all rows together %.3f", share, k, deviation, promised[i], got, pooled)
		// A source's own threshold is as often too low as too high. So if sources hardly differ, the order statistic over them errs on the
		// safe side. Otherwise it keeps its promise, up to chance.
		if slack := 4 * math.Sqrt(promised[i]*(1-promised[i])/trials); got < promised[i]-slack {
			t.Errorf("a share of %g, %d sources, deviation %g: promised %.3f, kept %.3f", share, k, deviation, promised[i], got)
		}
		if deviation >= 1 && pooled > promised[i] {
			t.Errorf("%d sources, deviation %g: all rows together keep the limit in %.3f, so the simulation tests nothing", k, deviation, pooled)
		}
	}
}

// A source's own threshold is exceeded by a further row of it with the probability of the limit.
func TestSourceThreshold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{99, 150, 199, 1000} {
		mean := 0.0
		const trials = 500
		for range trials {
			rows := make([]float64, n)
			for i := range rows {
				rows[i] = spread(0, rng)
			}
			at, ok := SourceThreshold(rows, 0.01)
			if !ok {
				t.Fatalf("%d rows are too few", n)
			}
			mean += rateAt(at, 0) / trials
		}
		if mean > 0.0112 || mean < 0.006 {
			t.Errorf("%d rows: a further one exceeds the threshold with %.4f", n, mean)
		}
	}
	if _, ok := SourceThreshold(make([]float64, 98), 0.01); ok {
		t.Error("98 rows show an FP rate of 1%")
	}
}

func TestPromiseInWords(t *testing.T) {
	for _, c := range []struct {
		sources int
		share   float64
		kth     int
		p       float64
	}{{21, 0.9, 2, 20.0 / 22}, {9, 0.9, 1, 0.9}, {8, 0.9, 1, 8.0 / 9}, {19, 0.95, 1, 0.95}, {39, 0.95, 2, 0.95}, {1, 0.9, 1, 0.5},
		{33, 0.85, 5, 29.0 / 34}, {6, 0.85, 1, 6.0 / 7}, {5, 0.85, 1, 5.0 / 6}, {9, 0.85, 1, 0.9}} {
		own := make([]float64, c.sources)
		for i := range own {
			own[i] = 1 - float64(i)/100 // the first is the highest
		}
		at, p, ok := OverSources(own, 0.01, c.share)
		if !ok || at != own[c.kth-1] || math.Abs(p.Probability-c.p) > 1e-9 || p.Kept() != (c.sources >= p.Needs) {
			t.Errorf("%d sources, %v: %v %+v", c.sources, c.share, at, p)
		}
	}
	if n := SourcesNeeded(0.95); n != 19 {
		t.Errorf("95%% needs %d", n)
	}
	if _, p, ok := OverSources(nil, 0.01, 0.9); ok || p.Probability != 0 {
		t.Errorf("no source promises %+v", p)
	}
}
