// Package diff tells two strategies apart on three levels: what their files say, what their data are, what they measured.
// The sides may be two files, or one file at two revisions.
package diff

import (
	"context"
	"encoding/json"
	"fmt"

	"rein/engine/record"
	"rein/pipelines/compare"
)

// Side is one of the two.
type Side struct {
	Label    string          // its name for people: "hybrid", "main:hybrid.hcl"
	Config   json.RawMessage // the resolved pipeline, as `rein show --resolved --json` gives it; empty: not compared
	Pipeline record.Pipeline // what was recorded; without steps: not compared
}

// Rerun is one step that has to run again to get from A to B.
type Rerun struct {
	Step    string   `json:"step"`
	Reasons []string `json:"reasons,omitempty"`
	MS      int64    `json:"forecast_ms,omitempty"` // from history; 0: not known
}

// Input is what is told apart.
type Input struct {
	A, B  Side
	Blobs compare.Blobs
	// Scorers opens a model, so that words can be left out of the rows that changed sides; nil: they aren't.
	Scorers func(ctx context.Context, model string) (compare.Scorer, error)
	Rerun   []Rerun // from the plan of B; nil: not asked for
}

// Result is the difference, B against A. Package render writes its JSON form.
type Result struct {
	A       string              `json:"a"`
	B       string              `json:"b"`
	Config  []Change            `json:"config"`
	Data    []Data              `json:"data"`
	Metrics []Metric            `json:"metrics"`
	Tests   []compare.Test      `json:"tests"`
	Flips   *compare.Microscope `json:"flips,omitempty"`
	Rerun   []Rerun             `json:"rerun,omitempty"`
	Notes   []compare.Finding   `json:"-"` // what could not be compared, and why
}

// Metric is one measured figure of both sides; nil where a side hasn't measured it.
type Metric struct {
	Name string          `json:"name"`
	A    *compare.Figure `json:"a,omitempty"`
	B    *compare.Figure `json:"b,omitempty"`
}

// Compute compares the sides. Missing parts are noted and aren't errors.
func Compute(ctx context.Context, in Input) (*Result, error) {
	r := &Result{A: in.A.Label, B: in.B.Label, Config: []Change{}, Data: []Data{}, Metrics: []Metric{}, Tests: []compare.Test{}, Rerun: in.Rerun}
	if r.A == r.B {
		r.A, r.B = r.A+" (before)", r.B+" (after)"
	}
	var err error
	if len(in.A.Config) > 0 && len(in.B.Config) > 0 {
		if r.Config, err = configs(in.A.Config, in.B.Config); err != nil {
			return nil, fmt.Errorf("the resolved pipelines: %w", err)
		}
	}
	for _, s := range []Side{in.A, in.B} {
		if len(s.Pipeline.Steps) == 0 {
			r.Notes = append(r.Notes, compare.SideNeverRan{Side: s.Label})
			return r, nil
		}
	}
	if err := r.data(ctx, in); err != nil {
		return nil, err
	}
	both, err := r.results(ctx, in)
	if err != nil {
		return nil, err
	}
	return r, r.flips(ctx, in, both)
}

// Results compares two runs of one pipeline by what they measured alone, with paired tests on the same rows.
func Results(ctx context.Context, before, after record.Pipeline, blobs compare.Blobs) (*Result, error) {
	r := &Result{A: before.Name + " (before)", B: after.Name + " (after)", Metrics: []Metric{}, Tests: []compare.Test{}}
	_, err := r.results(ctx, Input{A: Side{Pipeline: before}, B: Side{Pipeline: after}, Blobs: blobs})
	return r, err
}

// results compares what was measured, with paired tests on the same rows.
func (r *Result) results(ctx context.Context, in Input) (*compare.Result, error) {
	a, b := in.A.Pipeline, in.B.Pipeline
	a.Name, b.Name = r.A, r.B
	both, err := compare.Compute(ctx, compare.Input{Pipelines: []record.Pipeline{a, b}, Blobs: in.Blobs, Scorers: in.Scorers})
	if err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, both.Notes...)
	x, y := both.Strategy(r.A), both.Strategy(r.B)
	for _, s := range []*compare.Strategy{x, y} {
		if s.Missing != nil {
			r.Notes = append(r.Notes, compare.SideMissing{Side: s.Name, Why: s.Missing})
		}
	}
	r.Metrics = metrics(x.Measured, y.Measured)
	for _, t := range both.Tests {
		if t.A == r.A && t.B == r.B {
			r.Tests = append(r.Tests, t)
		}
	}
	return both, nil
}

// flips are the rows that the two sides decide differently.
func (r *Result) flips(ctx context.Context, in Input, both *compare.Result) (err error) {
	if in.Blobs == nil || both.Strategy(r.A).Missing != nil || both.Strategy(r.B).Missing != nil {
		return nil
	}
	if r.Flips, err = both.Microscope(ctx, r.B, r.A); err != nil {
		r.Notes = append(r.Notes, compare.Unreadable{Error: err.Error()})
	}
	return ctx.Err()
}
