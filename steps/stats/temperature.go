package stats

import "math"

// Temperature returns the temperature that gives the scores the lowest log loss when each score's logit is divided by it (Guo et al. 2017).
// It is fitted on validation rows. It doesn't change the order of scores, nor a decision if the threshold is scaled, too. ok is false if a
// class is empty, or if the scores separate the classes, because then no temperature is best.
func Temperature(positives, negatives []float64) (t float64, ok bool) {
	if len(positives) == 0 || len(negatives) == 0 {
		return 1, false
	}
	loss := func(t float64) float64 {
		var sum float64
		for _, p := range positives {
			sum += math.Log1p(math.Exp(-logit(p) / t))
		}
		for _, p := range negatives {
			sum += math.Log1p(math.Exp(logit(p) / t))
		}
		return sum
	}
	// Golden section search over log T works because the loss is convex in 1/T, so it has one minimum.
	const ratio, least, most = 0.6180339887498949, -4.0, 4.0
	low, high := least, most
	a, b := high-ratio*(high-low), low+ratio*(high-low)
	fa, fb := loss(math.Exp(a)), loss(math.Exp(b))
	for high-low > 1e-7 {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - ratio*(high-low)
			fa = loss(math.Exp(a))
		} else {
			low, a, fa = a, b, fb
			b = low + ratio*(high-low)
			fb = loss(math.Exp(b))
		}
	}
	at := (low + high) / 2
	return math.Exp(at), at > least+0.01 && at < most-0.01
}

// Scale returns the score at temperature t.
func Scale(score, t float64) float64 { return 1 / (1 + math.Exp(-logit(score)/t)) }

// logit returns the logit of a probability. It first moves p at least 1e-7 away from 0 and 1: float32 can't tell closer values apart.
func logit(p float64) float64 {
	const edge = 1e-7
	p = math.Min(1-edge, math.Max(edge, p))
	return math.Log(p / (1 - p))
}
