package compare

import (
	"strings"
	"testing"

	"rein/pipelines/compare/comparetest"
)

// A strategy that only memorises its pool is rejected, however well it does on own traffic; so is one that is better on one new
// source alone, though its rows are enough to show it; one that generalises is approved.
func TestPlantedSourceEffects(t *testing.T) {
	s := comparetest.NewShelf(t)
	base := model{FP: 0.005, FN: 0.4, UnseenFP: 0.005, UnseenFN: 0.5, Rows: 40000, New: true}
	with := func(change func(m *model)) model {
		m := base
		change(&m)
		return m
	}
	r := compute(t, s,
		s.Strategy("generalises", base, with(func(m *model) { m.FN, m.UnseenFN = 0.02, 0.02 }), 1, 1000),
		s.Strategy("memorises", base, with(func(m *model) { m.FN = 0.02 }), 1, 1000),
		s.Strategy("forgets", base, with(func(m *model) { m.FN, m.UnseenFN = 0.02, 0.7 }), 1, 1000),
		s.Strategy("unlearns", base, with(func(m *model) { m.FN, m.UnseenFN = 0.6, 0.02 }), 1, 1000),
		s.Strategy("lucky", base, with(func(m *model) { m.Only, m.UnseenFN, m.ElsewhereFN = "s0", 0, 0.5 }), 1, 1000))
	if r.Basis() != New {
		t.Fatalf("the verdict rests on %s", r.Basis())
	}
	for name, want := range map[string]string{"generalises": "", "memorises": GainGate, "forgets": GainGate + " " + LossGate, "unlearns": LossGate, "lucky": GainGate} {
		got := r.Strategy(name)
		if (got.Verdict == Approve) != (want == "") {
			t.Errorf("%s: %s", name, got.Verdict)
		}
		var failed []string
		for _, g := range got.Gates {
			if !g.Passed && g.Name != "tp_rate" {
				failed = append(failed, g.Name)
			}
		}
		if strings.Join(failed, " ") != want {
			t.Errorf("%s fails on %q, want %q: %+v", name, failed, want, got.Gates)
		}
	}
	lucky := r.TestOf(BaselineName, "lucky", New+Decisive)
	if lucky.Sources != 6 || lucky.SourcesP < alpha || lucky.OverSources == nil || *lucky.OverSources.Low > 0 {
		t.Errorf("better on one source of six: %+v", lucky)
	}
	// What is said of a test has the interval that its p-value is of, and so do a figure's gate and how sure it is.
	if d := lucky.Decided(); *d.Low > 0 || lucky.Difference.Low == nil || *lucky.Difference.Low <= 0 {
		t.Errorf("over sources %+v, over rows %+v", d, lucky.Difference)
	}
	if d, turned := lucky.Decided(), lucky.Turned().Decided(); turned.Value != -d.Value || *turned.Low != -*d.High || *turned.High != -*d.Low {
		t.Errorf("%+v turned is %+v", d, turned)
	}
	// A verdict's tests are adjusted for their own number, not for those of strategies among each other.
	least := 1.0
	for _, test := range r.Tests {
		if test.A == BaselineName && test.Metric == New+"tp_rate" {
			least = min(least, test.Raw)
			if test.P > 5*test.Raw+1e-12 {
				t.Errorf("%s: p %v of %v, of five tests", test.B, test.P, test.Raw)
			}
		}
	}
	if least > 0.05 {
		t.Errorf("nothing to adjust: %v", least)
	}
	if own := r.TestOf(BaselineName, "memorises", Own+Decisive); own.Conclusion != Better || own.Sources != 0 {
		t.Errorf("own traffic is a question of rows: %+v", own)
	}
	// The plain names are those of the question that the verdict rests on.
	for _, metric := range []string{Decisive, "fp_rate", "roc_auc"} {
		plain, of := r.TestOf(BaselineName, "forgets", metric), r.TestOf(BaselineName, "forgets", New+metric)
		if plain.P != of.P || plain.Conclusion != of.Conclusion {
			t.Errorf("%s: %+v and %+v", metric, plain, of)
		}
	}
}

// With too few new sources, nothing is concluded of them.
func TestTooFewSourcesConcludeNothing(t *testing.T) {
	tests := []Test{{Rows: 10000, Sources: 5, Raw: 1e-9, Difference: Figure{Value: 0.5}}, {Rows: 10000, Sources: 6, Raw: 1e-9, Difference: Figure{Value: 0.5}}}
	conclude(tests, false)
	if tests[0].Conclusion != TooFewSources || tests[0].Needs() != 6 || tests[1].Conclusion != Better {
		t.Errorf("%+v", tests)
	}
}

// Where the user gave the pool, a gain on own traffic counts, too, as long as nothing is lost on new sources.
func TestOwnTrafficCountsWhereItIsAsked(t *testing.T) {
	s := comparetest.NewShelf(t)
	base := model{FP: 0.005, FN: 0.4, UnseenFP: 0.005, UnseenFN: 0.5, Rows: 40000, New: true}
	own := base
	own.FN = 0.02
	r := compute(t, s, s.Strategy("own", base, own, 1, 1000))
	x := r.Strategy("own")
	if g := (&Strategy{Gates: r.against(x)}).Gate(GainGate); g.Passed {
		t.Errorf("nobody asked for own traffic: %+v", g)
	}
	r.detail["own"].report.OwnCounts = true
	if g := (&Strategy{Gates: r.against(x)}).Gate(GainGate); !g.Passed {
		t.Errorf("own traffic was asked for: %+v", g)
	}
}
