package compare

import (
	"fmt"

	"rein/steps/stats"
)

// slices takes the worst slice of each column from its report.
func (r *Result) slices() {
	r.Baseline.WorstSlice = r.worstSlice(BaselineName)
	for _, s := range r.Strategies {
		s.WorstSlice = r.worstSlice(s.Name)
	}
}

func (r *Result) worstSlice(column string) *stats.Slice {
	if set := r.basisSet(column); set != nil {
		return set.Worst
	}
	return nil
}

// basisSet are a column's figures of the rows that its verdict rests on; nil: it has no report.
func (r *Result) basisSet(column string) *stats.Set {
	if d := r.detail[column]; d != nil && d.report != nil {
		return d.report.Sets[d.basis()]
	}
	return nil
}

// nameSlice says in a gate over slices which slice it is about.
func (r *Result) nameSlice(g Gate, s *Strategy, metric string) Gate {
	set := r.basisSet(s.Name)
	if set == nil || set.WorstBy[metric] == nil {
		return g
	}
	w := set.WorstBy[metric]
	g.Got = fmt.Sprintf("%s: %s, of %d", SliceWords(w), g.Got, w.Of)
	if w.Small > 0 {
		g.Got += fmt.Sprintf("; %d more have too few rows", w.Small)
	}
	return g
}

// SliceWords are a slice's name and rate, with an interval that holds for all slices at once.
func SliceWords(w *stats.Slice) string {
	return fmt.Sprintf("%s %s", w.Value, WithInterval("fp_rate", FigureOf(w.Rate)))
}
