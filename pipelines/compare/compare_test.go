package compare

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"rein/engine/record"
)

func compute(t *testing.T, s *shelf, p ...record.Pipeline) *Result {
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
	s := newShelf(t)
	r, err := Compute(context.Background(), Input{Blobs: s, Pipelines: fourPipelines(s)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fourPipelines(s *shelf) []record.Pipeline {
	return []record.Pipeline{
		s.strategy("good", weak, model{fp: 0.0050, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000}, 1, 90000),
		s.strategy("cheap", weak, model{fp: 0.0051, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000}, 1, 70000),
		s.strategy("slack", weak, model{fp: 0.0200, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000}, 1, 60000),
		s.strategy("lopsided", weak, model{fp: 0.0010, fn: 0.01, fpU: 0.02, fnU: 0.05, rows: 20000}, 3, 80000)}
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
	for _, want := range []string{"good has the lowest FP rate", "not significant", "slack is rejected: FP rate wants at most 1.00%", "lopsided is rejected: balance wants not critical"} {
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
	s := newShelf(t)
	r := compute(t, s, s.strategy("slack", weak, model{fp: 0.02, fn: 0.01, rows: 20000}, 0, 60000))
	if r.Recommendation.Strategy != "" || r.Strategies[0].Recommended {
		t.Errorf("recommended %q", r.Recommendation.Strategy)
	}
	if why := strings.Join(r.Recommendation.Why, "\n"); !strings.Contains(why, "The closest is slack: it fails on FP rate.") {
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
		{BaselineName, "good", "unseen_fp_rate", Better},
	} {
		got := r.testOf(c.a, c.b, c.metric)
		if got == nil || got.Conclusion != c.want {
			t.Errorf("%s: %s against %s: %+v, want %s", c.metric, c.b, c.a, got, c.want)
		}
	}
	if got := r.testOf("good", "slack", "fp_rate"); got != nil && (got.P < got.Raw || got.OnlyA > got.OnlyB) {
		t.Errorf("adjusted %v, raw %v, only a %d, only b %d", got.P, got.Raw, got.OnlyA, got.OnlyB)
	}
}

func TestOtherRowsAreIncomparable(t *testing.T) {
	s := newShelf(t)
	other := model{fp: 0.001, fn: 0.01, rows: 20000, data: "another test set"}
	r := compute(t, s, s.strategy("a", weak, model{fp: 0.005, fn: 0.01, rows: 20000}, 0, 1), s.strategy("b", weak, other, 0, 1))
	got := r.testOf("a", "b", "fp_rate")
	if got == nil || got.Conclusion != Incomparable || !strings.Contains(got.Reason, "other rows") {
		t.Errorf("%+v", got)
	}
}

func TestMissingResultsAreBlanksWithAReason(t *testing.T) {
	s := newShelf(t)
	failed := s.strategy("failed", weak, weak, 0, 1)
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
	var b strings.Builder
	if err := Table(&b, r, Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "failed: step model failed: out of memory") {
		t.Error(b.String())
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

func TestTableFitsTheTerminal(t *testing.T) {
	r := four(t)
	for _, width := range []int{40, 60, 80, 100, 120, 140, 160, 200} {
		for _, transpose := range []bool{false, true} {
			var b strings.Builder
			if err := Table(&b, r, Options{Width: width, Transpose: transpose, Color: true}); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(b.String(), "\n") {
				if n := text.StringWidthWithoutEscSequences(line); n > width {
					t.Errorf("width %d, transposed %v: %d columns: %q", width, transpose, n, line)
				}
			}
			if !transpose && width >= 100 && !sideBySide(b.String()) {
				t.Errorf("width %d: the columns don't fit side by side", width)
			}
		}
	}
}

// sideBySide tells whether one line names all five columns.
func sideBySide(table string) bool {
	head, _, _ := strings.Cut(table, "\n")
	for _, name := range []string{BaselineName, "good", "cheap", "slack", "lopsided"} {
		if !strings.Contains(head, name) {
			return false
		}
	}
	return true
}

func TestSelectAndSort(t *testing.T) {
	r := four(t)
	m := r.Matrix()
	m.Select([]string{"fp_rate", "verdict"})
	if err := m.Sort("fp_rate"); err != nil {
		t.Fatal(err)
	}
	var order, rows []string
	for _, c := range m.Columns {
		order = append(order, c.Name)
	}
	for _, row := range m.Rows {
		rows = append(rows, row.Key)
	}
	if diff := cmp.Diff([]string{BaselineName, "lopsided", "good", "cheap", "slack"}, order); diff != "" {
		t.Error(diff)
	}
	if want := percent(r.Strategy("lopsided").Measured["fp_rate"].Value); rows[0] != "fp_rate" || m.Rows[0].Cells[1].Text != want {
		t.Errorf("%v: %v, want %s", rows, m.Rows[0].Cells[1], want)
	}
	if err := m.Sort("nonsense"); err == nil {
		t.Error("sorted by a metric that isn't there")
	}
}

func TestJSONKeepsTheContract(t *testing.T) {
	var b strings.Builder
	if err := JSON(&b, four(t)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Baseline struct {
			Measured map[string]struct{ Value float64 }
		}
		Strategies []struct {
			Name, Title, File, Verdict string
			Recommended                *bool
			Concerns                   []string
			Planned                    map[string]any
			Expected                   map[string]struct{ Value, Tolerance *float64 }
			Measured                   map[string]struct{ Value, Low, High *float64 }
		}
		Tests []struct {
			A, B, Metric, Conclusion string
			P                        *float64
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	s := got.Strategies[0]
	if s.Name != "good" || s.Recommended == nil || s.Concerns == nil || *s.Expected["fp_rate"].Value != 0.0314 || s.Measured["fp_rate"].Low == nil || got.Baseline.Measured["fp_rate"].Value < 0.03 {
		t.Errorf("%+v", s)
	}
	if len(got.Tests) == 0 || got.Tests[0].P == nil || got.Tests[0].A != BaselineName {
		t.Errorf("%+v", got.Tests)
	}
}

// How long measuring took depends on what else the machine did: it doesn't make a strategy dear.
func TestTimeOfMeasuringDecidesNothing(t *testing.T) {
	s := newShelf(t)
	p := fourPipelines(s)
	for i := range p[1].Steps {
		if st := &p[1].Steps[i]; st.Name == "test" {
			st.Result.RunMS *= 1000
		}
	}
	if r := compute(t, s, p...); r.Recommendation.Strategy != "cheap" {
		t.Errorf("recommended %q: %q", r.Recommendation.Strategy, r.Recommendation.Why)
	}
}
