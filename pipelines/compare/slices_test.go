package compare

import (
	"testing"

	"rein/engine/record"
	"rein/steps/stats"
)

// A gate over slices says which slice it is about, how many were judged, and how many couldn't be.
func TestGateNamesItsSlice(t *testing.T) {
	worst := &stats.Slice{By: "language", Value: "German", Rows: 900, Of: 12, Small: 3, Rate: stats.Interval{Value: 0.041, Low: 0.022, High: 0.07}, Reach: 0.08}
	set := &stats.Set{Worst: worst, WorstBy: map[string]*stats.Slice{"fp_rate_by_language": worst}}
	r := &Result{detail: map[string]*run{"s": {report: &stats.Report{Basis: stats.NewSources, Sets: map[string]*stats.Set{stats.NewSources: set}}}}}
	s := &Strategy{Name: "s", Measured: map[string]Figure{"fp_rate_by_language": {Value: 0.022, Low: limit(0.022), High: limit(0.08)}},
		Targets: map[string]record.Expectation{"fp_rate_by_language": {AtMost: limit(0.01)}}, Expected: map[string]record.Expectation{}}
	r.Strategies = []*Strategy{s}
	r.slices()
	r.judge(s)
	g := s.Gate("fp_rate_by_language")
	if g == nil || g.Passed || g.Slice != worst {
		t.Errorf("%+v", g)
	}
	if missed := said[GateMissed](s.Concerns); s.WorstSlice != worst || s.Verdict != Reject || len(missed) != 1 || missed[0].Gate.Slice != worst {
		t.Errorf("%+v", s)
	}
}
