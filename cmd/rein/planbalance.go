package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/human"
	"rein/steps/artifact"
	"rein/steps/balance"
	"rein/steps/dataset"
)

// mostLookedAt is how many rows of each file a plan reads for their labels. For a step that has run, the recorded counts are used.
const mostLookedAt = 20000

// unbalanced warns, before anything is trained, that the user's rows are less balanced than a gate allows, and says what follows from that.
func unbalanced(ctx context.Context, store *cache.Store, g *engine.Graph, f *engine.Forecast) ([]string, error) {
	var out []string
	for i, p := range g.Pipelines {
		gate := slices.IndexFunc(p.Nodes, func(n *engine.Node) bool { return n.Type == balance.Step().Name && !n.NotNeeded })
		if gate < 0 {
			continue
		}
		most, err := criticalShare(ctx, p.Nodes[gate])
		if err != nil {
			return nil, err
		}
		var meta record.Meta
		if len(p.Meta) > 0 {
			if err := json.Unmarshal(p.Meta, &meta); err != nil {
				return nil, err
			}
		}
		for _, n := range upstream(p.Nodes[gate]) {
			if n.Type != dataset.Step().Name {
				continue
			}
			benign, rows, err := labelsOf(ctx, store, n, f.Pipelines[i].Steps)
			if err != nil {
				return nil, err
			}
			share := float64(benign) / float64(max(rows, 1))
			if larger := math.Max(share, 1-share); benign == 0 || benign == rows || larger <= most { // of one kind: a pool, or the first part of a sorted file
				continue
			}
			text := fmt.Sprintf("%.1f%% of %s's %s are benign, and what a strategy adds is mostly benign too. ", 100*share, n.Name, human.Many(rows, "row"))
			if compare.LimitsBalance(meta) {
				text += fmt.Sprintf("A strategy is rejected where a class has over %g%% of the rows to train on (max_class_share).", 100*most)
			} else {
				text += "For your own data that is a note and no gate; set max_class_share to make it one."
			}
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out, nil
}

// criticalShare is the share of a class from which on a balance-assert step calls it critical.
func criticalShare(ctx context.Context, n *engine.Node) (float64, error) {
	d, err := n.Op.Describe(ctx)
	if err != nil {
		return 0, err
	}
	var config struct {
		Critical float64 `json:"critical"`
	}
	return config.Critical, json.Unmarshal(d.Config, &config)
}

// upstream are the nodes that a node depends on by its inputs, directly or not.
func upstream(n *engine.Node) []*engine.Node {
	var out []*engine.Node
	seen := map[*engine.Node]bool{}
	var visit func(*engine.Node)
	visit = func(n *engine.Node) {
		for _, in := range n.Inputs {
			for _, ref := range in.Refs {
				if ref.Node != nil && !seen[ref.Node] {
					seen[ref.Node] = true
					out = append(out, ref.Node)
					visit(ref.Node)
				}
			}
		}
	}
	visit(n)
	return out
}

// labelsOf counts the benign rows of a dataset step: those it recorded, or those at the beginning of its files. If the data can't be read,
// it counts none; a run reports what is wrong.
func labelsOf(ctx context.Context, store *cache.Store, n *engine.Node, steps []engine.StepForecast) (benign, rows int, err error) {
	if i := slices.IndexFunc(steps, func(s engine.StepForecast) bool { return s.Name == n.Name }); i >= 0 && steps[i].Status == engine.PlanCached {
		action, err := cache.ParseDigest(steps[i].ActionID)
		if err != nil {
			return 0, 0, err
		}
		e, err := store.Get(ctx, action)
		var miss *cache.Miss
		if err == nil || !errors.As(err, &miss) {
			m := e.Result.Metrics
			return int(m[artifact.Benign]), int(m[artifact.Benign] + m[artifact.Malicious]), err
		}
	}
	d, err := n.Op.Describe(ctx)
	if err != nil {
		return 0, 0, err
	}
	var how struct {
		Columns, Labels map[string]string
		Label, Format   string
		MaxBad          int `json:"max_bad"`
	}
	if err := json.Unmarshal(d.Config, &how); err != nil {
		return 0, 0, err
	}
	for _, in := range n.Inputs {
		for _, ref := range in.Refs {
			if ref.Path == nil || ref.Path.Kind == engine.PathGlob {
				continue
			}
			g, err := dataset.Look(ctx, ref.Path.Abs, dataset.Config{Columns: how.Columns, Labels: how.Labels, Label: how.Label, Format: how.Format, MaxBad: how.MaxBad}, mostLookedAt)
			if ctx.Err() != nil {
				return 0, 0, ctx.Err()
			}
			if err == nil {
				benign, rows = benign+g.Benign, rows+g.Rows
			}
		}
	}
	return benign, rows, nil
}
