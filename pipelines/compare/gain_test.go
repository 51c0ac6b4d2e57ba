package compare

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
)

// What counts is recall at one FP rate: a strategy whose threshold merely lies elsewhere gains and loses nothing.
func TestMoreRecallIsAGain(t *testing.T) {
	s := comparetest.NewShelf(t)
	base := model{FP: 0.005, FN: 0.5, Rows: 20000}
	r := compute(t, s, s.Strategy("finds", base, model{FP: 0.0051, FN: 0.03, Rows: 20000}, 1, 1000),
		s.Strategy("same", base, model{FP: 0.0049, FN: 0.5, Rows: 20000}, 1, 1000),
		s.Strategy("alarms", base, model{FP: 0.008, FN: 0.03, Rows: 20000}, 1, 1000))
	for name, want := range map[string]string{"finds": Approve, "same": Reject, "alarms": Approve} {
		if got := r.Strategy(name); got.Verdict != want {
			t.Errorf("%s: %s, %+v", name, got.Verdict, got.Gates)
		}
	}
	for name, want := range map[string]Conclusion{"finds": Better, "same": NotShown} {
		if g := r.Strategy(name).Gate(GainGate); g == nil || len(g.Tests) != 1 || g.Tests[0].Metric != Own+Decisive || g.Tests[0].Conclusion != want {
			t.Errorf("%s: %+v, want %s", name, g, want)
		}
	}
}

// None that finds fewer attacks at one FP rate is preferred for being cheap.
func TestCheapIsNotWorthLostRecall(t *testing.T) {
	s := comparetest.NewShelf(t)
	r := compute(t, s, s.Strategy("good", weak, model{FP: 0.0050, FN: 0.01, Rows: 20000}, 1, 90000),
		s.Strategy("cheap", weak, model{FP: 0.0049, FN: 0.04, Rows: 20000}, 1, 70000))
	if got := r.Recommendation.Strategy; got != "good" {
		t.Errorf("recommended %q", got)
	}
	if len(said[ShownHighest](r.Recommendation.Why)) != 1 {
		t.Errorf("%+v", r.Recommendation.Why)
	}
}

func TestBaselineThatNeedsNothing(t *testing.T) {
	s := comparetest.NewShelf(t)
	base := model{FP: 0.005, FN: 0.01, Rows: 20000}
	r := compute(t, s, s.Strategy("same", base, model{FP: 0.0049, FN: 0.01, Rows: 20000}, 1, 1000))
	if met := said[BaselineSuffices](r.Recommendation.Why); len(met) != 1 || met[0].Recall != nil || len(met[0].Met) != 2 || met[0].Met[1].Metric != "tp_rate" {
		t.Errorf("%+v", r.Recommendation.Why)
	}
}

// What the data itself makes impossible is said once, with what to do.
func TestAdvice(t *testing.T) {
	s := comparetest.NewShelf(t)
	p := s.Strategy("few", model{FP: 0, FN: 0.9, Rows: 200}, model{FP: 0, FN: 0.9, Rows: 200}, 3, 1000)
	p.Steps[3].Result.Metrics = map[string]float64{"unique_fps": 3, "available_fps": 3, "near_misses": 40}
	p.Steps[4].Result.Metrics = map[string]float64{"benign_added": 100, "malicious_added": 0, "total_samples": 1000, "benign_samples": 900}
	r := compute(t, s, p)
	why := r.Recommendation.Why
	want := []Finding{FewFalsePositives{3, 40, false}, UnbalancedRows{800.0 / 900, 0.94}, FewTestRows{180, 0.01, 381}}
	if diff := cmp.Diff(want, why[len(why)-3:]); diff != "" {
		t.Error(diff)
	}
	// The variable that lowers the threshold for mining is named only to a strategy that has it, and while it is lower than what is said.
	for value, lower := range map[string]bool{"0": true, "0.95": true, "0.99": false} {
		var meta record.Meta
		if err := json.Unmarshal(p.Meta, &meta); err != nil {
			t.Fatal(err)
		}
		meta.Variables = map[string]record.Variable{"mine_at_recall": {Value: json.RawMessage(value)}}
		p.Meta, _ = json.Marshal(meta)
		if got := said[FewFalsePositives](compute(t, s, p).Recommendation.Why); len(got) != 1 || got[0].Lower != lower {
			t.Errorf("mine_at_recall %s: %+v", value, got)
		}
	}
	if r := four(t); len(said[UnbalancedRows](r.Recommendation.Why)) != 0 {
		t.Errorf("%+v", r.Recommendation.Why)
	}
}
