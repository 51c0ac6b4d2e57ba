package train

import (
	"math"
	"slices"
)

// choose picks the threshold on scored validation rows: a score at or above it means malicious.
func choose(c Config, scores []float32, benign func(i int) bool) float64 {
	if c.Rule == "fixed" {
		return c.Fixed
	}
	order := make([]int, len(scores))
	negatives := 0
	for i := range order {
		order[i] = i
		if benign(i) {
			negatives++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	allowed := int(c.AtMost * float64(negatives))
	best, bestAt, fp, tp := math.Inf(-1), 0, 0, 0
	for k := 0; ; k++ { // the first k rows would be flagged
		if k == len(order) || k == 0 || scores[order[k]] != scores[order[k-1]] {
			value := f1(tp, fp, len(order)-negatives, negatives)
			if c.Rule == "fp_rate" {
				value = float64(tp)
				if fp > allowed {
					break
				}
			}
			if value > best {
				best, bestAt = value, k
			}
		}
		if k == len(order) {
			break
		}
		if benign(order[k]) {
			fp++
		} else {
			tp++
		}
	}
	return between(scores, order, bestAt)
}

// between is a threshold that flags exactly the first k rows of the order.
func between(scores []float32, order []int, k int) float64 {
	high, low := 1.0, 0.0
	if k > 0 {
		high = float64(scores[order[k-1]])
	}
	if k < len(order) {
		low = float64(scores[order[k]])
	}
	return low + (high-low)/2
}

// f1 is the macro mean of both labels' F1.
func f1(tp, fp, positives, negatives int) float64 {
	one := func(hit, wrong, all int) float64 { // 2 hit / (predicted + actual)
		if hit == 0 {
			return 0
		}
		return 2 * float64(hit) / float64(hit+wrong+all)
	}
	return (one(tp, fp, positives) + one(negatives-fp, positives-tp, negatives)) / 2
}

// auc is the probability that a malicious row scores higher than a benign one; ties count half.
func auc(scores []float32, benign func(i int) bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	var rankSum float64
	var positives int
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			if !benign(i) {
				rankSum += float64(from+to+1) / 2
				positives++
			}
		}
		from = to
	}
	p, n := float64(positives), float64(len(order)-positives)
	return (rankSum - p*(p+1)/2) / (p * n)
}
