package compare

import "rein/steps/stats"

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
