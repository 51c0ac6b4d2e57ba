package compare

import (
	"context"
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

func TestTheCheaperOfEqualsIsRecommended(t *testing.T) {
	r := four(t)
	if got := r.Recommendation.Strategy; got != "cheap" {
		t.Errorf("recommended %q, want cheap: %q", got, r.Recommendation.Why)
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
	why := strings.Join(r.Recommendation.Why, "\n")
	for _, want := range []string{"good has the highest recall at 1% FP rate", "not significant", "slack is rejected: FP rate wants at most 1.00%", "lopsided is rejected: balance wants not critical"} {
		if !strings.Contains(why, want) {
			t.Errorf("why doesn't say %q:\n%s", want, why)
		}
	}
}

// "Cheaper" is said of time only where times differ by more than they do from run to run.
func TestWhyCheaper(t *testing.T) {
	of := func(name string, ms int64, rows float64) *Strategy {
		return &Strategy{Name: name, Steps: []Timing{{Type: "train-gpu", MS: ms}}, Measured: map[string]Figure{"total_samples": {Value: rows}}}
	}
	if got := whyCheaper(of("a", 10_000, 500), of("b", 16_000, 400)); got != "a is cheaper: made in 10 s against 16 s, of 500 training rows against 400" {
		t.Error(got)
	}
	if got := whyCheaper(of("a", 21_000, 400), of("b", 20_000, 500)); got != "a has fewer training rows, 400 against 500, and is made in about the same time, 21 s against 20 s" {
		t.Error(got)
	}
}

func TestNobodyIsRecommended(t *testing.T) {
	s := comparetest.NewShelf(t)
	r := compute(t, s, s.Strategy("slack", weak, model{FP: 0.02, FN: 0.01, Rows: 20000}, 0, 60000))
	if r.Recommendation.Strategy != "" || r.Strategies[0].Recommended {
		t.Errorf("recommended %q", r.Recommendation.Strategy)
	}
	if why := strings.Join(r.Recommendation.Why, "\n"); !strings.Contains(why, "The closest is slack: it fails on FP rate and gain over the baseline.") {
		t.Error(why)
	}
}

func TestTests(t *testing.T) {
	r := four(t)
	for _, c := range []struct{ a, b, metric, want string }{
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
	if got == nil || got.Conclusion != Incomparable || !strings.Contains(got.Reason, "other rows") {
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
	if got.Verdict != Reject || !strings.Contains(got.Missing, "step model failed: out of memory") {
		t.Errorf("%q, %q", got.Verdict, got.Missing)
	}
	if len(r.Baseline.Measured) == 0 {
		t.Error("the baseline lost its figures")
	}
}

func TestPlanIsCheckedAndNeverMeasured(t *testing.T) {
	r := four(t)
	var all []string
	for _, f := range r.Plan {
		all = append(all, f.Text)
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"61.7% benign is not within 40-60%", "12,200,000 avoided alarms at $20 are $244,000,000, not $244,000, unless 0.10% of them become tickets",
		"approved although the promised FP rate, 3.14%, is not at most 1.00%"} {
		if !strings.Contains(text, want) {
			t.Errorf("plan check doesn't say %q:\n%s", want, text)
		}
	}
	if got := r.Strategies[0].Measured["total_samples"].Value; got != 90000 {
		t.Errorf("total_samples %v: measured is 90000, planned 77416", got)
	}
}

// How long measuring took depends on what else the machine did: it doesn't make a strategy dear.
func TestTimeOfMeasuringDecidesNothing(t *testing.T) {
	s := comparetest.NewShelf(t)
	p := comparetest.Four(s)
	for i := range p[1].Steps {
		if st := &p[1].Steps[i]; st.Name == "test" {
			st.Result.RunMS *= 1000
		}
	}
	if r := compute(t, s, p...); r.Recommendation.Strategy != "cheap" {
		t.Errorf("recommended %q: %q", r.Recommendation.Strategy, r.Recommendation.Why)
	}
}
