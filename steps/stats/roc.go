package stats

import "math"

// ROC holds what a paired comparison of AUCs needs from one model: its placements (DeLong), computed once.
type ROC struct {
	AUC      float64
	pos, neg []float64
}

// NewROC computes the placements of a model's scores.
func NewROC(positives, negatives []float64) *ROC {
	if len(positives) < 2 || len(negatives) < 2 {
		return &ROC{AUC: AUC(positives, negatives)}
	}
	r := &ROC{}
	r.pos, r.neg, r.AUC = placements(positives, negatives)
	return r
}

// Minus compares two AUCs on the same rows in the same order. It returns r minus a with a 95% interval, and the two-sided p-value.
func (r *ROC) Minus(a *ROC) (Interval, float64) {
	d := r.AUC - a.AUC
	if r.pos == nil || a.pos == nil {
		return Interval{d, -1, 1}, 1
	}
	se := math.Sqrt(differenceVariance(a.pos, r.pos)/float64(len(r.pos)) + differenceVariance(a.neg, r.neg)/float64(len(r.neg)))
	if se == 0 {
		if d == 0 {
			return Interval{0, 0, 0}, 1
		}
		se = math.Hypot(r.spread(), a.spread())
	}
	return Interval{d, math.Max(-1, d-Z95*se), math.Min(1, d+Z95*se)}, math.Erfc(math.Abs(d/se) / math.Sqrt2)
}

// spread returns the standard error that follows from the AUC alone. Minus needs it where all placements are alike: all rows are separated,
// or all scores are equal.
func (r *ROC) spread() float64 {
	m, n := len(r.pos), len(r.neg)
	if r.AUC == 0 || r.AUC == 1 {
		return (1 - separated(m, n)) / Z95
	}
	return math.Sqrt(hanley(r.AUC, m, n))
}

func differenceVariance(a, b []float64) float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = b[i] - a[i]
	}
	return variance(d)
}
