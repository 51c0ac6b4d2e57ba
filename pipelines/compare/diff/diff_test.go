package diff

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
	"rein/steps/artifact"
	"rein/steps/stats"
)

const resolvedA = `{"name":"hybrid","variables":[{"name":"variations","value":"8","from":"set hybrid.hcl:3"},{"name":"seed","value":"1","from":"default base.hcl:1"}],
"steps":[{"name":"attacks","type":"augment","from":["hybrid.hcl:9"],"arguments":[{"name":"size","expression":"3000","value":"3000","from":"hybrid.hcl:10"}]},
{"name":"own","type":"dataset","from":["base.hcl:5"],"not_needed":true}]}`

const resolvedB = `{"name":"hybrid","variables":[{"name":"seed","value":"1","from":"default base.hcl:7"},{"name":"variations","value":"10","from":"set hybrid.hcl:4"}],
"steps":[{"name":"own","type":"dataset","from":["base.hcl:5"],"not_needed":true},{"name":"extra","type":"sample","from":["hybrid.hcl:20"],"arguments":[{"name":"size","value":"5","from":"hybrid.hcl:21"}]}]}`

func TestConfigIsComparedByMeaning(t *testing.T) {
	got, err := configs(json.RawMessage(resolvedA), json.RawMessage(resolvedB))
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{Path: "step augment.attacks", A: "there", From: "hybrid.hcl:9"},
		{Path: "step augment.attacks size", A: "3000", From: "hybrid.hcl:10"},
		{Path: "step sample.extra", B: "there", From: "hybrid.hcl:20"},
		{Path: "step sample.extra size", B: "5", From: "hybrid.hcl:21"},
		{Path: "variable variations", A: "8", B: "10", From: "set hybrid.hcl:4"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if same, err := configs(json.RawMessage(resolvedA), json.RawMessage(resolvedA)); err != nil || len(same) != 0 {
		t.Errorf("a pipeline differs from itself: %v, %v", same, err)
	}
}

// shelf keeps artifacts by digest.
type shelf struct {
	t   *testing.T
	dir string
}

func (s shelf) Path(_ context.Context, b cache.Blob) (string, error) {
	return filepath.Join(s.dir, b.Digest.String()), nil
}

func (s shelf) put(path string) cache.Blob {
	s.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	d := cache.Sum(b)
	if err := os.Rename(path, filepath.Join(s.dir, d.String())); err != nil {
		s.t.Fatal(err)
	}
	return cache.Blob{Digest: d}
}

func (s shelf) rows(rows ...artifact.Row) cache.Blob {
	a, err := artifact.WriteRows(filepath.Join(s.t.TempDir(), "rows"), rows)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.put(a.Path)
}

// side is a recorded pipeline whose model flags the first n of 1,000 benign rows.
func (s shelf) side(label, config string, data cache.Blob, flagged int) Side {
	s.t.Helper()
	set := stats.NewSet()
	var scored []artifact.Scored
	for i := range 1100 {
		r := artifact.Scored{ID: fmt.Sprint(i), Set: "test", Label: artifact.Benign, Text: fmt.Sprintf("prompt %d", i), Score: 0.1}
		if i >= 1000 {
			r.Label, r.Score = artifact.Malicious, 0.9
		} else if i < flagged {
			r.Score = 0.7
		}
		set.Add(stats.Observation{Malicious: i >= 1000, Flagged: r.Score >= 0.5, Threat: r.Score})
		scored = append(scored, r)
	}
	set.Finish(0.01, 100, 1)
	set.Data = "the same"
	dir := s.t.TempDir()
	scores, err := comparetest.WriteScores(filepath.Join(dir, "scores"), scored)
	if err != nil {
		s.t.Fatal(err)
	}
	report := filepath.Join(dir, "report")
	b, _ := json.Marshal(stats.Report{Threshold: 0.5, Sets: map[string]*stats.Set{"test": set}})
	if err := os.WriteFile(report, b, 0o644); err != nil {
		s.t.Fatal(err)
	}
	meta, _ := json.Marshal(record.Meta{Result: "test"})
	metrics := map[string]float64{"fp_rate": set.FPRate.Value, "tp_rate": set.Recall.Value}
	return Side{Label: label, Config: json.RawMessage(config), Pipeline: record.Pipeline{Name: "hybrid", File: "hybrid.hcl", Meta: meta, Steps: []record.Step{
		{Name: "dataset", Type: "merge", Traits: record.Traits{Rows: []string{"rows"}}, Outputs: map[string]cache.Blob{"rows": data}},
		{Name: "test", Type: "evaluate", Needs: []string{"dataset"}, Outputs: map[string]cache.Blob{"scores": s.put(scores.Path), "report": s.put(report)}, Result: cache.Result{Metrics: metrics}},
	}}}
}

func TestThreeLevels(t *testing.T) {
	s := shelf{t, t.TempDir()}
	row := func(id, text, label string) artifact.Row {
		return artifact.Row{ID: id, Text: text, Label: label, Method: "synonym"}
	}
	a := s.side("before", resolvedA, s.rows(row("1", "same", artifact.Benign), row("2", "old", artifact.Benign), row("3", "gone", artifact.Malicious)), 40)
	b := s.side("after", resolvedB, s.rows(row("1", "same", artifact.Benign), row("2", "new", artifact.Benign), row("4", "fresh", artifact.Benign), row("5", "fresh too", artifact.Benign)), 5)
	r, err := Compute(t.Context(), Input{A: a, B: b, Blobs: s, Rerun: []Rerun{{Step: "model", Reasons: []string{"rows changed"}, MS: 61000}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Data) != 1 || r.Data[0].Added != 2 || r.Data[0].Removed != 1 || r.Data[0].Changed != 1 {
		t.Fatalf("data %+v", r.Data)
	}
	if got := r.Data[0].Shifts["label"]; got[artifact.Malicious] != [2]int{1, 0} || got[artifact.Benign] != [2]int{2, 4} {
		t.Errorf("labels %v", got)
	}
	if r.Flips == nil || r.Flips.Counts != [4]int{35, 0, 0, 0} {
		t.Errorf("flips %+v", r.Flips)
	}
	if f := r.Flips.Fixed[0]; f.Before != 0.7 || f.BeforeThreshold != 0.5 || f.Threshold != 0.5 {
		t.Errorf("a row that changed sides says its scores and what they were held against: %+v", f)
	}
	if out, err := json.Marshal(r); err != nil || !json.Valid(out) {
		t.Errorf("JSON: %v", err)
	}
}

// Two runs of one pipeline are told apart by what they measured, with a test on the same rows.
func TestResultsOfTwoRuns(t *testing.T) {
	s := shelf{t, t.TempDir()}
	data := s.rows(artifact.Row{ID: "1", Text: "a", Label: artifact.Benign})
	a, b := s.side("", "", data, 40), s.side("", "", data, 5)
	r, err := Results(t.Context(), a.Pipeline, b.Pipeline, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Metrics) == 0 || len(r.Tests) == 0 || r.Flips != nil || r.A != "hybrid (before)" {
		t.Errorf("%+v", r)
	}
}

func TestNothingRecorded(t *testing.T) {
	r, err := Compute(t.Context(), Input{A: Side{Label: "a", Config: json.RawMessage(resolvedA)}, B: Side{Label: "b", Config: json.RawMessage(resolvedB)}})
	if err != nil || len(r.Config) == 0 || len(r.Notes) != 1 || r.Notes[0] != compare.Finding(compare.SideNeverRan{Side: "a"}) {
		t.Errorf("%+v, %v", r, err)
	}
}
