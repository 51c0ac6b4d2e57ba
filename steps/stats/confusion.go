package stats

import (
	"math"
	"math/rand/v2"
)

// Confusion counts decisions. Malicious is the positive class.
type Confusion struct {
	TP int `json:"tp"`
	FP int `json:"fp"`
	TN int `json:"tn"`
	FN int `json:"fn"`
}

// Add counts one decision.
func (c *Confusion) Add(malicious, flagged bool) {
	switch {
	case malicious && flagged:
		c.TP++
	case malicious:
		c.FN++
	case flagged:
		c.FP++
	default:
		c.TN++
	}
}

// FPRate returns the share of benign rows that are flagged.
func (c Confusion) FPRate() Interval { return Wilson(c.FP, c.FP+c.TN) }

// Recall returns the share of malicious rows that are flagged (the true positive rate).
func (c Confusion) Recall() Interval { return Wilson(c.TP, c.TP+c.FN) }

// Precision returns the share of flagged rows that are malicious, at the evaluated set's own share of malicious rows.
func (c Confusion) Precision() Interval { return Wilson(c.TP, c.TP+c.FP) }

// PrecisionAt returns the precision where the share base of all prompts is malicious.
func (c Confusion) PrecisionAt(base float64) float64 {
	tp, fp := base*c.Recall().Value, (1-base)*c.FPRate().Value
	return tp / (tp + fp)
}

// F1 returns the F1 of malicious, the F1 of benign, and their mean (macro). Empty classes give NaN.
func (c Confusion) F1() (malicious, benign, macro float64) {
	malicious = 2 * float64(c.TP) / float64(2*c.TP+c.FP+c.FN)
	benign = 2 * float64(c.TN) / float64(2*c.TN+c.FP+c.FN)
	return malicious, benign, (malicious + benign) / 2
}

// redraw returns how many of n rows a resample has in a class that has k in the data. It adds half a row to either kind. Otherwise a share
// of 0 or 1 would give the same share in every resample, and an interval without width would claim certainty from few rows.
func redraw(k, n int, rng *rand.Rand) int { return binomial(n, (float64(k)+0.5)/float64(n+1), rng) }

// F1Macro returns the macro F1 with a 95% interval from a bootstrap that is stratified by class. The classes keep their sizes, so a
// resample is two binomial draws.
func (c Confusion) F1Macro(resamples int, seed uint64) Interval {
	_, _, macro := c.F1()
	if math.IsNaN(macro) {
		return Interval{macro, math.NaN(), math.NaN()}
	}
	rng := rand.New(rand.NewPCG(seed, 0xf1))
	pos, neg := c.TP+c.FN, c.FP+c.TN
	draws := make([]float64, resamples)
	for i := range draws {
		tp, fp := redraw(c.TP, pos, rng), redraw(c.FP, neg, rng)
		_, _, draws[i] = Confusion{tp, fp, neg - fp, pos - tp}.F1()
	}
	return spanOf(macro, draws, 0)
}

// quantile returns the quantile q of sorted values. It interpolates linearly between values.
func quantile(v []float64, q float64) float64 {
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}

// binomial draws from Binomial(n, p). It inverts the distribution from the mode outward and is exact for any n.
func binomial(n int, p float64, rng *rand.Rand) int { return oddsOf(p).draw(n, nil, rng) }

// odds is a probability with the logarithms and ratios that each draw needs, computed once.
type odds struct{ p, ratio, log, logRest float64 }

func oddsOf(p float64) odds { return odds{p, p / (1 - p), math.Log(p), math.Log1p(-p)} }

// draw draws from Binomial(n, c.p).
func (c odds) draw(n int, known factorials, rng *rand.Rand) int {
	if c.p <= 0 || n == 0 {
		return 0
	} else if c.p >= 1 {
		return n
	}
	mode := int(float64(n+1) * c.p)
	mode = min(mode, n)
	logPMF := known.lchoose(n, mode) + float64(mode)*c.log + float64(n-mode)*c.logRest
	at := math.Exp(logPMF)
	u := rng.Float64() - at
	low, high, pl, ph := mode, mode, at, at
	for u > 0 && (low > 0 || high < n) {
		if high < n {
			ph *= c.ratio * float64(n-high) / float64(high+1)
			high++
			if u -= ph; u <= 0 {
				return high
			}
		}
		if low > 0 {
			pl *= float64(low) / c.ratio / float64(n-low+1)
			low--
			if u -= pl; u <= 0 {
				return low
			}
		}
	}
	return mode
}

func lchoose(n, k int) float64 { return factorials(nil).lchoose(n, k) }

// factorials caches the logarithms of the factorials of numbers below its length.
type factorials []float64

func (f factorials) log(n int) float64 {
	if n < len(f) && f[n] != 0 {
		return f[n]
	}
	v, _ := math.Lgamma(float64(n + 1))
	if n < len(f) {
		f[n] = v
	}
	return v
}

func (f factorials) lchoose(n, k int) float64 { return f.log(n) - f.log(k) - f.log(n-k) }
