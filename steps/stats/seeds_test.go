package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestStudentsT(t *testing.T) {
	// R: qt(0.975, c(1, 4, 30))
	near(t, "df 1", tQuantile(0.05, 1), 12.70620474, 1e-7)
	near(t, "df 4", tQuantile(0.05, 4), 2.776445105, 1e-8)
	near(t, "df 30", tQuantile(0.05, 30), 2.042272456, 1e-8)
	near(t, "normal", tQuantile(0.05, math.Inf(1)), Z95, 1e-9)
}

// scipy: stats.ttest_ind(b, a, equal_var=False)
func TestOverSeedsIsWelchsTest(t *testing.T) {
	a, b := []float64{0.010, 0.012, 0.011, 0.014}, []float64{0.008, 0.009, 0.0095}
	m := OverSeeds(0, a, b)
	near(t, "difference", m.Difference.Value, 0.026500/3-0.047/4, 1e-15)
	va, vb := variance(a)/4, variance(b)/3
	df := (va + vb) * (va + vb) / (va*va/3 + vb*vb/2)
	near(t, "p", m.P, tTails(m.Difference.Value/math.Sqrt(va+vb), df), 1e-12)
	if !(df > 3 && df < 5) || !(m.P > 0.01 && m.P < 0.05) {
		t.Errorf("df %v, p %v", df, m.P)
	}
	if more := OverSeeds(1e-6, a, b); more.P <= m.P || more.Difference.Low >= m.Difference.Low {
		t.Errorf("rows that are drawn too make it no less sure: %+v, %+v", m, more)
	}
}

// trainings draws rows that two strategies with no true difference decide: each row has its own difficulty, each seed its
// own strictness, and chance does the rest.
func trainings(rng *rand.Rand, rows, seedsA, seedsB int, spread float64) []Pattern {
	strict := make([]float64, seedsA+seedsB)
	for i := range strict {
		strict[i] = spread * rng.NormFloat64()
	}
	out := make([]Pattern, rows)
	for i := range out {
		hard := rng.NormFloat64()
		p := Pattern{Benign: 1}
		for s := range strict {
			flagged := hard+0.3*rng.NormFloat64()+strict[s] > 1.5
			if s < seedsA {
				p.A = append(p.A, flagged)
			} else {
				p.B = append(p.B, flagged)
			}
		}
		out[i] = p
	}
	return out
}

// Two strategies that differ only by their seeds must not be called different more often than 5% of the time. A test that
// takes one seed of each for the whole does, by far.
func TestEqualStrategiesAreRarelyCalledDifferent(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const trials = 300
	var wrong, naive int
	for range trials {
		patterns := trainings(rng, 2000, 4, 4, 0.1)
		rows, a, b := FlaggedRows(patterns)
		if OverSeeds(rows, a, b).P < 0.05 {
			wrong++
		}
		var onlyA, onlyB int
		for _, p := range patterns {
			if p.A[0] && !p.B[0] {
				onlyA++
			} else if p.B[0] && !p.A[0] {
				onlyB++
			}
		}
		if McNemar(onlyA, onlyB) < 0.05 {
			naive++
		}
	}
	t.Logf("called different: %.1f%%, by one seed of each: %.1f%%", 100*float64(wrong)/trials, 100*float64(naive)/trials)
	if share := float64(wrong) / trials; share > 0.08 {
		t.Errorf("%.1f%% of equal strategies are called different", 100*share)
	}
	if share := float64(naive) / trials; share < 0.3 {
		t.Errorf("one seed of each is called different %.1f%% of the time only: the test tests nothing", 100*share)
	}
}

// The rows' variance is what McNemar's setting has in closed form.
func TestDecidedRows(t *testing.T) {
	patterns := []Pattern{{A: []bool{true}, B: []bool{false}, Benign: 60}, {A: []bool{false}, B: []bool{true}, Benign: 20}, {A: []bool{false}, B: []bool{false}, Benign: 920}}
	rows, a, b := DecidedRows(patterns, func(c Confusion) float64 { return c.FPRate().Value }, 4000, 1)
	near(t, "A", a[0], 0.06, 1e-15)
	near(t, "B", b[0], 0.02, 1e-15)
	want := (0.08 - 0.04*0.04) / 1000
	near(t, "variance", rows, want, 0.06*want)
	rows, a, b = FlaggedRows(patterns)
	near(t, "A", a[0], 0.06, 1e-15)
	near(t, "B", b[0], 0.02, 1e-15)
	near(t, "variance", rows, want, 1e-15)
}

func TestRankedRowsIsDeLong(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	var posA, posB, negA, negB []float64
	for range 200 {
		x := rng.NormFloat64() + 1
		posA, posB = append(posA, x), append(posB, x+0.5*rng.NormFloat64())
	}
	for range 400 {
		x := rng.NormFloat64()
		negA, negB = append(negA, x), append(negB, x+0.5*rng.NormFloat64())
	}
	a, b := NewROC(posA, negA), NewROC(posB, negB)
	rows, aucA, aucB := RankedRows([]*ROC{a}, []*ROC{b})
	got, want := OverSeeds(rows, aucA, aucB), Interval{}
	var p float64
	want, p = b.Minus(a)
	near(t, "low", got.Difference.Low, want.Low, 1e-9)
	near(t, "high", got.Difference.High, want.High, 1e-9)
	near(t, "p", got.P, p, 1e-9)
}
