package compare

import "rein/engine/record"

// staffed are the stages that have planned human days, and the name of that figure.
var staffed = []struct {
	fact  string
	stage record.Stage
}{{"data_days", record.StageData}, {"validation_days", record.StageValidation}, {"onnx_days", record.StageExport}}

const dayMS = 24 * 60 * 60 * 1000

// humanDays are the stated days of people on the longest way through the strategy's steps, where each stage's days are
// spent at the one of its own steps that is ready last: what they look at is there then. Ways are compared by days and measured time together.
func (s *Strategy) humanDays() (days float64, measuredMS int64) {
	extra, ready := map[string]float64{}, endings(s.Steps)
	for _, staffed := range staffed {
		stated, ok := s.Fact(staffed.fact)
		if !ok {
			continue
		}
		last := ""
		for _, st := range s.Steps {
			if !st.Shared && st.Stage == staffed.stage && (last == "" || ready[st.Name] > ready[last]) {
				last = st.Name
			}
		}
		extra[last] += stated
	}
	type way struct {
		days float64
		ms   int64
	}
	length := func(w way) float64 { return w.days*dayMS + float64(w.ms) }
	ends, longest := map[string]way{}, way{}
	for _, st := range s.Steps { // in topological order
		var before way
		for _, n := range st.Needs {
			if length(ends[n]) > length(before) {
				before = ends[n]
			}
		}
		at := way{before.days + extra[st.Name], before.ms + st.MS}
		ends[st.Name] = at
		if length(at) > length(longest) {
			longest = at
		}
	}
	return longest.days, longest.ms
}
