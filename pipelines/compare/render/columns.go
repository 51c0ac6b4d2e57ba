package render

import (
	"cmp"
	"fmt"
	"slices"

	"rein/pipelines/compare"
	"rein/steps/metric"
)

// compareColumns orders columns by a metric: the better value first, what wasn't measured later, the baseline last.
func compareColumns(a, b Column, by string) int {
	switch {
	case a.strategy == nil && b.strategy == nil:
		return 0
	case a.strategy == nil:
		return 1
	case b.strategy == nil:
		return -1
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

// ranked are the strategies in the order of their worth: the recommended one, those that pass, those that fail fewer gates, those that
// find more attacks at one FP rate. A control stands behind its strategy. Figures of other test sets rank nothing: the order of
// the files stays.
func (r result) ranked() []*compare.Strategy {
	rank := func(s *compare.Strategy) int {
		switch {
		case s.Recommended:
			return -1
		case s.Missing != nil:
			return len(s.Gates) + 1
		}
		return len(s.Failures())
	}
	contenders := r.Contenders()
	comparable := !slices.ContainsFunc(r.Tests, func(t compare.Test) bool { return t.Conclusion == compare.Incomparable })
	slices.SortStableFunc(contenders, func(a, b *compare.Strategy) int {
		by := cmp.Compare(rank(a), rank(b))
		if by == 0 && comparable {
			by = cmp.Compare(b.Measured[compare.Decisive].Value, a.Measured[compare.Decisive].Value)
		}
		return by
	})
	var out []*compare.Strategy
	for _, s := range contenders {
		if out = append(out, s); r.ControlOf(s) != nil {
			out = append(out, r.ControlOf(s))
		}
	}
	for _, s := range r.Strategies {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Sort orders the strategies' columns by a metric, best known first; the baseline stays last. Figures of different rows have no order.
func (m *Matrix) Sort(by string) error {
	if by == "" {
		return nil
	}
	name := metric.Canonical(by)
	known := false
	order := make([]int, len(m.Columns))
	for i, c := range m.Columns {
		order[i] = i
		if c.strategy != nil {
			_, ok := c.strategy.Measured[name]
			known = known || ok
		}
	}
	if !known {
		return &OptionError{fmt.Sprintf("--sort %q: no strategy has measured it", by)}
	}
	for _, t := range m.tests {
		if t.Metric == name && t.Conclusion == compare.Incomparable && t.A != compare.BaselineName && t.B != compare.BaselineName {
			return &OptionError{fmt.Sprintf("--sort %q: %s and %s were measured on different rows, so their figures have no order", by, t.A, t.B)}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareColumns(m.Columns[a], m.Columns[b], name) })
	columns := slices.Clone(m.Columns)
	for to, from := range order {
		m.Columns[to] = columns[from]
	}
	for i := range m.Rows {
		cells := slices.Clone(m.Rows[i].Cells)
		for to, from := range order {
			m.Rows[i].Cells[to] = cells[from]
		}
	}
	return nil
}
