// Package stats holds the statistics of an evaluation. All numbers are float64. Functions that draw random numbers take a seed; the others
// are deterministic.
package stats

import (
	"math"
	"slices"
	"sort"
)

// Z95 is the standard normal quantile of a two-sided 95% interval.
const Z95 = 1.959963984540054

// Interval is an estimate with a 95% interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Around returns i with both ends moved out as far as those of other.
func (i Interval) Around(other Interval) Interval {
	return Interval{i.Value, min(i.Low, other.Low), max(i.High, other.High)}
}

// Wilson returns the rate k/n with Wilson's score interval (Wilson 1927). With n = 0 all three values are NaN.
func Wilson(k, n int) Interval {
	if n == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	p, m, z2 := float64(k)/float64(n), float64(n), Z95*Z95
	center := (p + z2/(2*m)) / (1 + z2/m)
	half := Z95 / (1 + z2/m) * math.Sqrt(p*(1-p)/m+z2/(4*m*m))
	return Interval{p, math.Max(0, center-half), math.Min(1, center+half)}
}

// BelowConfidence returns the confidence that the true rate is under limit, given k events in n. It is the posterior probability with
// Jeffreys' prior, Beta(k+1/2, n-k+1/2).
func BelowConfidence(k, n int, limit float64) float64 {
	return betaInc(float64(k)+0.5, float64(n-k)+0.5, limit)
}

// MostBelow returns the largest number of events in n that still shows, at the given confidence, that their rate is at most limit. If the
// rate were higher, so few events would have a probability of at most 1 - confidence (Clopper and Pearson 1934). The result is -1 if n is
// too small to show it.
func MostBelow(n int, limit, confidence float64) int {
	if limit >= 1 {
		return n
	}
	return sort.Search(n, func(k int) bool { return betaInc(float64(k)+1, float64(n-k), limit) < confidence }) - 1
}

// betaInc returns the regularised incomplete beta function I_x(a, b). It uses Lentz's continued fraction.
func betaInc(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - betaInc(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := range 1 << 20 { // needs about sqrt(max(a, b)) rounds
		m := float64(i / 2)
		var num float64
		switch {
		case i == 0:
			num = 1
		case i%2 == 0:
			num = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			num = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + num*d; math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		if c = 1 + num/c; math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-14 {
			break
		}
	}
	return front * (f - 1)
}

// AUC returns the area under the ROC curve: the probability that a positive scores above a negative. Ties count half. The result is NaN if
// either class is empty.
func AUC(positives, negatives []float64) float64 {
	if len(positives) == 0 || len(negatives) == 0 {
		return math.NaN()
	}
	byNeg := slices.Sorted(slices.Values(negatives))
	var sum float64
	for _, x := range positives {
		sum += below(byNeg, x)
	}
	return sum / float64(len(positives)) / float64(len(negatives))
}

// AUCInterval returns the AUC with DeLong's interval (DeLong 1988), computed on the logit scale. Near 1, the plain interval is too narrow
// and exceeds 1; this one doesn't.
func AUCInterval(positives, negatives []float64) Interval {
	m, n := len(positives), len(negatives)
	if m < 2 || n < 2 {
		return Interval{AUC(positives, negatives), 0, 1}
	}
	v10, v01, auc := placements(positives, negatives)
	se := math.Sqrt(variance(v10)/float64(m) + variance(v01)/float64(n))
	switch {
	case auc == 1:
		return Interval{1, separated(m, n), 1}
	case auc == 0:
		return Interval{0, 0, 1 - separated(m, n)}
	case se == 0: // all scores are equal
		se = math.Sqrt(hanley(auc, m, n))
	}
	at, half := math.Log(auc/(1-auc)), Z95*se/(auc*(1-auc))
	return Interval{auc, 1 / (1 + math.Exp(half-at)), 1 / (1 + math.Exp(-half-at))}
}

// separated returns the lower end of the AUC's interval if all m positives score above all n negatives. It is the AUC for which Hanley and
// McNeil's variance puts 1 at the upper end of the interval (Newcombe 2006, method 5).
func separated(m, n int) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		a := (low + high) / 2
		if (1-a)*(1-a) > Z95*Z95*hanley(a, m, n) {
			low = a
		} else {
			high = a
		}
	}
	return (low + high) / 2
}

// hanley returns the variance of an AUC of m positives and n negatives that follows from the AUC alone (Hanley and McNeil 1982, in
// Newcombe's symmetric form).
func hanley(auc float64, m, n int) float64 {
	more := float64(m+n)/2 - 1
	return auc * (1 - auc) * (1 + more*((1-auc)/(2-auc)+auc/(1+auc))) / float64(m) / float64(n)
}

func variance(v []float64) float64 {
	var mean, sum float64
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sum += (x - mean) * (x - mean)
	}
	return sum / float64(len(v)-1)
}
