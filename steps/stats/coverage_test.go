package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// An interval that claims 95% has to hold the truth about as often, also where few rows were wrong.
func TestIntervalsCover(t *testing.T) {
	const times, least = 400, 0.91
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		pos, neg    int
		recall, fps float64
	}{{16, 67, 0.98, 0.005}, {100, 1000, 0.99, 0.001}, {367, 1559, 0.7, 0.013}} {
		p, n := float64(c.pos), float64(c.neg)
		truth := (2*p*c.recall/(p*c.recall+n*c.fps+p) + 2*n*(1-c.fps)/(n*(1-c.fps)+p*(1-c.recall)+n)) / 2
		held := 0
		for i := range times {
			tp, fp := binomial(c.pos, c.recall, rng), binomial(c.neg, c.fps, rng)
			if f := (Confusion{tp, fp, c.neg - fp, c.pos - tp}).F1Macro(400, uint64(i)); f.Low <= truth && truth <= f.High && f.Low < f.High {
				held++
			}
		}
		if share := float64(held) / times; share < least {
			t.Errorf("F1 macro, %+v: %.3f of the intervals hold it", c, share)
		}
	}
	for _, c := range []struct {
		pos, neg int
		distance float64 // of the means of two normal distributions
	}{{5, 20, 2}, {16, 67, 3}, {100, 1000, 1.5}, {367, 1559, 2.7}} {
		truth := math.Erfc(-c.distance/2) / 2
		held := 0
		for range times {
			pos, neg := make([]float64, c.pos), make([]float64, c.neg)
			for i := range pos {
				pos[i] = c.distance + rng.NormFloat64()
			}
			for i := range neg {
				neg[i] = rng.NormFloat64()
			}
			if a := AUCInterval(pos, neg); a.Low <= truth && truth <= a.High && a.Low < a.High {
				held++
			}
		}
		if share := float64(held) / times; share < least {
			t.Errorf("AUC, %+v: %.3f of the intervals hold it", c, share)
		}
	}
}

// Recall at a FP rate is uncertain by where the threshold lies, too; the average precision of rows that are told apart, by what
// was not drawn.
func TestIntervalsOfCurvesCover(t *testing.T) {
	const times, least = 200, 0.91
	rng := rand.New(rand.NewPCG(3, 1))
	draw := func(n int, mean float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = mean + rng.NormFloat64()
		}
		slices.Sort(out)
		return out
	}
	for _, c := range []struct {
		pos, neg int
		distance float64
	}{{16, 67, 3}, {100, 1000, 1.5}, {30, 100, 5}} {
		wide := draw(20_000*c.neg/c.pos, 0)
		precision := AveragePrecision(draw(20_000, c.distance), wide)
		held, heldPrecision := map[string]int{}, 0
		for range times {
			pos, neg := draw(c.pos, c.distance), draw(c.neg, 0)
			for _, p := range OperatingPoints {
				truth := math.Erfc((math.Sqrt2*math.Erfinv(1-2*p.Rate)-c.distance)/math.Sqrt2) / 2
				if r := RecallAt(pos, neg, p.Rate); r.Low <= truth && truth <= r.High {
					held[p.Name]++
				}
			}
			if a := AveragePrecisionInterval(pos, neg, 100, 1); a.Low <= precision && precision <= a.High && a.Low < a.High {
				heldPrecision++
			}
		}
		held["average precision"] = heldPrecision
		for name, n := range held {
			if share := float64(n) / times; share < least {
				t.Errorf("%s, %+v: %.3f of the intervals hold it", name, c, share)
			}
		}
	}
}

// Differences on few rows, most of which are decided alike: no difference seen is no certainty that there is none.
func TestIntervalsOfDifferencesCover(t *testing.T) {
	const times, least, many = 400, 0.91, 1_000_000
	rng := rand.New(rand.NewPCG(4, 1))
	scaled := func(shares []int, n int) (c Cells) {
		for i, s := range shares {
			c[i] = s * n * many / 1000
		}
		return c
	}
	for _, c := range []struct {
		pos, neg          int
		malicious, benign []int // of 1,000: as Cells
	}{{16, 67, []int{785, 10, 5, 200}, []int{36, 1, 3, 960}}, {100, 1000, []int{798, 1, 1, 200}, []int{38, 1, 1, 960}}, {367, 1559, []int{770, 20, 10, 200}, []int{25, 5, 10, 960}}} {
		a, b := pairedF1(scaled(c.malicious, c.pos), scaled(c.benign, c.neg))
		var f1, rate int
		for i := range times {
			var m, n Cells
			newMultinomial(c.malicious).draw(c.pos, m[:], rng)
			newMultinomial(c.benign).draw(c.neg, n[:], rng)
			if d, _ := PairedF1(m, n, 200, uint64(i)); d.Low <= b-a && b-a <= d.High {
				f1++
			}
			want := float64(c.benign[2]-c.benign[1]) / 1000
			if d := PairedDifference(n[1], n[2], c.neg); d.Low <= want && want <= d.High {
				rate++
			}
		}
		if f1 < least*times || rate < least*times {
			t.Errorf("%+v: of %d intervals %d hold the F1 macro, %d the rate", c, times, f1, rate)
		}
	}
}

// Where placements are all alike DeLong has no variance, but a handful of rows prove nothing.
func TestAUCsOfFewRowsClaimNoCertainty(t *testing.T) {
	same, apart := NewROC([]float64{.5, .5, .5}, []float64{.5, .5}), NewROC([]float64{.9, .8, .7}, []float64{.1, .2})
	if d, p := apart.Minus(same); d.Value != 0.5 || !(d.Low < 0 && d.High > 0.5) || p < 0.05 {
		t.Errorf("of five rows: %v, p %v", d, p)
	}
	if i := AUCInterval([]float64{.5, .5, .5}, []float64{.5, .5}); !(i.Low < 0.2 && i.High > 0.8) {
		t.Errorf("scores all equal: %v", i)
	}
	few, many := make([]float64, 400), make([]float64, 1000)
	for i := range few {
		few[i] = 1 + float64(i)
	}
	if _, p := NewROC(few, many).Minus(NewROC(make([]float64, 400), many)); p > 1e-9 {
		t.Errorf("of 1,400 rows: p %v", p)
	}
}

// The randomisation test is exact: where only one class is decided differently it is McNemar's, and its p-values have no
// floor.
func TestPairedF1IsExact(t *testing.T) {
	for _, c := range [][2]int{{0, 4}, {4, 0}, {3, 9}, {60, 20}} {
		if _, p := PairedF1(Cells{80, c[0], c[1], 20}, Cells{5, 0, 0, 895}, 100, 1); math.Abs(p-McNemar(c[0], c[1])) > 1e-9 {
			t.Errorf("%v: p %v, McNemar's %v", c, p, McNemar(c[0], c[1]))
		}
	}
	if _, p := PairedF1(Cells{80, 2, 500, 20}, Cells{50, 3000, 100, 89500}, 100, 1); p > 1e-12 {
		t.Errorf("p %v of an overwhelming difference", p)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	called, times := 0, 600
	for range times {
		var m, b Cells
		newMultinomial([]int{80, 5, 5, 10}).draw(300, m[:], rng)
		newMultinomial([]int{20, 5, 5, 970}).draw(3000, b[:], rng)
		if _, p := PairedF1(m, b, 1, 1); p < 0.05 {
			called++
		}
	}
	if share := float64(called) / float64(times); share > 0.07 {
		t.Errorf("%.3f of equal models are called different", share)
	}
}
