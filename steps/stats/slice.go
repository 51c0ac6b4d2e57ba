package stats

import (
	"cmp"
	"slices"
)

// Slice is the part of a set's benign or malicious rows that share a value, such as one language.
type Slice struct {
	By    string   `json:"by"` // what the rows are sliced by, one of SlicedBy
	Value string   `json:"value"`
	Rows  int      `json:"rows"`
	Of    int      `json:"of"`              // number of slices that were judged
	Small int      `json:"small,omitempty"` // number of slices that were not judged, because they have fewer than leastRows rows
	Rate  Interval `json:"rate"`            // FP rate or recall; the 95% interval holds for all judged slices at once
	Reach float64  `json:"reach"`           // bound that holds for every judged slice: their FP rate is at most this, or their recall at least
}

// SlicedBy lists what rows are sliced by.
var SlicedBy = []string{"category", "channel", "language", "length", "role", "source"}

// leastRows is the number of rows that a slice needs to be judged. The rate of a smaller one depends too much on single rows.
const leastRows = 30

// WorstSlice returns the slice whose FP rate is shown to be highest, which is the one with the highest lower bound. The bounds are exact
// and corrected for the number of slices (Bonferroni). So a slice doesn't become the worst by chance because it has few rows or because
// there are many slices. The result is nil if no slice of benign rows is large enough.
func (s *Set) WorstSlice() *Slice {
	var all []counted
	for _, by := range SlicedBy {
		all = append(all, s.sliced(by, false)...)
	}
	return worst(all, false)
}

// WorstFPRate returns the slice of one kind whose FP rate is shown to be highest. The result is nil if no slice is large enough.
func (s *Set) WorstFPRate(by string) *Slice { return worst(s.sliced(by, false), false) }

// WorstRecall returns the slice of one kind whose recall is shown to be lowest. The result is nil if no slice is large enough.
func (s *Set) WorstRecall(by string) *Slice { return worst(s.sliced(by, true), true) }

// counted is a slice with its counts, before its bounds are computed.
type counted struct {
	by, value string
	*Group
}

// sliced returns the slices of one kind, sorted by their values.
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

// worst computes the bounds of all slices together and returns the worst slice. low means that a low rate is bad.
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
