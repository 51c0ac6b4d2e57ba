package compare

import (
	"math"
	"testing"

	"rein/pipelines/compare/comparetest"
)

// What one seed of each shows, several may not: the spread over seeds can be as large as the difference.
func TestSeedsAreAFactor(t *testing.T) {
	lucky := model{FP: 0.0060, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}
	other := model{FP: 0.0085, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}
	s := comparetest.NewShelf(t)
	one := compute(t, s, s.Strategy("lucky", weak, lucky, 0, 1), s.Strategy("other", weak, other, 0, 1))
	if got := one.TestOf("lucky", "other", "fp_rate"); got.Conclusion != OtherThreshold || got.SeedsA != 0 {
		t.Errorf("with one seed each: %+v", got)
	}
	lucky.Seeds, other.Seeds = [4]float64{0.0080, 0.0125, 0.0100, 0.0115}, [4]float64{0.0105, 0.0065, 0.0130, 0.0120}
	many := compute(t, s, s.Strategy("lucky", weak, lucky, 0, 1), s.Strategy("other", weak, other, 0, 1))
	got := many.TestOf("lucky", "other", "fp_rate")
	if got.Conclusion == Worse || got.Conclusion == Better || got.SeedsA != 5 || got.SeedsB != 5 || got.P < 0.2 {
		t.Errorf("with five seeds each, as far apart: %+v", got)
	}
	if base := many.TestOf(BaselineName, "lucky", "fp_rate"); base.Conclusion != OtherThreshold || base.SeedsA != 1 || base.SeedsB != 5 || *base.Difference.Low >= base.Difference.Value {
		t.Errorf("against the baseline: %+v", base)
	}
	if same := many.TestOf("lucky", "other", "new_roc_auc"); same.Conclusion != NotShown {
		t.Errorf("what no seed changes: %+v", same)
	}
	if luck := said[SeedLuck](many.Strategy("other").Concerns); len(luck) != 1 || luck[0].Metric != "fp_rate" || luck[0].Seeds != 5 || math.Abs(luck[0].Mean-0.0102) > 5e-5 {
		t.Errorf("%+v", luck)
	}
}

func TestTooFewSeedsAreNamed(t *testing.T) {
	a := model{FP: 0.0060, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000, Seeds: [4]float64{0.0100}}
	b := model{FP: 0.0100, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000, Seeds: [4]float64{0.0130}}
	s := comparetest.NewShelf(t)
	r := compute(t, s, s.Strategy("a", weak, a, 0, 1), s.Strategy("b", weak, b, 0, 1))
	got := r.TestOf("a", "b", "fp_rate")
	if got.Conclusion != TooFewSeeds || got.NeedSeeds <= 2 {
		t.Errorf("two seeds each: %+v", got)
	}
}
