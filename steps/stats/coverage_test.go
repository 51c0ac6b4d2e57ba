package stats

import (
	"math"
	"math/rand/v2"
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
		multinomial(300, []int{80, 5, 5, 10}, m[:], rng)
		multinomial(3000, []int{20, 5, 5, 970}, b[:], rng)
		if _, p := PairedF1(m, b, 1, 1); p < 0.05 {
			called++
		}
	}
	if share := float64(called) / float64(times); share > 0.07 {
		t.Errorf("%.3f of equal models are called different", share)
	}
}
