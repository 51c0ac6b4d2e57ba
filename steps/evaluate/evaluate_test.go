package evaluate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

func rows(t *testing.T, n int, change func(int, *artifact.Row)) artifact.Rows {
	t.Helper()
	var out []artifact.Row
	for i := range n {
		r := artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("row number %d of %d, about %s", i, n, strings.Repeat("tea ", i%40)), Label: artifact.Benign, Category: "other", Source: fmt.Sprint("s", i%2)}
		if i%4 == 0 {
			r.Label, r.Category = artifact.Malicious, "pii"
		}
		if change != nil {
			change(i, &r)
		}
		out = append(out, r)
	}
	a, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), out)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var config = Config{BaseRate: 0.01, OnLeak: "stop", LeakTolerance: 0.005, Seed: 1}

func evaluateRows(t *testing.T, in In) (*stepstest.Env, Out, stats.Report) {
	t.Helper()
	env := stepstest.New(t, "report", "scores")
	out, err := run(t.Context(), env.Env, config, in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out.Report.Path)
	if err != nil {
		t.Fatal(err)
	}
	var r stats.Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return env, out, r
}

// What the report counts is what scoring each row and comparing it with the model's threshold gives.
func TestFiguresFollowFromTheScores(t *testing.T) {
	m, test := ngramtest.Random(t, 0.6, false), rows(t, 400, nil)
	env, out, r := evaluateRows(t, In{Model: m, Test: test, Unseen: rows(t, 100, func(i int, r *artifact.Row) { r.Text += " elsewhere" })})
	s, err := scorer.Open(t.Context(), m, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var want stats.Confusion
	all, _ := test.Read()
	for _, row := range all {
		got, err := s.Score(t.Context(), []string{row.Text})
		if err != nil {
			t.Fatal(err)
		}
		want.Add(row.Label == artifact.Malicious, float64(got[0].Threat) >= 0.6)
	}
	set := r.Sets["test"]
	if set.Confusion != want || r.Threshold != 0.6 {
		t.Errorf("confusion %v at %v, want %v at 0.6", set.Confusion, r.Threshold, want)
	}
	if got := env.Metrics["own_fp_rate"]; got != want.FPRate().Value || env.Metrics["own_fp_rate_low"] >= got || env.Metrics["own_fp_count"] != float64(want.FP) {
		t.Errorf("metrics %v", env.Metrics)
	}
	scored, err := out.Scores.Read()
	if err != nil || len(scored) != 500 || scored[0].Set != "test" || scored[499].Set != "unseen" || scored[7].Text != all[7].Text {
		t.Errorf("%d scored rows, %v", len(scored), err)
	}
	if len(set.Slices["length"]) < 3 || set.Slices["source"]["s1"].Benign.Rows == 0 || set.Malicious.Categories["pii"].Rows != 100 {
		t.Errorf("slices %v", set.Slices)
	}
}

func TestDataIsNamedByContent(t *testing.T) {
	m := ngramtest.Random(t, 0.6, false)
	digest := func(change func(int, *artifact.Row)) string {
		_, _, r := evaluateRows(t, In{Model: m, Test: rows(t, 40, change)})
		return r.Sets["test"].Data
	}
	base := digest(nil)
	if again := digest(nil); again != base {
		t.Error("equal rows have other digests")
	}
	for name, change := range map[string]func(int, *artifact.Row){
		"id":   func(i int, r *artifact.Row) { r.ID += "x" },
		"text": func(i int, r *artifact.Row) { r.Text += "x" },
		"label": func(i int, r *artifact.Row) {
			r.Label = map[bool]string{true: artifact.Malicious, false: artifact.Benign}[i%2 == 0]
		},
	} {
		if digest(change) == base {
			t.Errorf("another %s has the same digest", name)
		}
	}
}

func TestPoolIsMarkedAsSeen(t *testing.T) {
	env, _, r := evaluateRows(t, In{Model: ngramtest.Random(t, 0.6, false), Test: rows(t, 40, nil), Pool: rows(t, 50, func(i int, r *artifact.Row) { r.Label, r.Category = artifact.Benign, "other" })})
	if _, ok := env.Metrics["seen_pool_fp_rate"]; !ok || r.Sets["pool"].AUC != nil {
		t.Errorf("metrics %v", env.Metrics)
	}
}

func TestTemperatureChangesNoDecision(t *testing.T) {
	m := ngramtest.Random(t, 0.6, false)
	s, err := scorer.Open(t.Context(), m, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(8, 9))
	label := func(suffix string) func(int, *artifact.Row) { // as a model would find them whose scores are twice too sure
		return func(i int, r *artifact.Row) {
			r.Text += suffix
			got, err := s.Score(t.Context(), []string{r.Text})
			if err != nil {
				t.Fatal(err)
			}
			if r.Label = artifact.Benign; rng.Float64() < stats.Scale(float64(got[0].Threat), 2) {
				r.Label = artifact.Malicious
			}
		}
	}
	test := rows(t, 800, label(""))
	_, _, plain := evaluateRows(t, In{Model: m, Test: test})
	env, _, scaled := evaluateRows(t, In{Model: m, Test: test, Validation: rows(t, 800, label(" for choosing"))})
	a, b := plain.Sets["test"], scaled.Sets["test"]
	if scaled.Temperature <= 0 || b.Scaled == nil || a.Scaled != nil {
		t.Fatalf("temperature %v, notes %q", scaled.Temperature, env.Notes)
	}
	if a.Confusion != b.Confusion || a.ECE != b.ECE || *a.AUC != *b.AUC {
		t.Error("the temperature changed a figure of the unscaled scores")
	}
	if b.Scaled.ECE >= b.ECE {
		t.Errorf("scores that are too sure are no better calibrated after scaling: %v, %v", b.ECE, b.Scaled.ECE)
	}
}

func TestATestSetOfOneClassIsRefused(t *testing.T) {
	env := stepstest.New(t, "report", "scores")
	_, err := run(t.Context(), env.Env, config, In{Model: ngramtest.Random(t, 0.6, false), Test: rows(t, 20, func(i int, r *artifact.Row) { r.Label = artifact.Benign })})
	if err == nil || !strings.Contains(err.Error(), "both benign and malicious") {
		t.Errorf("%v", err)
	}
}

// The worst slice of each kind is measured, and of kinds that no row says anything about there is no figure.
func TestSlicesAreMeasured(t *testing.T) {
	env, _, r := evaluateRows(t, In{Model: ngramtest.Random(t, 0.6, false), Test: rows(t, 400, func(i int, r *artifact.Row) { r.Role = []string{"user", "tool"}[i%2] })})
	worst := r.Sets["test"].WorstBy
	for _, by := range stats.SlicedBy {
		for _, name := range []string{"fp_rate_by_" + by, "tp_rate_by_" + by} {
			w := worst[name]
			if _, measured := env.Metrics[name]; measured != (by != "channel") || measured != (w != nil) || measured && (w.By != by || w.Of == 0) {
				t.Errorf("%s: %+v, measured %v", name, w, measured)
			}
		}
	}
	if w := worst["fp_rate_by_role"]; w.Of != 2 || env.Metrics["fp_rate_by_role"] != w.Rate.Low || env.Metrics["fp_rate_by_role_high"] != w.Reach {
		t.Errorf("%+v", w)
	}
	if w := worst["tp_rate_by_role"]; w.Of != 1 || w.Value != "user" || env.Metrics["tp_rate_by_role"] != w.Rate.High || env.Metrics["tp_rate_by_role_low"] != w.Reach {
		t.Errorf("%+v", w)
	}
}

// Rows that the model doesn't read whole are counted, in folds that are put together, too.
func TestWhatIsCutIsCounted(t *testing.T) {
	long := rows(t, 40, func(i int, r *artifact.Row) {
		if i < 3 {
			r.Text += strings.Repeat(" tea", 1<<13)
		}
	})
	m := ngramtest.Random(t, 0.6, false)
	env, out, r := evaluateRows(t, In{Model: m, Test: long})
	c := r.Sets["test"].Cut
	if c.Rows != 3 || c.Unit != "bytes" || c.Units < 3<<14 || env.Metrics["own_cut_rows"] != 3 || env.Metrics["cut_bytes"] != float64(c.Units) {
		t.Errorf("%+v, %v", c, env.Metrics["own_cut_rows"])
	}
	_, _, both := evaluateRows(t, In{Scores: []artifact.Scores{out.Scores, out.Scores}, Reports: []artifact.Report{out.Report, out.Report}})
	if got := both.Sets["test"].Cut; got.Rows != 6 || got.Units != 2*c.Units {
		t.Errorf("%+v", got)
	}
}
