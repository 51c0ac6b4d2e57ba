package compare

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
)

type model = comparetest.Model

var weak = comparetest.Weak

func TestMain(m *testing.M) { comparetest.Main(m) }

func compute(t *testing.T, s *comparetest.Shelf, p ...record.Pipeline) *Result {
	t.Helper()
	r, err := Compute(context.Background(), Input{Pipelines: p, Blobs: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// four are strategies of which good and cheap are equally good, slack is shown to be worse, and lopsided is unbalanced.
func four(t *testing.T) *Result {
	t.Helper()
	s := comparetest.NewShelf(t)
	r, err := Compute(context.Background(), Input{Blobs: s, Pipelines: comparetest.Four(s)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// said are the findings of one kind.
func said[F Finding](list []Finding) (out []F) {
	for _, f := range list {
		if x, ok := f.(F); ok {
			out = append(out, x)
		}
	}
	return out
}

// gateNames are the names of gates.
func gateNames(gates []Gate) (out []string) {
	for _, g := range gates {
		out = append(out, g.Name)
	}
	return out
}

func TestTheCheaperOfEqualsIsRecommended(t *testing.T) {
	r := four(t)
	if got := r.Recommendation.Strategy; got != "cheap" {
		t.Errorf("recommended %q, want cheap: %+v", got, r.Recommendation.Why)
	}
	verdicts := map[string]string{}
	for _, s := range r.Strategies {
		verdicts[s.Name] = s.Verdict
		if s.Recommended != (s.Name == "cheap") {
			t.Errorf("%s: recommended %v", s.Name, s.Recommended)
		}
	}
	if diff := cmp.Diff(map[string]string{"good": Approve, "cheap": Approve, "slack": Reject, "lopsided": Reject}, verdicts); diff != "" {
		t.Error(diff)
	}
	if best := said[HighestNotShown](r.Recommendation.Why); len(best) != 1 || best[0].Best != "good" || best[0].Chosen != "cheap" || best[0].OnNew || best[0].OfChosen != 70000 {
		t.Errorf("%+v", best)
	}
	failed := map[string][]string{}
	for _, x := range said[Rejected](r.Recommendation.Why) {
		failed[x.Strategy] = gateNames(x.Gates)
	}
	if diff := cmp.Diff(map[string][]string{"slack": {"fp_rate", GainGate}, "lopsided": {BalanceGate}}, failed); diff != "" {
		t.Error(diff)
	}
}

// Figures of different test sets are not ranked, even if both strategies pass.
func TestOtherRowsAreNotRanked(t *testing.T) {
	r := &Result{detail: map[string]*run{}}
	r.Strategies = []*Strategy{{Name: "a", Verdict: Approve}, {Name: "b", Verdict: Approve}}
	r.Tests = []Test{{A: "a", B: "b", Metric: Decisive, Conclusion: Incomparable}}
	r.recommend()
	if got := r.Recommendation; got.Strategy != "" || len(got.Why) == 0 || got.Why[0] != Finding(OnOtherRows{"a", "b"}) {
		t.Errorf("%+v", got)
	}
}

// Nor is one of them the closest where none passes, or what the others are held against.
func TestOtherRowsHaveNoClosest(t *testing.T) {
	r := &Result{detail: map[string]*run{"a": {}, "b": {}}}
	gates := []Gate{{Name: GainGate}}
	measured := map[string]Figure{"fp_rate": {Value: 0.01}, Decisive: {Value: 0.5}}
	r.Strategies = []*Strategy{{Name: "a", Verdict: Reject, Gates: gates, Measured: measured}, {Name: "b", Verdict: Reject, Gates: gates, Measured: measured}}
	r.recommend()
	if why := r.Recommendation.Why; len(said[Closest](why)) != 1 || r.Yardstick() == nil {
		t.Errorf("of the same rows one is the closest: %+v", why)
	}
	r.Tests = []Test{{A: "a", B: "b", Metric: Decisive, Conclusion: Incomparable}}
	r.recommend()
	if why := r.Recommendation.Why; len(said[Closest](why)) != 0 || r.Yardstick() != nil {
		t.Errorf("of other rows there is none: %+v", why)
	}
}

// A tie is broken by what new sources show, then by rows; how long anything took decides nothing.
func TestTiesAreBrokenByNewSourcesThenRows(t *testing.T) {
	of := func(name string, rows, onNew float64, ms int64) *Strategy {
		return &Strategy{Name: name, Verdict: Approve, Steps: []Timing{{Type: "train-gpu", MS: ms}},
			Measured: map[string]Figure{"total_samples": {Value: rows}, Decisive: {Value: 0.9}, New + Decisive: {Value: onNew}}}
	}
	for _, c := range []struct {
		onNew Conclusion
		want  string
	}{{NotShown, "small"}, {Worse, "large"}} {
		r := &Result{detail: map[string]*run{"small": {}, "large": {}}, Strategies: []*Strategy{of("small", 100, 0.5, 90_000), of("large", 500, 0.6, 1000)},
			Tests: []Test{{A: "small", B: "large", Metric: Decisive, Conclusion: NotShown, P: 1}, {A: "large", B: "small", Metric: New + Decisive, Conclusion: c.onNew}}}
		r.recommend()
		if got := r.Recommendation; got.Strategy != c.want {
			t.Errorf("new sources %s: recommended %q, want %s: %+v", c.onNew, got.Strategy, c.want, got.Why)
		}
	}
}

// Unbalanced rows of one's own are a concern; they are a gate where somebody has set the limit.
func TestBalanceOfOwnDataIsANote(t *testing.T) {
	for _, c := range []struct {
		train, limitFrom, verdict string
	}{{"", "default base.hcl:1", Reject}, {"own.csv", "default base.hcl:1", Approve}, {"own.csv", "set a.hcl:3", Reject}} {
		s := comparetest.NewShelf(t)
		p := s.Strategy("a", weak, model{FP: 0.0050, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, Critical, 1000)
		var meta record.Meta
		if err := json.Unmarshal(p.Meta, &meta); err != nil {
			t.Fatal(err)
		}
		meta.Variables["train"] = record.Variable{Value: json.RawMessage(strconv.Quote(c.train)), From: "--var"}
		meta.Variables["max_class_share"] = record.Variable{Value: json.RawMessage("0.65"), From: c.limitFrom}
		p.Meta, _ = json.Marshal(meta)
		got := compute(t, s, p).Strategies[0]
		missed := said[GateMissed](got.Concerns)
		asGate := len(missed) == 1 && missed[0].Gate.Name == BalanceGate
		if got.Verdict != c.verdict || asGate != (c.verdict == Reject) || len(said[Unbalanced](got.Concerns)) == 1 == asGate {
			t.Errorf("%q, limit from %s: %s, %+v", c.train, c.limitFrom, got.Verdict, got.Concerns)
		}
	}
}

// Money is made of a stated number of prompts and of a difference that is shown; without either there is none.
func TestMoneyNeedsTraffic(t *testing.T) {
	s := comparetest.NewShelf(t)
	p := comparetest.Four(s)
	for i := range p {
		p[i].Meta = []byte(strings.Replace(string(p[i].Meta), "set test.hcl:1", "default base.hcl:1", 1))
	}
	for _, got := range compute(t, s, p...).Strategies {
		if got.Business != nil {
			t.Errorf("%s: %+v", got.Name, got.Business)
		}
	}
}

func TestNobodyIsRecommended(t *testing.T) {
	s := comparetest.NewShelf(t)
	r := compute(t, s, s.Strategy("slack", weak, model{FP: 0.02, FN: 0.01, Rows: 20000}, 0, 60000))
	if r.Recommendation.Strategy != "" || r.Strategies[0].Recommended {
		t.Errorf("recommended %q", r.Recommendation.Strategy)
	}
	why := r.Recommendation.Why
	if failed := said[Rejected](why); len(failed) != 1 || !slices.Contains(gateNames(failed[0].Gates), "fp_rate") || len(said[Closest](why)) != 0 {
		t.Errorf("%+v", why) // of one, none is the closest
	}
}

func TestTests(t *testing.T) {
	r := four(t)
	for _, c := range []struct {
		a, b, metric string
		want         Conclusion
	}{
		{BaselineName, "good", "fp_rate", Better},
		{"good", "slack", "fp_rate", Worse},
		{"good", "cheap", "fp_rate", NotShown},
		{BaselineName, "good", "tp_rate", NotShown},
		{BaselineName, "good", "f1_macro", Better},
		{BaselineName, "good", "new_fp_rate", OtherThreshold},
		{BaselineName, "good", "own_recall_at_fp_1", Better},
		{BaselineName, "good", "new_recall_at_fp_1", NotShown},
	} {
		got := r.TestOf(c.a, c.b, c.metric)
		if got == nil || got.Conclusion != c.want {
			t.Errorf("%s: %s against %s: %+v, want %s", c.metric, c.b, c.a, got, c.want)
		}
	}
	if got := r.TestOf("good", "slack", "fp_rate"); got != nil && (got.P < got.Raw || got.OnlyA > got.OnlyB) {
		t.Errorf("adjusted %v, raw %v, only a %d, only b %d", got.P, got.Raw, got.OnlyA, got.OnlyB)
	}
}

func TestOtherRowsAreIncomparable(t *testing.T) {
	s := comparetest.NewShelf(t)
	other := model{FP: 0.001, FN: 0.01, Rows: 20000, Data: "another test set"}
	r := compute(t, s, s.Strategy("a", weak, model{FP: 0.005, FN: 0.01, Rows: 20000}, 0, 1), s.Strategy("b", weak, other, 0, 1))
	got := r.TestOf("a", "b", "fp_rate")
	if got == nil || got.Conclusion != Incomparable || got.RowsOf == nil || got.RowsOf[0].Data == got.RowsOf[1].Data {
		t.Errorf("%+v", got)
	}
}

func TestMissingResultsAreBlanksWithAReason(t *testing.T) {
	s := comparetest.NewShelf(t)
	failed := s.Strategy("failed", weak, weak, 0, 1)
	failed.Steps[6].Status, failed.Steps[6].Error, failed.Steps[6].Result.Metrics = "failed", "out of memory\nstack", nil
	failed.Steps[7].Status, failed.Steps[7].Outputs, failed.Steps[7].Result.Metrics = "skipped", nil, nil
	r := compute(t, s, failed)
	got := r.Strategies[0]
	if _, ok := got.Measured["fp_rate"]; ok {
		t.Error("the baseline's FP rate passes for the strategy's")
	}
	if got.Verdict != Reject || got.Missing != Finding(StepFailed{Step: "model", Status: "failed", Error: "out of memory"}) {
		t.Errorf("%q, %+v", got.Verdict, got.Missing)
	}
	if len(r.Baseline.Measured) == 0 {
		t.Error("the baseline lost its figures")
	}
}

func TestPlannedFiguresAreCheckedAndNeverMeasured(t *testing.T) {
	r := four(t)
	var all []Finding
	for _, c := range r.Contradictions {
		if c.Strategy != "" {
			t.Errorf("%+v is wrong alike in all, and said of one", c)
		}
		all = append(all, c.Finding)
	}
	want := []Finding{BalanceWord{0.617, "optimal (<62)"}, VerdictDiffers{Gate{Name: "fp_rate", Metric: "fp_rate", Limits: &record.Expectation{AtMost: limit(0.01)}, Figure: &Figure{Value: 0.0314}}},
		SavingDiffers{12.2e6, 20, 244000}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	if got := r.Strategies[0].Measured["total_samples"].Value; got != 90000 {
		t.Errorf("total_samples %v: measured is 90000, planned 77416", got)
	}
}
