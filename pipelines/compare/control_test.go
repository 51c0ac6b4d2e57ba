package compare

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
)

func withControls(t *testing.T, names map[string]string, p ...record.Pipeline) *Result {
	t.Helper()
	r, err := Compute(t.Context(), Input{Pipelines: p, Blobs: comparetest.NewShelf(t), Controls: names})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A control stands beside its strategy, is tested against it and the baseline, and changes nothing else.
func TestControls(t *testing.T) {
	s := comparetest.NewShelf(t)
	plain := s.Strategy("plain", weak, model{FP: 0.0051, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 70000)
	good := s.Strategy("good", weak, model{FP: 0.0050, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 90000)
	copies := s.Strategy("plain-control", weak, model{FP: 0.0010, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 100)
	worse := s.Strategy("good-control", weak, model{FP: 0.0200, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 100)
	names := map[string]string{"plain-control": "plain", "good-control": "good"}
	r := withControls(t, names, copies, plain, good, worse)
	without := compute(t, s, plain, good)

	var order []string
	for _, s := range r.Strategies {
		order = append(order, s.Name)
	}
	if diff := cmp.Diff([]string{"plain", "plain-control", "good", "good-control"}, order); diff != "" {
		t.Error(diff)
	}
	if r.Recommendation.Strategy != without.Recommendation.Strategy {
		t.Errorf("recommended %q, without controls %q", r.Recommendation.Strategy, without.Recommendation.Strategy)
	}
	for _, x := range without.Tests {
		if got := r.TestOf(x.A, x.B, x.Metric); got == nil || got.P != x.P || got.Conclusion != x.Conclusion {
			t.Errorf("controls changed a test of strategies: %+v, without %+v", got, x)
		}
	}
	if r.TestOf("plain-control", "good", "fp_rate") != nil || r.TestOf("plain-control", "good-control", "fp_rate") != nil || r.TestOf(BaselineName, "good-control", "fp_rate") == nil {
		t.Error("a control is tested against its strategy and the baseline alone")
	}
	if c := r.Strategy("plain-control"); c.Verdict != Control || c.Recommended || c.ControlOf != "plain" || len(c.Planned)+len(c.Expected) > 0 {
		t.Errorf("%+v", c)
	}
	if got := r.AgainstControl(r.Strategy("good"), "fp_rate"); got.Conclusion != Better || got.A != "good-control" || got.Difference.Value >= 0 {
		t.Errorf("good against its copies: %+v", got)
	}
	if got := r.AgainstControl(r.Strategy("plain"), "fp_rate"); got.Conclusion != OtherThreshold || got.Difference.Value <= 0 || *got.Difference.Low <= 0 {
		t.Errorf("plain against its copies: %+v", got)
	}
}

func TestGainOverVolumeIsAReason(t *testing.T) {
	s := comparetest.NewShelf(t)
	good := s.Strategy("good", weak, model{FP: 0.0050, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 90000)
	worse := s.Strategy("good-control", weak, model{FP: 0.0200, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 100)
	r := withControls(t, map[string]string{"good-control": "good"}, good, worse)
	if why := said[AgainstVolume](r.Recommendation.Why); len(why) != 1 || why[0].Test.A != "good-control" || why[0].Test.Conclusion != Better {
		t.Errorf("%+v", r.Recommendation.Why)
	}
}
