// Package holdout prepares external rows for reporting before anything is trained. It leaves out rows that a model will be made with. The
// rest answers one of two questions: rows of sources that the model will know are own traffic, and rows of other sources are new sources.
package holdout

import (
	"cmp"
	"context"
	"errors"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
)

// Config says what happens to leaked rows.
type Config struct {
	OnLeak string `hcl:"on_leak,optional" default:"exclude" enum:"stop,exclude,record" doc:"What happens to leaked rows: rows that a model will be made with (same origin, same text, near-duplicates). exclude: they are left out and counted, and stop the run if they are over 1%; stop: any of them stops the run; record: they are noted and stay."`
}

// In holds the inputs of the step.
type In struct {
	Rows       artifact.Rows `port:"rows" doc:"rows to report on"`
	Train      artifact.Rows `port:"train" doc:"rows that models will be trained on"`
	Validation artifact.Rows `port:"validation,optional" doc:"rows that thresholds will be chosen on"`
	Pool       artifact.Rows `port:"pool,optional" doc:"rows that will be mined"`
}

// Out holds the outputs of the step.
type Out struct {
	Own artifact.Rows `port:"own" doc:"own traffic: rows without a source, and rows of the sources of train, validation or pool"`
	New artifact.Rows `port:"new" doc:"new sources: rows of all other sources"`
}

// Step is the "held-out" step type.
var Step = steps.New("held-out", 2, "Leave out rows that a model will be made with, and divide the rest into own traffic and new sources.", run,
	steps.Stage(steps.Data), steps.Divides("rows"), steps.Example(`step "held-out" "reported" {
  rows       = step.own_test.rows
  train      = step.parts.train
  validation = step.parts.validation
  pool       = step.parts.pool
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	out := Out{artifact.Rows{Path: env.Out("own")}, artifact.Rows{Path: env.Out("new")}}
	var uses []leak.Use
	known := map[string]bool{"": true}
	for _, use := range []leak.Use{{Side: leak.Trains, Rows: in.Train}, {Side: leak.Chooses, Rows: in.Validation}, {Side: leak.Mined, Rows: in.Pool}} {
		if use.Rows.Path == "" {
			continue
		}
		uses = append(uses, use)
		for r, err := range use.Rows.All() {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return out, err
			}
			known[r.Source] = true
		}
	}
	leaked, err := leaks(ctx, env, c, in.Rows, uses)
	if err != nil {
		return out, err
	}
	return out, divide(env, in.Rows, out, leaked, known)
}

// leaks returns the ids of the rows to leave out.
func leaks(ctx context.Context, env *steps.Env, c Config, rows artifact.Rows, uses []leak.Use) (map[string]bool, error) {
	memory, err := leak.Remember(ctx, uses...)
	if err != nil {
		return nil, err
	}
	total, err := rows.Count()
	if err != nil {
		return nil, err
	}
	f, err := memory.Check(ctx, "test", rows, env.Count(total, "rows checked for leakage").Add)
	if err != nil {
		return nil, err
	}
	env.Metric("leaked_rows", float64(len(f.Leaked)))
	switch {
	case len(f.Leaked) == 0:
		return nil, nil
	case c.OnLeak == "stop":
		return nil, f.Verdict(0)
	case c.OnLeak == "record":
		env.Notef("leakage, recorded: %s", f)
		return nil, nil
	}
	if err := f.Excess(); err != nil {
		return nil, err
	}
	env.Notef("left out of the rows to report on: %s", f)
	return f.Leaked, nil
}

// divide writes each row to own traffic or to new sources.
func divide(env *steps.Env, rows artifact.Rows, out Out, leaked, known map[string]bool) (err error) {
	own, err := artifact.NewWriter[artifact.Row](out.Own.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	other, err := artifact.NewWriter[artifact.Row](out.New.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	var n [2]int
	sources := map[string]bool{}
	for r, err := range rows.All() {
		if err != nil {
			return err
		}
		if leaked[r.ID] {
			continue
		}
		w, at := own, 0
		if !known[r.Source] {
			w, at = other, 1
			sources[r.Source] = true
		}
		n[at]++
		if err := w.Write(r); err != nil {
			return err
		}
	}
	env.Metric("own_rows", float64(n[0]))
	env.Metric("new_rows", float64(n[1]))
	env.Metric("new_sources", float64(len(sources)))
	env.Logf("%d rows of own traffic, %d of %d new sources", n[0], n[1], len(sources))
	return nil
}
