package compare

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"rein/engine/record"
)

func limit(v float64) *float64 { return &v }

// A figure at its limit passes; an interval that reaches beyond it, on either side, is said.
func TestGate(t *testing.T) {
	between := record.Expectation{AtLeast: limit(0.2), AtMost: limit(0.4)}
	for _, c := range []struct {
		value, low, high float64
		passed, shown    bool
	}{
		{0.3, 0.25, 0.35, true, true}, {0.4, 0.39, 0.4, true, true}, {0.2, 0.2, 0.21, true, true},
		{0.4, 0.39, 0.41, true, false}, {0.2, 0.19, 0.21, true, false}, {0.41, 0.4, 0.42, false, false}, {0.19, 0.18, 0.2, false, false},
	} {
		g := Check("fp_rate", between, map[string]Figure{"fp_rate": {Value: c.value, Low: limit(c.low), High: limit(c.high)}})
		if g.Passed != c.passed || g.Shown != c.shown {
			t.Errorf("%v: passed %v, shown %v", c, g.Passed, g.Shown)
		}
	}
	if g := Check("fp_rate", between, nil); g.Passed || g.Shown || g.Figure != nil {
		t.Errorf("nothing measured: %+v", g)
	}
}

// Of a value with a tolerance and a limit, the tighter one counts.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		e           record.Expectation
		least, most float64
	}{
		{record.Expectation{}, math.Inf(-1), math.Inf(1)},
		{record.Expectation{AtLeast: limit(2)}, 2, math.Inf(1)},
		{record.Expectation{AtMost: limit(2)}, math.Inf(-1), 2},
		{record.Expectation{Value: limit(4), Tolerance: limit(1)}, 3, 5},
		{record.Expectation{Value: limit(4), Tolerance: limit(1), AtLeast: limit(2), AtMost: limit(6)}, 3, 5},
		{record.Expectation{Value: limit(4), Tolerance: limit(1), AtLeast: limit(3.5), AtMost: limit(4.5)}, 3.5, 4.5},
	} {
		if least, most := Limits(c.e); least != c.least || most != c.most {
			t.Errorf("%+v: from %v to %v, want from %v to %v", c.e, least, most, c.least, c.most)
		}
	}
}

// A figure of new sources keeps a limit where its interval over sources does, however many rows there are.
func TestNewSourcesAreSureOverSources(t *testing.T) {
	f := Figure{Value: 0.008, Low: limit(0.0078), High: limit(0.0082), SourcesLow: limit(0.001), SourcesHigh: limit(0.015)}
	s := &Strategy{Measured: map[string]Figure{"fp_rate": f, "fp_count": {Value: 8000}, "benign_rows": {Value: 1e6}, "benign_sources": {Value: 20}},
		Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}}}
	g := Check("fp_rate", s.Targets["fp_rate"], s.Measured)
	if !g.Passed || g.Shown || *g.Figure.Low != 0.001 || *g.Figure.High != 0.015 {
		t.Errorf("%+v", g)
	}
	if sure, ok := s.Confidence(); !ok || sure < 0.6 || sure > 0.9 {
		t.Errorf("sure %v, %v", sure, ok)
	}
}

// Sources without a single alarm don't differ: how few rows they have still bounds what they show.
func TestSourcesWithoutAlarmsShowNoMoreThanTheirRows(t *testing.T) {
	f := Figure{Value: 0, Low: limit(0), High: limit(0.0122), SourcesLow: limit(0), SourcesHigh: limit(0)}
	s := &Strategy{Measured: map[string]Figure{"fp_rate": f, "benign_sources": {Value: 12}}, Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}}}
	g := Check("fp_rate", s.Targets["fp_rate"], s.Measured)
	if !g.Passed || g.Shown || *g.Figure.High != 0.0122 {
		t.Errorf("%+v", g)
	}
	if sure, ok := s.Confidence(); !ok || sure > 0.975 {
		t.Errorf("sure %v, %v", sure, ok)
	}
}

// Where the FP rate is all that is asked for, the baseline's threshold keeps it: what is left is recall.
func TestABaselineThatKeepsItsThresholdIsNotEnough(t *testing.T) {
	r := &Result{Strategies: []*Strategy{{Name: "a", Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}}}}}
	r.Baseline.Measured = map[string]Figure{"fp_rate": {Value: 0.002}, "tp_rate": {Value: 0.137}}
	if f, ok := r.baselineSuffices().(BaselineSuffices); !ok || f.Recall == nil || *f.Recall != 0.137 {
		t.Errorf("%+v", f)
	}
	r.Strategies[0].Targets["tp_rate"] = record.Expectation{AtLeast: limit(0.1)}
	if f, ok := r.baselineSuffices().(BaselineSuffices); !ok || f.Recall != nil || len(f.Met) != 2 {
		t.Errorf("%+v", f)
	}
}

func TestJudge(t *testing.T) {
	exact := func(v float64) Figure { return Figure{Value: v, Low: limit(v), High: limit(v)} }
	for name, c := range map[string]struct {
		change  func(*Strategy)
		verdict string
		concern Finding // nil for none
	}{
		"nothing speaks against it":      {func(*Strategy) {}, Approve, nil},
		"critical balance":               {func(s *Strategy) { s.Measured["balance_severity"] = Figure{Value: 3} }, Reject, GateMissed{Gate{Name: BalanceGate}}},
		"concerning balance":             {func(s *Strategy) { s.Measured["balance_severity"] = Figure{Value: 2} }, Approve, Unbalanced{Severity: 2}},
		"acceptable balance":             {func(s *Strategy) { s.Measured["balance_severity"] = Figure{Value: 1} }, Approve, nil},
		"missed target":                  {func(s *Strategy) { s.Measured["fp_rate"] = exact(0.02) }, Reject, GateMissed{Gate{Name: "fp_rate"}}},
		"binding expectation":            {func(s *Strategy) { s.Expected["f1_macro"] = record.Expectation{AtLeast: limit(0.99), Binding: true} }, Reject, GateMissed{Gate{Name: "expected f1_macro"}}},
		"expectation that isn't binding": {func(s *Strategy) { s.Expected["f1_macro"] = record.Expectation{AtLeast: limit(0.99)} }, Approve, nil},
		"recall on new sources is low": {func(s *Strategy) {
			s.Measured["own_recall_at_fp_1"], s.Measured["new_recall_at_fp_1"] = exact(0.96), exact(0.9)
		}, Approve, NewRecallLower{0.9, 0.96}},
		"recall there is about as high": {func(s *Strategy) {
			s.Measured["own_recall_at_fp_1"], s.Measured["new_recall_at_fp_1"] = exact(0.96), exact(0.945)
		}, Approve, nil},
		"too few sources for the promise": {func(s *Strategy) {
			s.Promise = &Promise{Limit: 0.01, Sources: 4, Probability: 0.8, Wanted: 0.9, Needs: 9}
		}, Approve, TooFewPromised{Promise{Limit: 0.01, Sources: 4, Probability: 0.8, Wanted: 0.9, Needs: 9}}},
		"a promise that is kept": {func(s *Strategy) {
			s.Promise = &Promise{Limit: 0.01, Sources: 9, Probability: 0.9, Wanted: 0.9, Needs: 9}
		}, Approve, nil},
		"more than twice the FP rate on new sources": {func(s *Strategy) {
			s.Measured["own_fp_rate"], s.Measured["new_fp_rate"] = exact(0.004), exact(0.009)
		}, Approve, NewFPHigher{0.009, 0.004}},
		"less than twice the FP rate": {func(s *Strategy) { s.Measured["own_fp_rate"], s.Measured["new_fp_rate"] = exact(0.005), exact(0.009) }, Approve, nil},
		"luck of the seed": {func(s *Strategy) {
			s.Measured["fp_rate_mean"], s.Measured["seeds"] = exact(0.012), exact(3)
		}, Approve, SeedLuck{"fp_rate", 0.012, 3}},
		"no luck": {func(s *Strategy) {
			s.Measured["fp_rate"], s.Measured["fp_rate_mean"] = exact(0.02), exact(0.02)
		}, Reject, GateMissed{Gate{Name: "fp_rate"}}},
		"FP rate on new sources": {func(s *Strategy) { s.Measured["own_fp_rate"], s.Measured["new_fp_rate"] = exact(0.005), exact(0.011) }, Approve, NewOverTarget{0.011, 0.01}},
	} {
		s := &Strategy{Name: "s", Measured: map[string]Figure{"fp_rate": exact(0.005), "tp_rate": exact(0.96), "f1_macro": exact(0.97)}, Expected: map[string]record.Expectation{},
			Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}, "tp_rate": {AtLeast: limit(0.95)}}}
		c.change(s)
		(&Result{}).judge(s)
		var got Finding
		if len(s.Concerns) > 0 {
			got = s.Concerns[0]
		}
		if missed, ok := got.(GateMissed); ok && !missed.Gate.Passed {
			got = GateMissed{Gate{Name: missed.Gate.Name}} // its figures are TestGate's subject
		}
		if s.Verdict != c.verdict || len(s.Concerns) > 1 || !reflect.DeepEqual(got, c.concern) {
			t.Errorf("%s: %s, %+v", name, s.Verdict, s.Concerns)
		}
	}
}

// A recall at one FP rate that is shown to be lower costs the recommendation, however cheap the strategy; one that is lower by
// accident doesn't.
func TestWhatCostsTheRecommendation(t *testing.T) {
	for conclusion, want := range map[Conclusion]string{NotShown: "cheap", Worse: "best", TooFewSources: "cheap"} {
		strategy := func(name string, recall, rows float64) *Strategy {
			return &Strategy{Name: name, Verdict: Approve, Measured: map[string]Figure{Decisive: {Value: recall}, "fp_rate": {Value: 0.004}, "total_samples": {Value: rows}}}
		}
		r := &Result{detail: map[string]*run{"best": {}, "cheap": {}}, Strategies: []*Strategy{strategy("best", 0.5, 2000), strategy("cheap", 0.48, 1000)},
			Tests: []Test{{A: "best", B: "cheap", Metric: Decisive, Conclusion: conclusion, Difference: Figure{Value: -0.02}}}}
		r.recommend()
		if r.Recommendation.Strategy != want {
			t.Errorf("%s: %s", conclusion, r.Recommendation.Strategy)
		}
	}
}

// Each gate is a star, and so is an FP rate that is shown to keep its limit.
func TestStars(t *testing.T) {
	gates := func(shown bool, passed ...string) *Strategy {
		s := &Strategy{}
		for _, name := range []string{"fp_rate", GainGate, LossGate, BalanceGate, "tp_rate"} {
			ok := slices.Contains(passed, name)
			s.Gates = append(s.Gates, Gate{Name: name, Passed: ok, Shown: ok && (shown || name != "fp_rate")})
		}
		return s
	}
	for want, s := range []*Strategy{{}, gates(true, LossGate), gates(false, LossGate, "fp_rate", "tp_rate"), gates(true, "fp_rate", GainGate),
		gates(false, "fp_rate", GainGate, LossGate, BalanceGate), gates(true, "fp_rate", GainGate, LossGate, BalanceGate)} {
		if got := stars(s); got != want {
			t.Errorf("%d stars, want %d: %+v", got, want, s.Gates)
		}
	}
}

// A strategy's own time is without what the baseline has made.
func TestOwnTime(t *testing.T) {
	s := &Strategy{Steps: []Timing{{Name: "corpus", MS: 100, Shared: true}, {Name: "model", MS: 20}, {Name: "test", MS: 3}}}
	if s.OwnMS() != 23 {
		t.Errorf("%d ms", s.OwnMS())
	}
}
