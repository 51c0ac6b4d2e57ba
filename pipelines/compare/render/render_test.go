package render

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
)

type model = comparetest.Model

var weak = comparetest.Weak

func TestMain(m *testing.M) { comparetest.Main(m) }

func compute(t *testing.T, s *comparetest.Shelf, p ...record.Pipeline) *compare.Result {
	t.Helper()
	r, err := compare.Compute(t.Context(), compare.Input{Pipelines: p, Blobs: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func four(t *testing.T) *compare.Result {
	t.Helper()
	s := comparetest.NewShelf(t)
	return compute(t, s, comparetest.Four(s)...)
}

func tableText(t *testing.T, r *compare.Result, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Table(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
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
				if n := pretty.StringWidthWithoutEscSequences(line); n > width {
					t.Errorf("width %d, transposed %v: %d columns: %q", width, transpose, n, line)
				}
			}
			if !transpose && width >= 100 && !sideBySide(b.String()) {
				t.Errorf("width %d: the columns don't fit side by side", width)
			}
		}
	}
}

// headOf is the line that names the columns.
func headOf(table string) string {
	for line := range strings.Lines(table) {
		if strings.Contains(line, "│") {
			return strings.TrimRight(line, "\n")
		}
	}
	return ""
}

// sideBySide tells whether one line names all five columns.
func sideBySide(table string) bool {
	head := headOf(table)
	for _, name := range []string{compare.BaselineName, "good", "cheap", "slack", "lopsided"} {
		if !strings.Contains(head, name) {
			return false
		}
	}
	return true
}

func TestSelectAndSort(t *testing.T) {
	r := four(t)
	m := result{r}.matrix()
	if err := m.Arrange(Options{Rows: []string{"fp_rate", "verdict"}, SortBy: "FP rate"}); err != nil {
		t.Fatal(err)
	}
	var order, rows []string
	for _, c := range m.Columns {
		order = append(order, c.Name)
	}
	for _, row := range m.Rows {
		rows = append(rows, row.Key)
	}
	if diff := cmp.Diff([]string{"lopsided", "good", "cheap", "slack", compare.BaselineName}, order); diff != "" {
		t.Error(diff)
	}
	at := slices.Index(rows, "own_fp_rate")
	if want := percent(r.Strategy("lopsided").Measured["fp_rate"].Value); at < 0 || !strings.HasPrefix(m.Rows[at].Cells[0].Text, want+" (") {
		t.Errorf("%v, want %s", rows, want)
	}
	if err := m.Sort("nonsense"); err == nil {
		t.Error("sorted by a metric that isn't there")
	}
	r.Tests = append(r.Tests, compare.Test{A: "good", B: "cheap", Metric: "fp_rate", Conclusion: compare.Incomparable})
	if err := (result{r}).matrix().Sort("fp_rate"); err == nil || !strings.Contains(err.Error(), "good and cheap were measured on different rows") {
		t.Errorf("figures of different rows are put in order: %v", err)
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
	if len(got.Tests) == 0 || got.Tests[0].P == nil || got.Tests[0].A != compare.BaselineName {
		t.Errorf("%+v", got.Tests)
	}
}

func TestBlanksHaveAReason(t *testing.T) {
	s := comparetest.NewShelf(t)
	failed := s.Strategy("failed", weak, weak, 0, 1)
	failed.Steps[6].Status, failed.Steps[6].Error, failed.Steps[6].Result.Metrics = "failed", "out of memory\nstack", nil
	failed.Steps[7].Status, failed.Steps[7].Outputs, failed.Steps[7].Result.Metrics = "skipped", nil, nil
	if got := tableText(t, compute(t, s, failed), Options{Width: 100}); !strings.Contains(got, "failed: step model failed: out of memory") {
		t.Error(got)
	}
}

func TestControlsAreShown(t *testing.T) {
	s := comparetest.NewShelf(t)
	good := s.Strategy("good", weak, model{FP: 0.0050, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 90000)
	worse := s.Strategy("good-control", weak, model{FP: 0.0200, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000}, 1, 100)
	r, err := compare.Compute(t.Context(), compare.Input{Pipelines: []record.Pipeline{good, worse}, Blobs: s, Controls: map[string]string{"good-control": "good"}})
	if err != nil {
		t.Fatal(err)
	}
	var table, page, md strings.Builder
	if err := Table(&table, r, Options{Width: 140, Brief: true}); err != nil {
		t.Fatal(err)
	}
	if err := HTML(t.Context(), &page, r, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&md, r, Options{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"table": table.String(), "html": page.String(), "markdown": md.String()} {
		for _, want := range []string{"against plain copies", "Variations against volume", "good against as many plain copies of the same rows: recall at 1% FP rate, new sources not shown"} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				t.Errorf("%s doesn't say %q", name, want)
			}
		}
	}
}

func TestEditedTextsAreInThePage(t *testing.T) {
	s := comparetest.NewShelf(t)
	path := filepath.Join(t.TempDir(), "report")
	report := `{"recall":{"value":0.98,"low":0.97,"high":0.99},"fp_rate":{"value":0.01,"low":0.005,"high":0.02},"trials":[{"edit":"typo","strength":0.3,
"recall":{"value":0.61,"low":0.57,"high":0.65},"fp_rate":{"value":0.02,"low":0.01,"high":0.03},"missed":[{"id":"1","text":"<i>slip</i>","score":0.2,"before":0.9}],
"alarms":[{"id":"2","text":"a harmles typo","score":0.8,"before":0.1},{"id":"3","text":"another","score":0.7,"before":0.1}]}]}`
	if err := os.WriteFile(path, []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	p := s.Strategy("x", weak, weak, 0, 1)
	p.Steps = append(p.Steps, record.Step{Name: "edits", Type: "robustness", Traits: record.Traits{Report: "edits"}, Status: "ran", Needs: []string{"model"}, Outputs: map[string]cache.Blob{"report": s.Put(path)},
		Result: cache.Result{Metrics: map[string]float64{"edited_tp_rate_worst": 0.61}}})
	var b strings.Builder
	if err := HTML(context.Background(), &b, compute(t, s, p), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"61.0% (57.0-65.0)", "&lt;i&gt;slip&lt;/i&gt;", "Edited texts", "under the worst edit", "a harmles typo", "typo at 0.3"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// The curves of all seeds of a training are lines of one chart.
func TestSeedsShareAChart(t *testing.T) {
	s := comparetest.NewShelf(t)
	p := s.Strategy("x", weak, weak, 0, 1)
	for i := range p.Steps {
		if st := &p.Steps[i]; st.Name == "model" {
			st.Result.Series = map[string][][2]float64{"train_loss_seed1": {{1, 0.5}, {2, 0.4}}, "train_loss_seed2": {{1, 0.6}, {2, 0.3}}}
		}
	}
	charts := result{compute(t, s, p)}.trainingCharts()
	if len(charts) != 1 || charts[0].ID != "curve-train_loss" || len(charts[0].Lines) != 3 {
		t.Errorf("%d charts, the first with %d lines; want one of the baseline and both seeds", len(charts), len(charts[0].Lines))
	}
}

func TestSeedsAreNamed(t *testing.T) {
	lucky := model{FP: 0.0060, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000, Seeds: [4]float64{0.0080, 0.0125, 0.0100, 0.0115}}
	a := model{FP: 0.0060, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000, Seeds: [4]float64{0.0100}}
	b := model{FP: 0.0100, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000, Seeds: [4]float64{0.0130}}
	s := comparetest.NewShelf(t)
	got := tableText(t, compute(t, s, s.Strategy("lucky", weak, lucky, 0, 1), s.Strategy("a", weak, a, 0, 1), s.Strategy("b", weak, b, 0, 1)), Options{Width: 160})
	for _, want := range []string{"0.97% ± 0.10% (5 seeds)", "too few seeds"} {
		if !strings.Contains(got, want) {
			t.Errorf("the table has no %q:\n%s", want, got)
		}
	}
}

// A step that strategies share says what it says once.
func TestSharedNotesAreToldOnce(t *testing.T) {
	r := result{&compare.Result{Strategies: []*compare.Strategy{{Name: "a", Notes: []string{"parts: few", "own: x"}}, {Name: "b", Notes: []string{"parts: few", "own: x"}}, {Name: "c", Notes: []string{"parts: few", "z"}}}}}
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

// A loss has its sign before the currency.
func TestMoney(t *testing.T) {
	for v, want := range map[float64]string{0: "$0.00", 3.456: "$3.46", -3.456: "-$3.46", 11332.4: "$11,332", -11332.4: "-$11,332"} {
		if got := money(v); got != want {
			t.Errorf("money(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestMoneyIsTold(t *testing.T) {
	got := tableText(t, four(t), Options{})
	for _, want := range []string{"false alarms a day from ", "a year from ", " million"} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), strings.TrimSpace(want)) {
			t.Errorf("the table has no %q:\n%s", want, got)
		}
	}
}

// What a comparison answers fits a terminal of 120 by 45; every row is there with All; words stay whole at 80 columns.
func TestBriefTableIsOneScreen(t *testing.T) {
	r := four(t)
	brief, all := tableText(t, r, Options{Width: 120, Brief: true}), tableText(t, r, Options{Width: 120, Brief: true, All: true})
	if n := strings.Count(brief, "\n"); n > 45 {
		t.Errorf("%d lines:\n%s", n, brief)
	}
	if answer, _, _ := strings.Cut(brief, "\n"); answer != "Recommended: ★ cheap" {
		t.Errorf("the first line is no answer: %s", answer)
	}
	if head := headOf(brief); !strings.Contains(head, "│ ★ cheap") || strings.Index(head, "cheap") > strings.Index(head, "good") || !strings.HasSuffix(head, "baseline") {
		t.Errorf("the columns: %s", head)
	}
	for _, row := range []string{"verdict", "ROC-AUC", "rows added", "time to make"} {
		if strings.Contains(brief, row) != (row != "ROC-AUC") || !strings.Contains(all, row) {
			t.Errorf("%s: in the brief table %v, in the other %v", row, strings.Contains(brief, row), strings.Contains(all, row))
		}
	}
	words := map[string]bool{}
	for _, w := range strings.Fields(strings.NewReplacer("│", " ", "─", " ", "┼", " ").Replace(brief)) {
		words[w] = true
	}
	for _, w := range strings.Fields(strings.NewReplacer("│", " ", "─", " ", "┼", " ").Replace(tableText(t, r, Options{Width: 80, Brief: true}))) {
		if !words[w] {
			t.Errorf("80 columns break a word: %q", w)
		}
	}
}

// Rows in which all strategies have the same become one line; those in which they differ stay.
func TestEqualRowsFold(t *testing.T) {
	columns := []Column{{Name: "a", strategy: &compare.Strategy{}}, {Name: "b", strategy: &compare.Strategy{}}, {Name: "failed", Missing: "x", strategy: &compare.Strategy{}}, {Name: "baseline"}}
	row := func(name string, a, b, base string) Row {
		return Row{Section: sectionNew, Name: name, Cells: []Cell{{Text: a, Planned: "8"}, {Text: b, Planned: "8"}, {}, {Text: base}}}
	}
	m := &Matrix{Columns: columns, Rows: []Row{row("variations", "8", "8", ""), row("  made", "7", "7", ""), row("recall", "1%", "1%", "2%"), row("rows", "1", "2", "")}}
	got := m.fold()
	if diff := cmp.Diff([]string{"variations, new sources: 8", "variations made, new sources: 7 (plan 8)"}, got); diff != "" || len(m.Rows) != 2 {
		t.Errorf("%s%+v", diff, m.Rows)
	}
}

// A figure that another test set gave is no better and no worse: nothing is subtracted. One that is worse, but within its limit, is not red.
func TestWordsOfTests(t *testing.T) {
	most := 0.01
	v := view{s: &compare.Strategy{Targets: map[string]record.Expectation{"fp_rate": {AtMost: &most}}}, measured: map[string]compare.Figure{"own_fp_rate": {Value: 0.008}, "own_tp_rate": {Value: 0.5}}}
	for _, c := range []struct {
		test compare.Test
		want Cell
	}{
		{compare.Test{Metric: "own_fp_rate", Conclusion: compare.Incomparable, Difference: compare.Figure{Value: 0.2}}, Cell{Text: "other test set", Tone: Warn}},
		{compare.Test{Metric: "own_fp_rate", Conclusion: compare.Worse, Difference: compare.Figure{Value: 0.002}}, Cell{Text: "higher, within the limit"}},
		{compare.Test{Metric: "own_tp_rate", Conclusion: compare.Worse, Difference: compare.Figure{Value: -0.2}}, Cell{Text: "lower by 20.00 pts", Tone: Bad}},
		{compare.Test{Metric: "own_tp_rate", Conclusion: compare.Better, Difference: compare.Figure{Value: 0.2}}, Cell{Text: "higher by 20.00 pts", Tone: Good}},
		{compare.Test{Metric: "own_tp_rate", Conclusion: compare.NotShown, Difference: compare.Figure{Value: 0.2}}, Cell{Text: "no clear difference"}},
	} {
		if got := v.testCell(&c.test); got != c.want {
			t.Errorf("%+v: %+v", c.test, got)
		}
	}
}
