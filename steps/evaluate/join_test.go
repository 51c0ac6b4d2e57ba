package evaluate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// scoredFold is what a fold's evaluation leaves: sources of 120 benign rows whose scores lie around their shifts, and attacks above.
func scoredFold(t *testing.T, fold int, shifts ...float64) (artifact.Scores, artifact.Report) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(fold), 1))
	var rows []artifact.Scored
	for s, shift := range shifts {
		for i := range 140 {
			r := artifact.Scored{ID: fmt.Sprintf("%d-%d-%d", fold, s, i), Set: stats.NewSources, Label: artifact.Benign, Source: fmt.Sprintf("f%ds%d", fold, s),
				Score: shift + 0.1*rng.Float64(), Text: fmt.Sprint("row ", fold, s, i)}
			if i >= 120 {
				r.Label, r.Score = artifact.Malicious, 0.5+0.5*rng.Float64()
			}
			rows = append(rows, r)
		}
	}
	dir := t.TempDir()
	scores := artifact.Scores{Path: filepath.Join(dir, "scores")}
	w, err := artifact.NewWriter[artifact.Scored](scores.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rows...), w.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(stats.Report{Threshold: 0.05, Pooled: 0.05, Promise: &stats.Promise{Limit: 0.01, Sources: 2, Probability: 0.5, Wanted: 0.8}})
	if err != nil {
		t.Fatal(err)
	}
	report := artifact.Report{Path: filepath.Join(dir, "report")}
	if err := os.WriteFile(report.Path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return scores, report
}

// A fold's rows are decided by the threshold that the other folds' sources choose, so the one source that scores far higher than
// all others breaks the limit, and raises no threshold of its own.
func TestJoin(t *testing.T) {
	in := In{}
	for fold, shifts := range [][]float64{{0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}, {0.1, 0.2, 0.8}} {
		scores, report := scoredFold(t, fold, shifts...)
		in.Scores, in.Reports = append(in.Scores, scores), append(in.Reports, report)
	}
	env, out, r := evaluateRows(t, in)
	k := r.Kept
	if k == nil || k.Sources != 9 || k.At.Limit != 8 || k.At.Worst < 0.99 || k.Pooled.Limit != 0 {
		t.Errorf("sources that keep the limit: %+v", k)
	}
	if p := r.Promise; p == nil || p.Sources != 6 || p.Probability < 0.8 || env.Metrics["promise_sources"] != 6 {
		t.Errorf("promise: %+v", p)
	}
	if r.Folds != 3 || r.Basis != stats.NewSources || env.Metrics["new_benign_rows"] != 9*120 || env.Metrics["fp_rate"] != env.Metrics["new_fp_rate"] {
		t.Errorf("%+v", env.Metrics)
	}
	rows, err := out.Scores.Read()
	if err != nil || len(rows) != 9*140 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		if row.Threshold == 0 || row.Source == "f2s2" && row.Threshold > 0.5 {
			t.Fatalf("%+v", row)
		}
	}
}

func TestInputsThatContradict(t *testing.T) {
	scores, report := scoredFold(t, 1, 0.1)
	for want, in := range map[string]In{
		"give one of them": {Model: ngramtest.Random(t, 0.6, false), Scores: []artifact.Scores{scores}, Reports: []artifact.Report{report}},
		"1 scores and 0 reports: each fold's evaluation gives one of each": {Scores: []artifact.Scores{scores}},
		"model: it is needed":            {Test: rows(t, 10, nil)},
		"there are no rows to report on": {Model: ngramtest.Random(t, 0.6, false)},
	} {
		env := stepstest.New(t, "report", "scores")
		if _, err := run(t.Context(), env.Env, config, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
