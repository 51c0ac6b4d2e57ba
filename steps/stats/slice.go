package stats

import (
	"cmp"
	"slices"
)

// Slice is a part of the benign or of the malicious rows of a set: those that are equal in something.
type Slice struct {
	By    string   `json:"by"` // one of SlicedBy
	Value string   `json:"value"`
	Rows  int      `json:"rows"`
	Of    int      `json:"of"`              // slices that were judged
	Small int      `json:"small,omitempty"` // slices of fewer than leastRows rows, which were not
	Rate  Interval `json:"rate"`            // FP rate or recall, with an interval that holds for all of these slices at once, at 95%
	Reach float64  `json:"reach"`           // what the rate of every one of these slices is at most (FP rate), or at least (recall)
}

// SlicedBy is what rows are sliced by.
var SlicedBy = []string{"category", "channel", "language", "length", "role", "source"}

// leastRows is how many rows a slice needs to be judged: fewer say more of the rows than of the slice.
const leastRows = 30

// WorstSlice is the slice whose FP rate is shown to be highest: that with the highest lower bound. The bounds are exact and share the doubt
// among all slices (Bonferroni), so that a slice of few rows, or one of many slices, isn't the worst by chance. nil: no slice of benign
// rows is large enough.
func (s *Set) WorstSlice() *Slice {
	var all []counted
	for _, by := range SlicedBy {
		all = append(all, s.sliced(by, false)...)
	}
	return worst(all, false)
}

// WorstFPRate is the slice of one kind whose FP rate is shown to be highest. nil: no slice is large enough.
func (s *Set) WorstFPRate(by string) *Slice { return worst(s.sliced(by, false), false) }

// WorstRecall is the slice of one kind whose recall is shown to be lowest. nil: no slice is large enough.
func (s *Set) WorstRecall(by string) *Slice { return worst(s.sliced(by, true), true) }

// counted is a slice before its bounds.
type counted struct {
	by, value string
	*Group
}

// sliced are the slices of one kind, in the order of their values.
func (s *Set) sliced(by string, malicious bool) []counted {
	var out []counted
	if by == "category" {
		of := s.Benign
		if malicious {
			of = s.Malicious
		}
		for value, g := range of.Categories {
			out = append(out, counted{by, value, g})
		}
	}
	for value, p := range s.Slices[by] {
		g := p.Benign
		if malicious {
			g = p.Malicious
		}
		if g != nil && g.Rows > 0 {
			out = append(out, counted{by, value, g})
		}
	}
	slices.SortFunc(out, func(a, b counted) int { return cmp.Compare(a.value, b.value) })
	return out
}

// worst judges slices together: low tells that a low rate is bad.
func worst(all []counted, low bool) *Slice {
	large := slices.DeleteFunc(slices.Clone(all), func(c counted) bool { return c.Rows < leastRows })
	if len(large) == 0 {
		return nil
	}
	sure, least, most := 1-0.025/float64(len(large)), 1.0, 0.0
	judged := make([]Slice, len(large))
	for i, c := range large {
		rate := Interval{float64(c.Flagged) / float64(c.Rows), AtLeast(c.Flagged, c.Rows, sure), AtMost(c.Flagged, c.Rows, sure)}
		judged[i] = Slice{By: c.by, Value: c.value, Rows: c.Rows, Of: len(large), Small: len(all) - len(large), Rate: rate}
		least, most = min(least, rate.Low), max(most, rate.High)
	}
	if low {
		out := slices.MinFunc(judged, func(a, b Slice) int {
			return cmp.Or(cmp.Compare(a.Rate.High, b.Rate.High), cmp.Compare(a.Rate.Value, b.Rate.Value))
		})
		out.Reach = least
		return &out
	}
	out := slices.MaxFunc(judged, func(a, b Slice) int {
		return cmp.Or(cmp.Compare(a.Rate.Low, b.Rate.Low), cmp.Compare(a.Rate.Value, b.Rate.Value))
	})
	out.Reach = most
	return &out
}
