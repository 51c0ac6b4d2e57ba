package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rein/cache"
	"rein/engine/record"
)

// Explanation says why a step would run, or, if it is cached, what would have to change for it to run.
type Explanation struct {
	Pipeline string     `json:"pipeline"`
	Step     string     `json:"step"`
	Type     string     `json:"type"`
	Status   PlanStatus `json:"status"`
	Reasons  []string   `json:"reasons,omitempty"`
	Why      []Reason   `json:"why,omitempty"` // the same, for programs
	// Changes are the differences from the nearest past result: its key to this one's.
	Changes []Change `json:"changes,omitempty"`
	Nearest *Past    `json:"nearest,omitempty"` // of a cached step: the result that it has
	// Upstream explains the steps that have to run first, where the key isn't known yet: causes before effects.
	Upstream []*Explanation `json:"upstream,omitempty"`
	// Facts are the lines of the key. A cached step stays cached until one of them changes.
	Facts    []string `json:"facts,omitempty"`
	ActionID string   `json:"action_id,omitempty"`
}

// Past is a result in the store.
type Past struct {
	Pipeline string    `json:"pipeline"`
	Step     string    `json:"step"`
	ActionID string    `json:"action_id"`
	Made     time.Time `json:"made"`
}

// Why explains one step. It writes nothing.
func Why(ctx context.Context, g *Graph, o Options, pipeline, step string) (*Explanation, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p, err := newPlanner(ctx, g, o)
	if err != nil {
		return nil, err
	}
	target, err := p.work.find(pipeline, step)
	if err != nil {
		return nil, err
	}
	if target.unit == nil {
		return &Explanation{Pipeline: target.pipeline.Name, Step: step, Type: target.Type, Status: PlanSkipped,
			Reasons: record.Words(because(record.NotNeeded)), Why: because(record.NotNeeded)}, nil
	}
	needed := ancestors(target.unit)
	for _, level := range p.work.levels() {
		if err := p.level(ctx, slices.DeleteFunc(level, func(u *unit) bool { return !needed[u] })); err != nil {
			return nil, err
		}
	}
	p.demand(ctx, func(u *unit) bool { return needed[u] })
	x := p.explain(ctx, target)
	if x.Status == PlanUnknown {
		for _, u := range p.work.units {
			if needed[u] && u != target.unit && p.units[u.id].status == PlanRun {
				x.Upstream = append(x.Upstream, p.explain(ctx, u.in(target.pipeline)))
			}
		}
	}
	return x, nil
}

// find returns a step by name; an empty pipeline means that the name is unique.
func (w *work) find(pipeline, step string) (*nodeOf, error) {
	var found []*nodeOf
	for _, p := range w.graph.Pipelines {
		for _, n := range w.order[p] {
			if n.Name == step && (pipeline == "" || p.Name == pipeline) {
				found = append(found, n)
			}
		}
	}
	switch {
	case len(found) == 0 && pipeline != "":
		return nil, configErrorf("pipeline %q has no step %q", pipeline, step)
	case len(found) == 0:
		return nil, configErrorf("no pipeline has a step %q", step)
	}
	var names []string
	same := true
	for _, n := range found {
		names = append(names, n.pipeline.Name+"/"+step)
		same = same && n.unit == found[0].unit
	}
	if !same {
		return nil, configErrorf("step %q is in several pipelines: name one of %s", step, strings.Join(names, ", "))
	}
	return found[0], nil
}

// ancestors are u and all that it depends on.
func ancestors(u *unit) map[*unit]bool {
	seen := map[*unit]bool{u: true}
	for rest := []*unit{u}; len(rest) > 0; {
		v := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		for _, d := range v.deps {
			if !seen[d] {
				seen[d] = true
				rest = append(rest, d)
			}
		}
	}
	return seen
}

// in is u's node in a pipeline, or u's first node if it has none there.
func (u *unit) in(p *Pipeline) *nodeOf {
	for _, n := range u.nodes {
		if n.pipeline == p {
			return n
		}
	}
	return u.nodes[0]
}

func (p *planner) explain(ctx context.Context, n *nodeOf) *Explanation {
	pl := p.units[n.unit.id]
	x := &Explanation{Pipeline: n.pipeline.Name, Step: n.Name, Type: n.Type, Status: pl.status, Reasons: record.Words(pl.reasons), Why: pl.reasons}
	if pl.key == "" {
		return x
	}
	x.ActionID = pl.action.String()
	x.Facts = keyLines(pl.key)
	if e, changes := p.nearest(ctx, n.unit, pl.key); e != nil && (pl.status != PlanCached || len(changes) == 0) {
		x.Changes = changes
		x.Nearest = &Past{Pipeline: e.Pipeline, Step: e.Step, ActionID: e.Action.String(), Made: e.Result.Made}
	}
	return x
}

// nearest finds the past result whose key differs least: of the same step if there is one, else of the same type.
func (p *planner) nearest(ctx context.Context, u *unit, key string) (best *cache.Entry, changes []Change) {
	for _, x := range p.history.candidates(ctx, u) {
		cs := diffKeys(x.Key, key)
		if best == nil || len(cs) < len(changes) {
			best, changes = x.Entry, cs
		}
	}
	for i, c := range changes {
		changes[i].From = u.origin(c.What)
	}
	return best, changes
}

// origin says where the input that a Change is about comes from.
func (u *unit) origin(what string) string {
	for _, in := range u.nodes[0].Inputs {
		rest, ok := strings.CutPrefix(what, "input "+label(in.Port))
		nth := 1
		if number, numbered := strings.CutPrefix(rest, " #"); numbered {
			nth, _ = strconv.Atoi(number)
		} else if rest != "" || len(in.Refs) != 1 {
			continue
		}
		if !ok || nth < 1 || nth > len(in.Refs) {
			continue
		}
		if r := in.Refs[nth-1]; r.Path != nil {
			return r.Path.Text
		} else {
			return fmt.Sprintf("step.%s.%s", r.Node.Name, r.Port)
		}
	}
	return ""
}

// maxReasons is how many differences a plan lists for a step. One more is listed, too, rather than counted.
const maxReasons = 5

// reasons says briefly why a unit isn't cached.
func (p *planner) reasons(ctx context.Context, u *unit, key, missing string) []Reason {
	e, changes := p.nearest(ctx, u, key)
	switch {
	case e == nil:
		return because(record.NeverRun)
	case len(changes) == 0: // the same key: its result is lost
		return []Reason{{Code: record.Lost, Detail: missing}}
	}
	var out []Reason
	for i, c := range changes {
		if i == maxReasons && len(changes) > maxReasons+1 {
			out = append(out, Reason{Code: record.ChangedMore, Detail: strconv.Itoa(len(changes) - i)})
			break
		}
		out = append(out, Reason{Code: record.Changed, Detail: c.Brief()})
	}
	return out
}
