package render

import (
	"cmp"

	"rein/steps/metric"
)

// compareColumns orders columns by a metric: the baseline first, then the better value, what wasn't measured last.
func compareColumns(a, b Column, by string) int {
	switch {
	case a.strategy == nil && b.strategy == nil:
		return 0
	case a.strategy == nil:
		return -1
	case b.strategy == nil:
		return 1
	}
	x, okX := a.strategy.Measured[by]
	y, okY := b.strategy.Measured[by]
	switch {
	case !okX && !okY:
		return 0
	case !okX:
		return 1
	case !okY:
		return -1
	case higherIsBetter(by):
		return cmp.Compare(y.Value, x.Value)
	}
	return cmp.Compare(x.Value, y.Value)
}

// higherIsBetter tells the direction of a metric; one that isn't known is a cost, an error or a count, which is better low.
func higherIsBetter(name string) bool {
	m, _ := metric.Lookup(name)
	return m.Better == metric.Higher
}
