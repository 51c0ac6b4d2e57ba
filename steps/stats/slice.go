package stats

import (
	"cmp"
	"slices"
)

// Slice is a part of a set's benign rows: those that are equal in something.
type Slice struct {
	By    string   `json:"by"` // "language", "length", "source", "category"
	Value string   `json:"value"`
	Rows  int      `json:"rows"`
	Of    int      `json:"of"`      // slices that were looked at
	Rate  Interval `json:"fp_rate"` // with an interval that holds for all of these slices at once, at 95%
}

// WorstSlice is the slice whose FP rate is shown to be highest: that with the highest lower bound. The bounds are exact and share the doubt
// among all slices (Bonferroni), so that a slice of few rows, or one of many slices, isn't the worst by chance. nil: there are no
// slices of benign rows.
func (s *Set) WorstSlice() *Slice {
	var all []Slice
	add := func(by, value string, g *Group) {
		if g != nil && g.Rows > 0 {
			all = append(all, Slice{By: by, Value: value, Rows: g.Rows, Rate: Interval{Value: float64(g.Flagged)}})
		}
	}
	for by, values := range s.Slices {
		for value, p := range values {
			add(by, value, p.Benign)
		}
	}
	for value, g := range s.Benign.Categories {
		add("category", value, g)
	}
	slices.SortFunc(all, func(a, b Slice) int { return cmp.Or(cmp.Compare(a.By, b.By), cmp.Compare(a.Value, b.Value)) })
	var worst *Slice
	for i := range all {
		x := &all[i]
		flagged, sure := int(x.Rate.Value), 1-0.025/float64(len(all))
		x.Of = len(all)
		x.Rate = Interval{float64(flagged) / float64(x.Rows), AtLeast(flagged, x.Rows, sure), AtMost(flagged, x.Rows, sure)}
		if worst == nil || x.Rate.Low > worst.Rate.Low || x.Rate.Low == worst.Rate.Low && x.Rate.Value > worst.Rate.Value {
			worst = x
		}
	}
	return worst
}
