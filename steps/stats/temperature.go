package stats

import "math"

// Temperature is the T that makes scores fit their rows best (lowest log loss) when each score's logit is divided by it
// (Guo et al. 2017). It is fitted on validation rows; it never changes the order of scores, nor a decision whose threshold is
// scaled with it. ok is false without both classes, or where the scores separate them and no temperature is best.
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
	// Golden section over log T: the loss is convex in 1/T, so it has one valley.
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

// Scale is a score at a temperature.
func Scale(score, t float64) float64 { return 1 / (1 + math.Exp(-logit(score)/t)) }

// logit of a probability; what is closer to 0 or 1 than float32 tells apart counts as that close.
func logit(p float64) float64 {
	const edge = 1e-7
	p = math.Min(1-edge, math.Max(edge, p))
	return math.Log(p / (1 - p))
}
