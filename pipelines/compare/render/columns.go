package render

import (
	"cmp"
	"strings"
)

// compareColumns orders columns by a metric: the baseline first, then the better value, what wasn't measured last.
func compareColumns(a, b Column, metric string) int {
	switch {
	case a.strategy == nil && b.strategy == nil:
		return 0
	case a.strategy == nil:
		return -1
	case b.strategy == nil:
		return 1
	}
	x, okX := a.strategy.Measured[metric]
	y, okY := b.strategy.Measured[metric]
	switch {
	case !okX && !okY:
		return 0
	case !okX:
		return 1
	case !okY:
		return -1
	case higherIsBetter(metric):
		return cmp.Compare(y.Value, x.Value)
	}
	return cmp.Compare(x.Value, y.Value)
}

// higherIsBetter tells the direction of a metric; costs, errors and counts are better low.
func higherIsBetter(metric string) bool {
	if strings.Contains(metric, "fp_rate") && !strings.Contains(metric, "recall_at") {
		return false
	}
	for _, part := range []string{"tp_rate", "f1", "auc", "recall", "precision", "coverage", "unique"} {
		if strings.Contains(metric, part) {
			return true
		}
	}
	return false
}
