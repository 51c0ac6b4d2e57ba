package suite

import (
	"context"
	"encoding/json"
	"slices"

	"rein/cache"
	"rein/engine"
	"rein/pipelines/lang"
)

// stepFacts is a step as a condition sees it before anything runs: step.NAME.
type stepFacts struct {
	Type   string              `json:"type"`
	Needed bool                `json:"needed"`
	Needs  []string            `json:"needs"`  // steps whose outputs it takes, or that it waits for
	Inputs map[string][]string `json:"inputs"` // by port: "step.NAME.PORT", or a path as it is written
	Config json.RawMessage     `json:"config"` // its arguments, with defaults; null where one is sensitive
	Key    string              `json:"key"`    // changes with everything that would make the step run again, except the content of files
}

// graphFacts are the facts of a pipeline's graph: pipeline, steps, step, var, leaks, and rerun for an edit.
func graphFacts(ctx context.Context, p, edited *lang.Program, env Env) (map[string]any, error) {
	pipe := p.Graph.Pipelines[0]
	steps, err := factsOfSteps(ctx, pipe)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, n := range pipe.Nodes {
		if !n.NotNeeded {
			names = append(names, n.Name)
		}
	}
	leaks, err := env.Leaks(ctx, p.Graph)
	if err != nil {
		return nil, err
	}
	vars := map[string]any{}
	for name, v := range p.Pipelines[0].Meta.Variables {
		if !v.Sensitive {
			vars[name] = v.Value
		}
	}
	facts := map[string]any{"pipeline": map[string]any{"name": pipe.Name, "title": pipe.Title}, "steps": names, "step": steps, "var": vars,
		"leaks": append([]string{}, leaks...)}
	if edited != nil {
		if facts["rerun"], err = rerun(ctx, steps, edited.Graph.Pipelines[0]); err != nil {
			return nil, err
		}
	}
	return facts, nil
}

// rerun names the steps of the edited pipeline that wouldn't be found in the original pipeline's cache.
func rerun(ctx context.Context, before map[string]stepFacts, pipe *engine.Pipeline) ([]string, error) {
	after, err := factsOfSteps(ctx, pipe)
	if err != nil {
		return nil, err
	}
	had := map[string]bool{}
	for _, s := range before {
		if s.Needed {
			had[s.Key] = true
		}
	}
	out := []string{}
	for _, n := range pipe.Nodes {
		if s := after[n.Name]; s.Needed && !had[s.Key] {
			out = append(out, n.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func factsOfSteps(ctx context.Context, pipe *engine.Pipeline) (map[string]stepFacts, error) {
	out := map[string]stepFacts{}
	var visit func(n *engine.Node) (stepFacts, error)
	visit = func(n *engine.Node) (stepFacts, error) {
		if s, ok := out[n.Name]; ok {
			return s, nil
		}
		s := stepFacts{Type: n.Type, Needed: !n.NotNeeded, Needs: []string{}, Inputs: map[string][]string{}, Config: json.RawMessage("null")}
		if n.NotNeeded {
			out[n.Name] = s
			return s, nil
		}
		d, err := n.Op.Describe(ctx)
		if err != nil {
			return s, err
		}
		key := []any{d.Type, d.Version, d.Config, d.Fingerprints}
		if len(d.Sensitive) == 0 {
			s.Config = d.Config
		}
		need := func(dep *engine.Node) (stepFacts, error) {
			if !slices.Contains(s.Needs, dep.Name) {
				s.Needs = append(s.Needs, dep.Name)
			}
			return visit(dep)
		}
		for _, in := range n.Inputs {
			for _, ref := range in.Refs {
				if ref.Node == nil {
					s.Inputs[in.Port] = append(s.Inputs[in.Port], ref.Path.Text)
					key = append(key, in.Port, ref.Path.Kind, ref.Path.Text)
					continue
				}
				dep, err := need(ref.Node)
				if err != nil {
					return s, err
				}
				s.Inputs[in.Port] = append(s.Inputs[in.Port], "step."+ref.Node.Name+"."+ref.Port)
				key = append(key, in.Port, dep.Key, ref.Port)
			}
		}
		for _, dep := range n.After {
			if _, err := need(dep); err != nil {
				return s, err
			}
		}
		text, err := json.Marshal(key)
		if err != nil {
			return s, err
		}
		s.Key = cache.Sum(text).String()
		out[n.Name] = s
		return s, nil
	}
	for _, n := range pipe.Nodes {
		if _, err := visit(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}
