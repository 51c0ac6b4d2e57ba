package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	if g := Check("fp_rate", between, nil); g.Passed || g.Shown || g.Got != "" {
		t.Errorf("nothing measured: %+v", g)
	}
}

// A figure of new sources keeps a limit where its interval over sources does, however many rows there are.
func TestNewSourcesAreSureOverSources(t *testing.T) {
	f := Figure{Value: 0.008, Low: limit(0.0078), High: limit(0.0082), SourcesLow: limit(0.001), SourcesHigh: limit(0.015)}
	s := &Strategy{Measured: map[string]Figure{"fp_rate": f, "fp_count": {Value: 8000}, "benign_rows": {Value: 1e6}, "benign_sources": {Value: 20}},
		Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}}}
	g := Check("fp_rate", s.Targets["fp_rate"], s.Measured)
	if !g.Passed || g.Shown || !strings.Contains(g.Got, "0.10-1.50") {
		t.Errorf("%+v", g)
	}
	if sure, ok := s.Confidence(); !ok || sure < 0.6 || sure > 0.9 {
		t.Errorf("sure %v, %v", sure, ok)
	}
}

// Where the FP rate is all that is asked for, the baseline's threshold keeps it: what is left is recall.
func TestABaselineThatKeepsItsThresholdIsNotEnough(t *testing.T) {
	r := &Result{Strategies: []*Strategy{{Name: "a", Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}}}}}
	r.Baseline.Measured = map[string]Figure{"fp_rate": {Value: 0.002}, "tp_rate": {Value: 0.137}}
	if s := r.baselineSuffices(); !strings.Contains(s, "finds 13.7% of the attacks") || strings.Contains(s, "little to reinforce") {
		t.Error(s)
	}
	r.Strategies[0].Targets["tp_rate"] = record.Expectation{AtLeast: limit(0.1)}
	if s := r.baselineSuffices(); !strings.Contains(s, "little to reinforce") {
		t.Error(s)
	}
}

func TestJudge(t *testing.T) {
	exact := func(v float64) Figure { return Figure{Value: v, Low: limit(v), High: limit(v)} }
	for name, c := range map[string]struct {
		change  func(*Strategy)
		verdict string
		concern string // a part of one; "" for none
	}{
		"nothing speaks against it":      {func(*Strategy) {}, Approve, ""},
		"critical balance":               {func(s *Strategy) { s.Measured["balance_severity"] = Figure{Value: 3} }, Reject, "critical"},
		"concerning balance":             {func(s *Strategy) { s.Measured["balance_severity"] = Figure{Value: 2} }, Approve, "balance is concerning"},
		"acceptable balance":             {func(s *Strategy) { s.Measured["balance_severity"] = Figure{Value: 1} }, Approve, ""},
		"missed target":                  {func(s *Strategy) { s.Measured["fp_rate"] = exact(0.02) }, Reject, "FP rate"},
		"binding expectation":            {func(s *Strategy) { s.Expected["f1_macro"] = record.Expectation{AtLeast: limit(0.99), Binding: true} }, Reject, "F1 macro"},
		"expectation that isn't binding": {func(s *Strategy) { s.Expected["f1_macro"] = record.Expectation{AtLeast: limit(0.99)} }, Approve, ""},
		"recall on new sources is low": {func(s *Strategy) {
			s.Measured["own_recall_at_fp_1"], s.Measured["new_recall_at_fp_1"] = exact(0.96), exact(0.9)
		}, Approve, "recall at 1% FP rate on new sources is 90.0% against 96.0%"},
		"recall there is about as high": {func(s *Strategy) {
			s.Measured["own_recall_at_fp_1"], s.Measured["new_recall_at_fp_1"] = exact(0.96), exact(0.945)
		}, Approve, ""},
		"too few sources for the promise": {func(s *Strategy) {
			s.Promise = &Promise{Limit: 0.01, Sources: 4, Probability: 0.8, Wanted: 0.9, Needs: 9}
		}, Approve, "too few sources: the threshold promises 1.00% for 80% of new sources, of 4; 90% needs 9"},
		"FP rate on new sources": {func(s *Strategy) { s.Measured["own_fp_rate"], s.Measured["new_fp_rate"] = exact(0.005), exact(0.011) }, Approve, "over the target of 1.00%"},
	} {
		s := &Strategy{Name: "s", Measured: map[string]Figure{"fp_rate": exact(0.005), "tp_rate": exact(0.96), "f1_macro": exact(0.97)}, Expected: map[string]record.Expectation{},
			Targets: map[string]record.Expectation{"fp_rate": {AtMost: limit(0.01)}, "tp_rate": {AtLeast: limit(0.95)}}}
		c.change(s)
		(&Result{}).judge(s)
		found := slices.ContainsFunc(s.Concerns, func(x string) bool { return strings.Contains(x, c.concern) })
		if s.Verdict != c.verdict || c.concern == "" && len(s.Concerns) > 0 || c.concern != "" && !found {
			t.Errorf("%s: %s, %q", name, s.Verdict, s.Concerns)
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

// A figure that misses its limit by less than two decimals show is written with more of them.
func TestAGateNeverContradictsItself(t *testing.T) {
	target := map[string]Figure{"fp_rate": {Value: 0.010033}}
	g := Check("fp_rate", record.Expectation{AtMost: ptr(0.01)}, target)
	if g.Passed || g.Got == "1.00%" || g.Wants != "at most 1.00%" {
		t.Errorf("%+v", g)
	}
}

func ptr(v float64) *float64 { return &v }

// JSON has the code of a conclusion and its words, with what would be needed.
func TestConclusionsHaveCodesAndWords(t *testing.T) {
	for want, test := range map[string]Test{
		`"code":"better","conclusion":"better"`:                                                     {Conclusion: Better},
		`"code":"not-shown","conclusion":"not shown"`:                                               {Conclusion: NotShown},
		`"code":"too-few-rows","conclusion":"too few rows (need 3,812)"`:                            {Conclusion: TooFewRows, Need: 3812},
		`"code":"too-few-rows","conclusion":"too few rows (need 30)"`:                               {Conclusion: TooFewRows, Rows: 4},
		`"code":"too-few-seeds","conclusion":"too few seeds (need 9)"`:                              {Conclusion: TooFewSeeds, NeedSeeds: 9},
		`"code":"too-few-sources","conclusion":"too few sources (need ` + fmt.Sprint(fewestSources): {Conclusion: TooFewSources},
	} {
		b, err := json.Marshal([]Test{test})
		if err != nil {
			t.Fatal(err)
		}
		var got []struct{ Code, Conclusion string }
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if said := fmt.Sprintf(`"code":%q,"conclusion":%q`, got[0].Code, got[0].Conclusion); !strings.HasPrefix(said, want) {
			t.Errorf("%s, want %s", said, want)
		}
	}
}
