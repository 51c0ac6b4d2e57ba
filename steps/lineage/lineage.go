// Package lineage finds reports on rows that a model was made with. It looks only at the graph, before anything runs. Overlaps that the
// graph doesn't show (files with common rows, near-duplicates) are found by the evaluation.
package lineage

import (
	"context"
	"fmt"
	"slices"

	"rein/engine"
)

// Problem is a report on rows that the reported model is made with.
type Problem struct {
	Pipeline *engine.Pipeline
	Step     *engine.Node // the step that reports
	Text     string
}

// Error returns the problem with its place in the file.
func (p Problem) Error() string {
	return fmt.Sprintf("%s: step %q: %s", p.Step.Pos, p.Step.Name, p.Text)
}

// Problems checks each step of the graph with inputs that must be held out from the making of its model.
func Problems(ctx context.Context, g *engine.Graph) ([]Problem, error) {
	var out []Problem
	for _, p := range g.Pipelines {
		for _, n := range p.Nodes {
			if len(n.Traits.HeldOut) == 0 || n.NotNeeded {
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

// origin is where rows come from: an output that isn't made of other rows, or a path.
type origin struct {
	node *engine.Node
	port string
	path string // a path, or, for an output made of paths alone, the paths and how it is made of them
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

// evaluation compares the rows that a step reports on with those that its model is made with. It returns the problems.
func (w *walk) evaluation(n *engine.Node) []string {
	uses := w.uses(n)
	var out []string
	for _, port := range n.Traits.HeldOut {
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

// use is a set of rows that contributed to a model.
type use struct {
	node *engine.Node
	how  string
	ref  engine.Ref
}

// uses follows the models that a step takes back to the rows that they were made with.
func (w *walk) uses(n *engine.Node) []use {
	var out []use
	for _, in := range n.Inputs {
		for _, r := range in.Refs {
			if r.Node == nil || kind(r) != "model" {
				continue
			}
			for _, f := range r.Node.Traits.Fits {
				for _, x := range refs(r.Node, f.Port) {
					out = append(out, use{r.Node, f.How, x})
				}
			}
			out = append(out, w.uses(r.Node)...)
		}
	}
	return out
}

// kind returns the kind of the output that a reference names.
func kind(r engine.Ref) string {
	for _, p := range r.Node.Ports {
		if p.Name == r.Port {
			return p.Kind
		}
	}
	return ""
}

// origins returns where the rows of an output come from.
func (w *walk) origins(r engine.Ref) []origin {
	if r.Node == nil {
		return []origin{{path: r.Path.Abs}}
	}
	if len(r.Node.Traits.Passes) == 0 {
		return []origin{w.same(origin{node: r.Node, port: r.Port})}
	}
	var out []origin
	for _, p := range r.Node.Traits.Passes {
		for _, x := range refs(r.Node, p) {
			out = append(out, w.origins(x)...)
		}
	}
	return out
}

// same returns one common origin for the outputs of equal steps with the same paths.
func (w *walk) same(o origin) origin {
	of := o.node.Type + " " + o.port
	for _, in := range o.node.Inputs {
		for _, r := range in.Refs {
			if r.Path == nil {
				return o
			}
			of += " " + in.Port + "=" + r.Path.Abs
		}
	}
	d, err := o.node.Op.Describe(w.ctx)
	if err != nil {
		w.err = err
		return o
	}
	o.path = of + " " + string(d.Config)
	return o
}

// share tells whether two origins have rows in common: they are equal, or one is a part of the other.
func (w *walk) share(a, b origin) bool {
	return equal(a, b) || w.within(a, b) || w.within(b, a)
}

func equal(a, b origin) bool {
	return a == b || a.path != "" && a.path == b.path
}

// within tells whether the rows of a are a part of the rows of b.
func (w *walk) within(a, b origin) bool {
	if a.node == nil {
		return false
	}
	for _, port := range a.node.Traits.Divides {
		for _, r := range refs(a.node, port) {
			for _, o := range w.origins(r) {
				if equal(o, b) || w.within(o, b) {
					return true
				}
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
