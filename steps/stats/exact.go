package stats

// AtMost returns the upper bound of a rate, given k events in n, at a one-sided confidence. With a higher rate, k or fewer events have a
// probability of less than 1 - confidence (Clopper and Pearson 1934).
func AtMost(k, n int, confidence float64) float64 {
	if k >= n {
		return 1
	}
	return invert(func(p float64) bool { return betaInc(float64(k)+1, float64(n-k), p) < confidence })
}

// AtLeast returns the lower bound of a rate, given k events in n, at a one-sided confidence.
func AtLeast(k, n int, confidence float64) float64 {
	if k <= 0 || n == 0 {
		return 0
	}
	return invert(func(p float64) bool { return betaInc(float64(k), float64(n-k)+1, p) < 1-confidence })
}

// invert returns the p between 0 and 1 at which under turns from true to false.
func invert(under func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if mid := (low + high) / 2; under(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}
