package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// Questions about results that are there (get, compare --no-run) speak of what the files describe now, where the store has
// it; else of the newest run, and say so.

// present is what the store has of a pipeline under the keys that its file gives its steps now.
type present struct {
	steps   []record.Step
	actions map[string]string // by step: its key, where it is known
	pending []string          // steps that a run would have to run, or might
}

// present plans the pipelines, and reads what is cached of them.
func (a *app) present(ctx context.Context, store *cache.Store, p *lang.Program) ([]present, error) {
	forecast, err := engine.Plan(ctx, p.Graph, a.engineOptions(store))
	if err != nil {
		return nil, err
	}
	out := make([]present, len(p.Graph.Pipelines))
	for i, pipe := range p.Graph.Pipelines {
		out[i].actions = map[string]string{}
		for _, s := range forecast.Pipelines[i].Steps {
			out[i].actions[s.Name] = s.ActionID
			if s.Status == engine.PlanSkipped {
				continue
			}
			var rec *record.Step
			if s.Status == engine.PlanCached {
				if rec, err = storedStep(ctx, store, pipe, s); err != nil {
					return nil, err
				}
			}
			if rec == nil {
				out[i].pending = append(out[i].pending, s.Name)
			} else {
				out[i].steps = append(out[i].steps, *rec)
			}
		}
	}
	return out, nil
}

// storedStep is a cached step as a run would record it; nil if it went meanwhile.
func storedStep(ctx context.Context, store *cache.Store, pipe *engine.Pipeline, step engine.StepForecast) (*record.Step, error) {
	action, err := cache.ParseDigest(step.ActionID)
	if err != nil {
		return nil, err
	}
	e, err := store.Get(ctx, action)
	var miss *cache.Miss
	if errors.As(err, &miss) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	rec := &record.Step{Name: step.Name, Type: step.Type, Version: e.Version, Status: string(engine.StatusCached), ActionID: step.ActionID,
		Key: e.Key, Outputs: e.Outputs, Result: e.Result}
	for _, n := range pipe.Nodes {
		if n.Name == step.Name {
			rec.Traits, rec.Needs = n.Traits, engine.Needs(n)
		}
	}
	return rec, nil
}

// changed is the first step whose key isn't the one that it was recorded with; "" if there is none.
func (p present) changed(steps []record.Step) string {
	for _, s := range steps {
		if now := p.actions[s.Name]; now != "" && s.ActionID != "" && now != s.ActionID {
			return s.Name
		}
	}
	return ""
}

// results is what is known of each pipeline without running it, with the plan and the expectations as its file has them now.
func (a *app) results(ctx context.Context, store *cache.Store, p *lang.Program) ([]record.Pipeline, error) {
	now, err := a.present(ctx, store, p)
	if err != nil {
		return nil, err
	}
	var out []record.Pipeline
	var notes told
	for i, pipe := range p.Graph.Pipelines {
		found := record.Pipeline{Name: pipe.Name, Title: pipe.Title, File: pipe.File, Meta: pipe.Meta, Steps: now[i].steps}
		if !json.Valid(found.Meta) {
			found.Meta = nil
		}
		if len(now[i].pending) > 0 {
			found.Steps = newest(store, pipe, now[i], &notes)
		}
		out = append(out, found)
	}
	notes.write(a)
	return out, nil
}

// told are notes on pipelines: what is to be said of several is said once.
type told struct {
	texts []string
	of    map[string][]string
}

func (t *told) add(pipeline, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if t.of == nil {
		t.of = map[string][]string{}
	}
	if t.of[text] == nil {
		t.texts = append(t.texts, text)
	}
	t.of[text] = append(t.of[text], pipeline)
}

func (t *told) write(a *app) {
	for _, text := range t.texts {
		a.note(strings.Join(t.of[text], ", ") + ": " + text)
	}
}

// note writes a note to the error stream, on a terminal wrapped between words.
func (a *app) note(text string) {
	t := a.table(a.err)
	t.Line(nil, "note: "+text)
	_ = t.Write(a.err) // what can't be written is no reason to stop
}

// newest is what the newest run recorded of a pipeline; nothing if it never ran.
func newest(store *cache.Store, pipe *engine.Pipeline, now present, notes *told) []record.Step {
	for r := range newestFirst(store) {
		for _, rp := range r.Pipelines {
			if rp.Name != pipe.Name || len(rp.Steps) == 0 {
				continue
			}
			if step := now.changed(rp.Steps); step != "" {
				notes.add(pipe.Name, "step %s has changed since the run of %s, whose figures these are; without --no-run what is missing is run",
					step, human.Time(r.Started))
			}
			return withTraits(rp.Steps, pipe)
		}
	}
	notes.add(pipe.Name, "never run; without --no-run what is missing is run")
	return nil
}

// withTraits gives steps that were recorded before records had traits those that their types have now.
func withTraits(steps []record.Step, pipe *engine.Pipeline) []record.Step {
	for i := range steps {
		at := slices.IndexFunc(pipe.Nodes, func(n *engine.Node) bool { return n.Name == steps[i].Name && n.Type == steps[i].Type })
		if at >= 0 && steps[i].Traits.Stage == "" {
			steps[i].Traits = pipe.Nodes[at].Traits
		}
	}
	return steps
}

// newestFirst reads the runs' records. A broken one is no answer; an older one may be.
func newestFirst(store *cache.Store) iter.Seq[*record.Run] {
	return func(yield func(*record.Run) bool) {
		ids, err := store.Runs()
		if err != nil {
			return
		}
		for _, id := range slices.Backward(ids) {
			if r, err := runlog.Read(store, id); err == nil && !yield(r) {
				return
			}
		}
	}
}

// findOutput looks for an output: what the file describes, else what the newest run that has the step made.
func (a *app) findOutput(ctx context.Context, store *cache.Store, p *lang.Program, step, port string) (cache.Blob, error) {
	if len(p.Graph.Pipelines) != 1 {
		return cache.Blob{}, configError(fmt.Errorf("name one file: this is %d pipelines", len(p.Graph.Pipelines)))
	}
	pipe := p.Graph.Pipelines[0]
	var names []string
	for _, n := range pipe.Nodes {
		names = append(names, n.Name)
	}
	if !slices.Contains(names, step) {
		if near := diag.Nearest(step, names); near != "" {
			return cache.Blob{}, configError(fmt.Errorf("pipeline %s has no step %q; did you mean %s?", pipe.Name, step, near))
		}
		return cache.Blob{}, configError(fmt.Errorf("pipeline %s has no step %q; it has %s", pipe.Name, step, strings.Join(names, ", ")))
	}
	now, err := a.present(ctx, store, p)
	if err != nil {
		return cache.Blob{}, err
	}
	for _, s := range now[0].steps {
		if s.Name == step {
			return portOf(s, port)
		}
	}
	for r := range newestFirst(store) {
		if s := recordedStep(r, pipe.Name, step); s != nil && len(s.Outputs) > 0 {
			fmt.Fprintf(a.err, "note: step.%s as %s describes it now was never made; this is what the run of %s made\n", step, pipe.File, human.Time(r.Started))
			return portOf(*s, port)
		}
	}
	return cache.Blob{}, configError(fmt.Errorf("step.%s.%s has not been made yet: rein run %s", step, port, pipe.File))
}

func portOf(s record.Step, port string) (cache.Blob, error) {
	blob, ok := s.Outputs[port]
	if !ok {
		return blob, configError(fmt.Errorf("step.%s has no port %q; it has %s", s.Name, port,
			cmp.Or(strings.Join(slices.Sorted(maps.Keys(s.Outputs)), ", "), "none")))
	}
	return blob, nil
}

func recordedStep(r *record.Run, pipeline, step string) *record.Step {
	for i := range r.Pipelines {
		if r.Pipelines[i].Name != pipeline {
			continue
		}
		for j := range r.Pipelines[i].Steps {
			if r.Pipelines[i].Steps[j].Name == step {
				return &r.Pipelines[i].Steps[j]
			}
		}
	}
	return nil
}
