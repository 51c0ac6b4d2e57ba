package stats

import "math"

// stakes are the shares of what it has that each gambler of an Evidence bets on a difference.
var stakes = [...]float64{0.9, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.0625, 0.045, 0.03, 0.02, 0.0125, 0.008, 0.005}

// Evidence is how much speaks for a mean above 0, of paired differences in [-1, 1] that come in one after the other. The zero value
// has seen none.
//
// It is a test by betting (Waudby-Smith and Ramdas 2024): the mean fortune of gamblers who each start with 1 and bet a fixed share
// of what they have on the next difference. If no difference has an expectation above 0, the fortune isn't expected to grow, and the
// chance that it ever reaches 1/alpha is at most alpha (Ville), however often one looks and whenever one stops. The order of the
// differences doesn't change it.
type Evidence struct {
	logs [len(stakes)]float64 // of each gambler's fortune
	n    int
	sum  float64
}

// Add takes a difference. One outside [-1, 1] counts as the nearer end.
func (e *Evidence) Add(d float64) {
	d = math.Max(-1, math.Min(1, d))
	for i, s := range stakes {
		e.logs[i] += math.Log1p(s * d)
	}
	e.n++
	e.sum += d
}

// Value is the fortune: 1 before the first difference, 20 where chance alone would lead at most once in 20 times.
func (e *Evidence) Value() float64 {
	sum := 0.0
	for _, l := range e.logs {
		sum += math.Exp(l)
	}
	return sum / float64(len(stakes))
}

// Count is the number of differences.
func (e *Evidence) Count() int { return e.n }

// Mean is the mean of the differences; 0 without any.
func (e *Evidence) Mean() float64 { return e.sum / math.Max(float64(e.n), 1) }
