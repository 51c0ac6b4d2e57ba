package compare

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where thresholds are chosen for one FP rate, what a strategy gains is recall: that counts as fewer false positives do.
func TestMoreRecallIsAGain(t *testing.T) {
	s := newShelf(t)
	base := model{fp: 0.005, fn: 0.5, rows: 20000}
	r := compute(t, s, s.strategy("finds", base, model{fp: 0.0051, fn: 0.03, rows: 20000}, 1, 1000),
		s.strategy("same", base, model{fp: 0.0049, fn: 0.5, rows: 20000}, 1, 1000),
		s.strategy("alarms", base, model{fp: 0.009, fn: 0.03, rows: 20000}, 1, 1000))
	for name, want := range map[string]string{"finds": Approve, "same": Reject, "alarms": Reject} {
		if got := r.Strategy(name); got.Verdict != want {
			t.Errorf("%s: %s, %+v", name, got.Verdict, got.Gates)
		}
	}
	for name, want := range map[string]string{
		"finds": "FP rate not shown (+0.02 points, 95% -0.01 to +0.04, p 0.500), recall better (+48.00 points",
		"same":  "FP rate not shown (-0.01 points, 95% -0.03 to +0.01, p 0.500), recall not shown",
	} {
		if g := r.Strategy(name).gate(gainGate); g == nil || !strings.HasPrefix(g.Got, want) {
			t.Errorf("%s: %+v, want %q", name, g, want)
		}
	}
}

// Of strategies with like FP rates, none that finds fewer attacks is preferred for being cheap.
func TestCheapIsNotWorthLostRecall(t *testing.T) {
	s := newShelf(t)
	r := compute(t, s, s.strategy("good", weak, model{fp: 0.0050, fn: 0.01, rows: 20000}, 1, 90000),
		s.strategy("cheap", weak, model{fp: 0.0049, fn: 0.04, rows: 20000}, 1, 70000))
	if got := r.Recommendation.Strategy; got != "good" {
		t.Errorf("recommended %q", got)
	}
	want := "cheap has the lowest FP rate, 0.58%, but the difference is not significant (p 0.500 on 18,000 rows), and it finds fewer attacks: recall 96.7% against 98.7%."
	if why := strings.Join(r.Recommendation.Why, "\n"); !strings.Contains(why, want) {
		t.Error(why)
	}
}

func TestBaselineThatNeedsNothing(t *testing.T) {
	s := newShelf(t)
	base := model{fp: 0.005, fn: 0.01, rows: 20000}
	r := compute(t, s, s.strategy("same", base, model{fp: 0.0049, fn: 0.01, rows: 20000}, 1, 1000))
	if why := strings.Join(r.Recommendation.Why, "\n"); !strings.Contains(why, "The baseline meets the targets by itself (FP rate 0.59% and recall 98.7%)") {
		t.Error(why)
	}
}

// What the data itself makes impossible is said once, with what to do.
func TestAdvice(t *testing.T) {
	s := newShelf(t)
	p := s.strategy("few", model{fp: 0, fn: 0.9, rows: 200}, model{fp: 0, fn: 0.9, rows: 200}, 3, 1000)
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

// A step that strategies share says what it says once.
func TestSharedNotesAreToldOnce(t *testing.T) {
	r := &Result{Strategies: []*Strategy{{Name: "a", Notes: []string{"parts: few", "own: x"}}, {Name: "b", Notes: []string{"parts: few", "own: x"}}, {Name: "c", Notes: []string{"parts: few", "z"}}}}
	if diff := cmp.Diff([]string{"all: parts: few", "a, b: own: x", "c: z"}, r.noteLines()); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsNoLoss(t *testing.T) {
	for v, want := range map[float64]string{math.Copysign(0, -1): "$0.00", -0.001: "$0.00", 0.5: "$0.50", -12.4: "-$12"} {
		if got := money(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	if got := fewer(-1500); got != "1,500 more" {
		t.Error(got)
	}
}
