package stats

import "math"

// stakes lists the shares of their fortune that the gamblers of an Evidence bet on each difference.
var stakes = [...]float64{0.9, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.0625, 0.045, 0.03, 0.02, 0.0125, 0.008, 0.005}

// Evidence says how strongly paired differences in [-1, 1], which arrive one after the other, speak for a mean above 0. The zero value has
// seen no difference.
//
// It is a test by betting (Waudby-Smith and Ramdas 2024). Several gamblers each start with 1 and bet a fixed share of their fortune on the
// next difference. The evidence is their mean fortune. If no difference has an expectation above 0, the fortune isn't expected to grow, and
// the probability that it ever reaches 1/alpha is at most alpha (Ville). This holds however often one looks and whenever one stops. The
// order of the differences doesn't change the result.
type Evidence struct {
	logs [len(stakes)]float64 // logarithm of each gambler's fortune
	n    int
	sum  float64
}

// Add takes one more difference. A value outside [-1, 1] counts as the nearer end.
func (e *Evidence) Add(d float64) {
	d = math.Max(-1, math.Min(1, d))
	for i, s := range stakes {
		e.logs[i] += math.Log1p(s * d)
	}
	e.n++
	e.sum += d
}

// Value returns the mean fortune. It is 1 before the first difference. Chance alone reaches 20 with a probability of at most 1/20.
func (e *Evidence) Value() float64 {
	sum := 0.0
	for _, l := range e.logs {
		sum += math.Exp(l)
	}
	return sum / float64(len(stakes))
}

// Count returns the number of differences.
func (e *Evidence) Count() int { return e.n }

// Mean returns the mean of the differences, or 0 without any.
func (e *Evidence) Mean() float64 { return e.sum / math.Max(float64(e.n), 1) }
