package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rein/cache"
	"rein/engine/internal/dag"
)

// unit is one piece of work: the nodes of one or several pipelines that have the same description and the same sources. Once their inputs
// are known, two units may turn out to have the same key; the schedule handles that.
type unit struct {
	id    int
	nodes []*nodeOf // the first one lends its name and op
	op    Op
	desc  Description
	facts []string // key lines that don't depend on inputs
	deps  []*unit  // distinct: sources of inputs, and depends_on
	users []*unit
	// wanted: the outputs themselves are needed, because no step follows the unit or because they are published.
	wanted bool
	rank   int // place in the depth-first order: what is declared first is finished first
	// limits are the widest of its nodes'.
	resources Resources
	retries   int
}

// nodeOf is a node with the pipeline that it belongs to.
type nodeOf struct {
	*Node
	pipeline *Pipeline
	unit     *unit // nil: not needed
	id       int   // place in the topological order of all nodes
}

// work is a graph made ready to plan or run.
type work struct {
	graph    *Graph
	executor func(*Node) string
	salt     func() ([]byte, error) // the state folder's
	units    []*unit                // in topological order, depth first; unit.id is the index
	nodes    map[*Node]*nodeOf
	// order lists each pipeline's nodes topologically: the order of records and plans.
	order map[*Pipeline][]*nodeOf
	space []byte // for shape
	ways  ways   // while the work is made ready
}

// prepare checks the graph, asks every op to describe itself, and merges equal nodes. executor names where a node runs, "" for this
// machine. salt gives the salt for the digests of sensitive values.
func prepare(ctx context.Context, g *Graph, executor func(*Node) string, salt func() ([]byte, error)) (*work, error) {
	w := &work{graph: g, executor: executor, salt: salt, nodes: map[*Node]*nodeOf{}, order: map[*Pipeline][]*nodeOf{}, ways: ways{}}
	all, err := w.sort()
	if err != nil {
		return nil, err
	}
	if err := checkOutputs(g, w.ways); err != nil {
		return nil, err
	}
	byShape := map[cache.Digest]*unit{}
	for _, n := range all {
		if n.NotNeeded {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.merge(ctx, n, byShape); err != nil {
			return nil, err
		}
	}
	for _, u := range w.units {
		u.wanted = len(u.users) == 0
	}
	for _, p := range g.Pipelines {
		for _, o := range p.Outputs {
			if n := w.nodes[o.Ref.Node]; n != nil && n.unit != nil {
				n.unit.wanted = true
			}
		}
	}
	return w, nil
}

// feeders are the units whose outputs u reads.
func (w *work) feeders(u *unit) []*unit {
	var out []*unit
	for _, in := range u.nodes[0].Inputs {
		for _, r := range in.Refs {
			if r.Node != nil {
				out = append(out, w.nodes[r.Node].unit)
			}
		}
	}
	return out
}

// sort orders the nodes of all pipelines, and refuses cycles and references to nodes outside the graph.
func (w *work) sort() ([]*nodeOf, error) {
	var all []*nodeOf
	index := map[*Node]int{}
	for _, p := range w.graph.Pipelines {
		names := map[string]bool{}
		for _, n := range p.Nodes {
			if names[n.Name] {
				return nil, nodeError(n, fmt.Errorf("pipeline %q has two steps of this name", p.Name))
			}
			names[n.Name] = true
			index[n] = len(all)
			w.nodes[n] = &nodeOf{Node: n, pipeline: p}
			all = append(all, w.nodes[n])
		}
	}
	deps := make([][]int, len(all))
	for i, n := range all {
		for _, d := range neighbours(n.Node) {
			j, ok := index[d]
			if !ok {
				return nil, nodeError(n.Node, fmt.Errorf("depends on step %q, which is in no pipeline of the graph", d.Name))
			}
			deps[i] = append(deps[i], j)
		}
	}
	order, cycle := dag.Order(len(all), func(i int) []int { return deps[i] })
	if cycle != nil {
		var names []string
		for _, i := range append(cycle, cycle[0]) {
			names = append(names, all[i].Name)
		}
		return nil, nodeError(all[cycle[0]].Node, fmt.Errorf("steps depend on each other: %s", strings.Join(names, " -> ")))
	}
	sorted := make([]*nodeOf, len(order))
	for i, v := range order {
		sorted[i] = all[v]
		all[v].id = i
		p := all[v].pipeline
		w.order[p] = append(w.order[p], all[v])
	}
	return sorted, nil
}

// neighbours are the nodes that n reads from or comes after, in order, with repetitions.
func neighbours(n *Node) []*Node {
	size := len(n.After)
	for _, in := range n.Inputs {
		size += len(in.Refs)
	}
	out := make([]*Node, 0, size)
	for _, in := range n.Inputs {
		for _, r := range in.Refs {
			if r.Node != nil {
				out = append(out, r.Node)
			}
		}
	}
	return append(out, n.After...)
}

// distinct leaves the first of equal elements, in the same memory.
func distinct[T comparable](all []T) []T {
	const few = 16 // up to which looking through is quicker than a table
	var seen map[T]bool
	if len(all) > few {
		seen = make(map[T]bool, len(all))
	}
	out := all[:0]
	for _, x := range all {
		if seen[x] || seen == nil && slices.Contains(out, x) {
			continue
		}
		if out = append(out, x); seen != nil {
			seen[x] = true
		}
	}
	return out
}

// merge makes a unit of n, or adds n to the unit of the same shape.
func (w *work) merge(ctx context.Context, n *nodeOf, byShape map[cache.Digest]*unit) error {
	d, err := n.Op.Describe(ctx)
	if err != nil {
		return nodeError(n.Node, err)
	}
	d.on(w.executor(n.Node))
	if len(d.Sensitive) > 0 {
		if d.salt, err = w.salt(); err != nil {
			return nodeError(n.Node, err)
		}
	}
	facts, err := keyFacts(d)
	if err != nil {
		return nodeError(n.Node, err)
	}
	shape, err := w.shape(n, facts)
	if err != nil {
		return err
	}
	u := byShape[shape]
	if u == nil {
		u = &unit{id: len(w.units), op: n.Op, desc: d, facts: facts, rank: len(w.units)}
		byShape[shape] = u
		w.units = append(w.units, u)
		for _, d := range neighbours(n.Node) {
			if du := w.nodes[d].unit; du != nil {
				u.deps = append(u.deps, du)
			}
		}
		u.deps = distinct(u.deps)
		for _, d := range u.deps {
			d.users = append(d.users, u)
		}
	}
	n.unit = u
	u.nodes = append(u.nodes, n)
	u.retries = max(u.retries, n.Retries)
	u.resources.CPUs = max(u.resources.CPUs, n.Resources.CPUs)
	u.resources.Memory = max(u.resources.Memory, n.Resources.Memory)
	u.resources.GPU = max(u.resources.GPU, n.Resources.GPU)
	return nil
}

// shape identifies what a node computes before its inputs' content is known: its facts and where its inputs come from.
func (w *work) shape(n *nodeOf, facts []string) (cache.Digest, error) {
	b := w.space[:0]
	for _, f := range facts {
		b = append(append(b, f...), '\n')
	}
	for _, in := range n.Inputs {
		for _, r := range in.Refs {
			b = append(strconv.AppendQuote(append(b, "input "...), in.Port), ' ')
			switch {
			case r.Path != nil:
				b = strconv.AppendQuote(append(append(b, r.Path.Kind...), ' '), r.Path.Abs)
			case w.nodes[r.Node].unit == nil:
				return cache.Digest{}, nodeError(n.Node, fmt.Errorf("input %s: step %q is not needed here (its `when` is false), so it has no output", in.Port, r.Node.Name))
			default:
				b = strconv.AppendInt(append(b, "step "...), int64(w.nodes[r.Node].unit.id), 10)
				b = strconv.AppendQuote(append(b, ' '), r.Port)
			}
			b = append(b, '\n')
		}
	}
	for _, a := range n.After {
		if u := w.nodes[a].unit; u != nil {
			b = append(strconv.AppendInt(append(b, "after "...), int64(u.id), 10), '\n')
		}
	}
	for _, p := range n.Ports {
		b = append(strconv.AppendQuote(append(b, "port "...), p.Name), '\n')
	}
	w.space = b
	return cache.Sum(b), nil
}

// nodeError says which step an error is about.
func nodeError(n *Node, err error) error {
	if n.Pos == "" {
		return fmt.Errorf("step %q: %w", n.Name, err)
	}
	return fmt.Errorf("%s: step %q: %w", n.Pos, n.Name, err)
}
