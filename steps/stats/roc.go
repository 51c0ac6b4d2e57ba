package stats

import "math"

// ROC is what a paired comparison of AUCs needs of one model: its placements (DeLong), worked out once.
type ROC struct {
	AUC      float64
	pos, neg []float64
}

// NewROC ranks a model's scores.
func NewROC(positives, negatives []float64) *ROC {
	r := &ROC{AUC: AUC(positives, negatives)}
	if len(positives) > 1 && len(negatives) > 1 {
		r.pos, r.neg = placements(positives, negatives)
	}
	return r
}

// Minus compares two AUCs on the same rows in the same order: r minus a with its interval, and the two-sided p-value.
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
		return Interval{d, d, d}, 0
	}
	return Interval{d, d - Z95*se, d + Z95*se}, math.Erfc(math.Abs(d/se) / math.Sqrt2)
}

func differenceVariance(a, b []float64) float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = b[i] - a[i]
	}
	return variance(d)
}
