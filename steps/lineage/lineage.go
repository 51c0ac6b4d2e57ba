// Package lineage sees, from the graph alone and before anything runs, where rows that a model is made with would be
// reported on. What can't be seen there (files with common rows, near-duplicates) the evaluation finds in the rows.
package lineage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rein/engine"
)

// Problem is a report on rows that the reported model is made with.
type Problem struct {
	Pipeline *engine.Pipeline
	Step     *engine.Node // the evaluation
	Text     string
}

// Error says it with its place.
func (p Problem) Error() string {
	return fmt.Sprintf("%s: step %q: %s", p.Step.Pos, p.Step.Name, p.Text)
}

// passes lists, by step type, the inputs whose rows (or whose variations) come out again.
var passes = map[string][]string{
	"merge": {"base", "add"}, "sample": {"rows"}, "augment": {"rows"}, "hard-negatives": {"rows"}, "balance-assert": {"rows"},
	"review": {"rows"}, "score": {"rows"}, "mine": {"pool"},
}

// Problems looks at each evaluation of the graph that would stop for leaked rows.
func Problems(ctx context.Context, g *engine.Graph) ([]Problem, error) {
	var out []Problem
	for _, p := range g.Pipelines {
		for _, n := range p.Nodes {
			if n.Type != "evaluate" || n.NotNeeded {
				continue
			}
			stops, err := stops(ctx, n)
			if err != nil {
				return nil, fmt.Errorf("%s: step %q: %w", n.Pos, n.Name, err)
			}
			if !stops {
				continue
			}
			w := walk{ctx: ctx}
			for _, text := range w.evaluation(n) {
				out = append(out, Problem{p, n, text})
			}
			if w.err != nil {
				return nil, w.err
			}
		}
	}
	return out, nil
}

// stops tells whether an evaluation is to stop for leaked rows.
func stops(ctx context.Context, n *engine.Node) (bool, error) {
	var c struct {
		OnLeak string `json:"on_leak"`
	}
	err := config(ctx, n, &c)
	return c.OnLeak == "" || c.OnLeak == "stop", err
}

// config reads a step's arguments.
func config(ctx context.Context, n *engine.Node, into any) error {
	d, err := n.Op.Describe(ctx)
	if err != nil || len(d.Config) == 0 {
		return err
	}
	return json.Unmarshal(d.Config, into)
}

// origin is where rows begin: an output that isn't made of other rows, or a path.
type origin struct {
	node *engine.Node
	port string
	path string // and config, of a dataset: two steps that read one file alike have the same rows
}

func (o origin) String() string {
	if o.node == nil {
		return o.path
	}
	return "step." + o.node.Name + "." + o.port
}

type walk struct {
	ctx context.Context
	err error
}

// evaluation compares what a step reports on with what its model is made with.
func (w *walk) evaluation(n *engine.Node) []string {
	var uses []use
	for _, r := range refs(n, "model") {
		uses = append(uses, w.uses(r)...)
	}
	var out []string
	for _, port := range []string{"test", "unseen"} {
		for _, r := range refs(n, port) {
			for _, reported := range w.origins(r) {
				for _, u := range uses {
					for _, used := range w.origins(u.ref) {
						text := fmt.Sprintf("%s is %s, and step %q %s %s: rows that a model is made with say nothing of others", port, reported, u.node.Name, u.how, used)
						if w.share(used, reported) && !slices.Contains(out, text) {
							out = append(out, text)
						}
					}
				}
			}
		}
	}
	return out
}

// use is rows that made a model what it is.
type use struct {
	node *engine.Node
	how  string
	ref  engine.Ref
}

// uses follows a model back to its trainings.
func (w *walk) uses(r engine.Ref) []use {
	if r.Node == nil {
		return nil
	}
	var out []use
	if r.Node.Type == "train-gpu" {
		for _, x := range refs(r.Node, "rows") {
			out = append(out, use{r.Node, "trains on", x})
		}
		for _, x := range refs(r.Node, "validation") {
			out = append(out, use{r.Node, "chooses with", x})
		}
	}
	if r.Node.Type == "export-onnx" && w.rechooses(r.Node) {
		for _, x := range refs(r.Node, "rows") {
			out = append(out, use{r.Node, "chooses the threshold anew with", x})
		}
	}
	for _, port := range []string{"model", "init"} {
		for _, x := range refs(r.Node, port) {
			out = append(out, w.uses(x)...)
		}
	}
	return out
}

// rechooses tells whether an export writes weights that have their threshold chosen anew, on labelled rows.
func (w *walk) rechooses(n *engine.Node) bool {
	var c struct {
		Weights string `json:"weights"`
	}
	if err := config(w.ctx, n, &c); err != nil {
		w.err = err
	}
	return c.Weights != "" && c.Weights != "fp32"
}

// origins are where an output's rows begin.
func (w *walk) origins(r engine.Ref) []origin {
	if r.Node == nil {
		return []origin{{path: r.Path.Abs}}
	}
	ports, ok := passes[r.Node.Type]
	if !ok {
		return []origin{w.same(origin{node: r.Node, port: r.Port})}
	}
	var out []origin
	for _, p := range ports {
		for _, x := range refs(r.Node, p) {
			out = append(out, w.origins(x)...)
		}
	}
	return out
}

// same gives steps that read one file alike one origin.
func (w *walk) same(o origin) origin {
	if o.node.Type != "dataset" {
		return o
	}
	for _, r := range refs(o.node, "data") {
		if r.Path == nil {
			return o
		}
		d, err := o.node.Op.Describe(w.ctx)
		if err != nil {
			w.err = err
			return o
		}
		o.path = r.Path.Abs + " " + string(d.Config)
	}
	return o
}

// share tells whether two origins have rows in common: they are one, or one was split off the other.
func (w *walk) share(a, b origin) bool {
	return equal(a, b) || w.within(a, b) || w.within(b, a)
}

func equal(a, b origin) bool {
	return a == b || a.path != "" && a.path == b.path
}

// within tells whether the rows of a were split off b.
func (w *walk) within(a, b origin) bool {
	if a.node == nil || a.node.Type != "split" {
		return false
	}
	for _, r := range refs(a.node, "rows") {
		for _, o := range w.origins(r) {
			if equal(o, b) || w.within(o, b) {
				return true
			}
		}
	}
	return false
}

func refs(n *engine.Node, port string) []engine.Ref {
	for _, in := range n.Inputs {
		if in.Port == port {
			return in.Refs
		}
	}
	return nil
}
