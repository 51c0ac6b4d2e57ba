package compare

import (
	"strings"
	"testing"

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
	for name, want := range map[string]string{
		"finds": "recall at 1% FP rate, own traffic better (+48.00 points",
		"same":  "recall at 1% FP rate, own traffic not shown",
	} {
		if g := r.Strategy(name).Gate(gainGate); g == nil || !strings.HasPrefix(g.Got, want) {
			t.Errorf("%s: %+v, want %q", name, g, want)
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
	want := "Its recall at 1% FP rate is significantly higher than that of every other strategy that passes."
	if why := strings.Join(r.Recommendation.Why, "\n"); !strings.Contains(why, want) {
		t.Error(why)
	}
}

func TestBaselineThatNeedsNothing(t *testing.T) {
	s := comparetest.NewShelf(t)
	base := model{FP: 0.005, FN: 0.01, Rows: 20000}
	r := compute(t, s, s.Strategy("same", base, model{FP: 0.0049, FN: 0.01, Rows: 20000}, 1, 1000))
	if why := strings.Join(r.Recommendation.Why, "\n"); !strings.Contains(why, "The baseline meets the targets by itself (FP rate 0.59% and recall 98.7%)") {
		t.Error(why)
	}
}

// What the data itself makes impossible is said once, with what to do.
func TestAdvice(t *testing.T) {
	s := comparetest.NewShelf(t)
	p := s.Strategy("few", model{FP: 0, FN: 0.9, Rows: 200}, model{FP: 0, FN: 0.9, Rows: 200}, 3, 1000)
	p.Steps[3].Result.Metrics = map[string]float64{"unique_fps": 3, "available_fps": 3, "near_misses": 40}
	p.Steps[4].Result.Metrics = map[string]float64{"benign_added": 100, "malicious_added": 0, "total_samples": 1000, "benign_samples": 900}
	r := compute(t, s, p)
	why := strings.Join(r.Recommendation.Why, "\n")
	for _, want := range []string{
		"The pool gave 3 false positives, fewer than any strategy asks for; 40 near misses stand in.",
		"The rows to train on are 88.9% benign before anything is added, over what the balance allows: no strategy can mend that.",
		"The test set has 180 benign rows: too few to show an FP rate of at most 1.00%, for which 381 without a false positive are needed.",
	} {
		if !strings.Contains(why, want) {
			t.Errorf("%q isn't said:\n%s", want, why)
		}
	}
	if r := four(t); strings.Contains(strings.Join(r.Recommendation.Why, "\n"), "what the balance allows") {
		t.Errorf("%q", r.Recommendation.Why)
	}
}
