package compare

import (
	"strings"
	"testing"
)

// What one seed of each shows, several may not: the spread over seeds can be as large as the difference.
func TestSeedsAreAFactor(t *testing.T) {
	lucky := model{fp: 0.0060, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000}
	other := model{fp: 0.0085, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000}
	s := newShelf(t)
	one := compute(t, s, s.strategy("lucky", weak, lucky, 0, 1), s.strategy("other", weak, other, 0, 1))
	if got := one.testOf("lucky", "other", "fp_rate"); got.Conclusion != Worse || got.SeedsA != 0 {
		t.Errorf("with one seed each: %+v", got)
	}
	lucky.seeds, other.seeds = [4]float64{0.0080, 0.0125, 0.0100, 0.0115}, [4]float64{0.0105, 0.0065, 0.0130, 0.0120}
	many := compute(t, s, s.strategy("lucky", weak, lucky, 0, 1), s.strategy("other", weak, other, 0, 1))
	got := many.testOf("lucky", "other", "fp_rate")
	if got.Conclusion == Worse || got.Conclusion == Better || got.SeedsA != 5 || got.SeedsB != 5 || got.P < 0.2 {
		t.Errorf("with five seeds each, as far apart: %+v", got)
	}
	if base := many.testOf(BaselineName, "lucky", "fp_rate"); base.Conclusion != Better || base.SeedsA != 1 || base.SeedsB != 5 || *base.Difference.Low >= base.Difference.Value {
		t.Errorf("against the baseline: %+v", base)
	}
	if same := many.testOf("lucky", "other", "unseen_roc_auc"); same.Conclusion != NotShown {
		t.Errorf("what no seed changes: %+v", same)
	}
	concerns := strings.Join(many.Strategy("other").Concerns, "\n")
	if !strings.Contains(concerns, "FP rate meets its target with the seed that was kept; the mean over 5 seeds, 1.02%, doesn't") {
		t.Errorf("concerns:\n%s", concerns)
	}
	var b strings.Builder
	if err := Table(&b, many, Options{Width: 160}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "0.97% ± 0.10% (5 seeds)") {
		t.Errorf("the table has no mean over seeds:\n%s", b.String())
	}
}

func TestTooFewSeedsAreNamed(t *testing.T) {
	a := model{fp: 0.0060, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000, seeds: [4]float64{0.0100}}
	b := model{fp: 0.0100, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000, seeds: [4]float64{0.0130}}
	s := newShelf(t)
	r := compute(t, s, s.strategy("a", weak, a, 0, 1), s.strategy("b", weak, b, 0, 1))
	got := r.testOf("a", "b", "fp_rate")
	if !strings.HasPrefix(got.Conclusion, TooFewSeeds) || got.NeedSeeds <= 2 {
		t.Errorf("two seeds each: %+v", got)
	}
	if lines := strings.Join(r.testLines(), "\n"); !strings.Contains(lines, "too few seeds: FP rate (need ") {
		t.Error(lines)
	}
}

// The curves of all seeds of a training are lines of one chart.
func TestSeedsShareAChart(t *testing.T) {
	s := newShelf(t)
	p := s.strategy("x", weak, weak, 0, 1)
	for i := range p.Steps {
		if st := &p.Steps[i]; st.Name == "model" {
			st.Result.Series = map[string][][2]float64{"train_loss_seed1": {{1, 0.5}, {2, 0.4}}, "train_loss_seed2": {{1, 0.6}, {2, 0.3}}}
		}
	}
	r := compute(t, s, p)
	charts := r.trainingCharts()
	if len(charts) != 1 || charts[0].ID != "curve-train_loss" || len(charts[0].Lines) != 3 {
		t.Errorf("%d charts, the first with %d lines; want one of the baseline and both seeds", len(charts), len(charts[0].Lines))
	}
}
