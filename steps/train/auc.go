package train

import "slices"

// auc returns the probability that a malicious row scores higher than a benign one. Ties count half.
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
