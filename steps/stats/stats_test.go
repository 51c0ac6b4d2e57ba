package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

func TestWilson(t *testing.T) {
	// R: prop.test(10, 100, correct = FALSE)
	i := Wilson(10, 100)
	near(t, "low", i.Low, 0.05522914, 1e-8)
	near(t, "high", i.High, 0.17436566, 1e-8)
	if i := Wilson(0, 50); i.Low != 0 || i.High < 0.05 {
		t.Errorf("none of 50: %v", i)
	}
	if i := Wilson(0, 0); !math.IsNaN(i.Value) {
		t.Errorf("none of none: %v", i)
	}
}

func TestBetaInc(t *testing.T) {
	// Exact: I_x(1, b) = 1-(1-x)^b, and the binomial sum.
	near(t, "I(1,3)", betaInc(1, 3, 0.2), 1-math.Pow(0.8, 3), 1e-13)
	near(t, "I(9,2)", betaInc(9, 2, 0.5), 11.0/1024, 1e-13)
	near(t, "symmetry", betaInc(2.5, 7, 0.3)+betaInc(7, 2.5, 0.7), 1, 1e-13)
}

func TestMcNemar(t *testing.T) {
	near(t, "1, 9", McNemar(1, 9), 2*11.0/1024, 1e-13)
	near(t, "5, 5", McNemar(5, 5), 1, 0)
	near(t, "0, 0", McNemar(0, 0), 1, 0)
	near(t, "0, 20", McNemar(0, 20), 2*math.Pow(0.5, 20), 1e-18)
	near(t, "symmetry", McNemar(30, 61), McNemar(61, 30), 0)
}

func TestAUC(t *testing.T) {
	near(t, "separable", AUC([]float64{3, 4}, []float64{1, 2}), 1, 0)
	near(t, "ties", AUC([]float64{1, 2}, []float64{1, 2}), 0.5, 0)
	near(t, "one tie", AUC([]float64{2, 3}, []float64{1, 2}), 3.5/4, 0)
	if !math.IsNaN(AUC(nil, []float64{1})) {
		t.Error("without positives")
	}
	if i := AUCInterval([]float64{0.8, 0.4, 0.9}, []float64{0.3, 0.5, 0.1}); !(i.Low < i.Value && i.Value < i.High+1e-9) {
		t.Errorf("%v", i)
	}
}

func TestAUCCountsPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.Map(rapid.IntRange(0, 6), func(i int) float64 { return float64(i) })
		pos := rapid.SliceOfN(score, 1, 12).Draw(t, "pos")
		neg := rapid.SliceOfN(score, 1, 12).Draw(t, "neg")
		var sum float64
		for _, p := range pos {
			for _, n := range neg {
				switch {
				case p > n:
					sum++
				case p == n:
					sum += 0.5
				}
			}
		}
		if got, want := AUC(pos, neg), sum/float64(len(pos)*len(neg)); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "adjusted", got[i], want, 1e-15)
	}
}

func TestConfusion(t *testing.T) {
	var c Confusion
	for i, n := range []int{90, 10, 5, 895} { // TP, FN, FP, TN
		for range n {
			c.Add(i < 2, i == 0 || i == 2)
		}
	}
	mal, ben, macro := c.F1()
	near(t, "F1 malicious", mal, 180.0/195, 1e-15)
	near(t, "F1 benign", ben, 1790.0/1805, 1e-15)
	near(t, "F1 macro", macro, (180.0/195+1790.0/1805)/2, 1e-15)
	near(t, "FP rate", c.FPRate().Value, 5.0/900, 0)
	near(t, "recall", c.Recall().Value, 0.9, 0)
	near(t, "precision at 1%", c.PrecisionAt(0.01), 0.009/(0.009+0.99*5.0/900), 1e-15)
	f := c.F1Macro(2000, 1)
	if !(f.Low < macro && macro < f.High && f.High-f.Low < 0.06) || f != c.F1Macro(2000, 1) {
		t.Errorf("interval %v", f)
	}
}

func TestBinomialHasTheRightMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		n int
		p float64
	}{{10, 0.3}, {1000, 0.01}, {100000, 0.04}} {
		var sum, squares float64
		const draws = 4000
		for range draws {
			x := float64(binomial(c.n, c.p, rng))
			sum, squares = sum+x, squares+x*x
		}
		mean, want := sum/draws, float64(c.n)*c.p
		sd := math.Sqrt(want * (1 - c.p))
		near(t, "mean", mean, want, 5*sd/math.Sqrt(draws))
		near(t, "deviation", math.Sqrt(squares/draws-mean*mean), sd, 0.06*sd)
	}
}

func TestROCMinus(t *testing.T) {
	pos, neg := []float64{0.9, 0.8, 0.4, 0.7}, []float64{0.1, 0.5, 0.3, 0.2}
	if d, p := NewROC(pos, neg).Minus(NewROC(pos, neg)); d.Value != 0 || p != 1 {
		t.Errorf("itself: %v, %v", d, p)
	}
	better := []float64{0.9, 0.8, 0.6, 0.7}
	if d, p := NewROC(better, neg).Minus(NewROC(pos, neg)); !(d.Value > 0) || !(p > 0 && p < 1) {
		t.Errorf("better: %v, %v", d, p)
	}
}

func TestSizes(t *testing.T) {
	n := RowsNeeded(0.01, 0.02)
	near(t, "there and back", MinDetectable(n, 0.02), 0.01, 1e-5)
	if d := PairedDifference(10, 30, 1000); !(d.Low < 0.02 && 0.02 < d.High) || math.Abs(d.Value-0.02) > 1e-15 {
		t.Errorf("%v", d)
	}
}

func TestBelowConfidence(t *testing.T) {
	if c := BelowConfidence(850, 100000, 0.01); c < 0.999 {
		t.Errorf("0.85%% of 100,000 under 1%%: %v", c)
	}
	near(t, "at the limit", BelowConfidence(1000, 100000, 0.01), 0.5, 0.01)
}

// DeLong's interval of a difference of AUCs is what a paired bootstrap of the rows gives, without drawing.
func TestDeLongAgreesWithAPairedBootstrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	draw := func(n int, shift float64) (a, b []float64) {
		for range n {
			x := rng.NormFloat64() + shift
			a, b = append(a, x+0.8*rng.NormFloat64()), append(b, x+0.5*rng.NormFloat64())
		}
		return a, b
	}
	posA, posB := draw(250, 1.3)
	negA, negB := draw(700, 0)
	const draws = 600
	differences := make([]float64, draws)
	ra, rb, na, nb := make([]float64, len(posA)), make([]float64, len(posA)), make([]float64, len(negA)), make([]float64, len(negA))
	for d := range differences {
		for i := range ra {
			k := rng.IntN(len(posA))
			ra[i], rb[i] = posA[k], posB[k]
		}
		for i := range na {
			k := rng.IntN(len(negA))
			na[i], nb[i] = negA[k], negB[k]
		}
		differences[d] = AUC(rb, nb) - AUC(ra, na)
	}
	slices.Sort(differences)
	got, _ := NewROC(posB, negB).Minus(NewROC(posA, negA))
	width := quantile(differences, 0.975) - quantile(differences, 0.025)
	near(t, "width", got.High-got.Low, width, 0.1*width)
	near(t, "low", got.Low, quantile(differences, 0.025), 0.1*width)
	near(t, "high", got.High, quantile(differences, 0.975), 0.1*width)
}

// The limit is the exact one: with as many events the chance of no more of them is small enough, with one more it isn't.
func TestMostBelow(t *testing.T) {
	atMost := func(k, n int, p float64) (sum float64) {
		for i := range k + 1 {
			sum += math.Exp(lchoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		return sum
	}
	for _, n := range []int{0, 1, 298, 299, 473, 5000, 30000} {
		k := MostBelow(n, 0.01, 0.95)
		if k >= 0 && atMost(k, n, 0.01) > 0.05 || k < n && atMost(k+1, n, 0.01) <= 0.05 {
			t.Errorf("%d of %d", k, n)
		}
	}
	if a, b := MostBelow(298, 0.01, 0.95), MostBelow(299, 0.01, 0.95); a != -1 || b != 0 {
		t.Error(a, b)
	}
}

// At its limit a rate is as likely under as over; its 95% interval's upper end leaves 2.5%.
func TestBelowOverSources(t *testing.T) {
	near(t, "at the limit", BelowOverSources(0.01, 0.02, 0.01, 12), 0.5, 1e-9)
	near(t, "at the interval's end", BelowOverSources(0.01, 0.02, 0.02, 12), 0.975, 1e-6)
	near(t, "as far under", BelowOverSources(0.02, 0.03, 0.01, 12), 0.025, 1e-6)
	near(t, "no spread", BelowOverSources(0, 0, 0.01, 12), 1, 1e-6)
}
