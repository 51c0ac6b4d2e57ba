package engine

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// Remote shares results with other machines. Plan and Why never ask it: a question stays on this machine.
type Remote interface {
	// Fetch brings an entry and its outputs into the store. The error of what isn't to be had is a *cache.Miss.
	Fetch(ctx context.Context, action cache.Digest) (*cache.Entry, error)
	// Send shares an entry that is in the store. It doesn't wait for that to be done.
	Send(ctx context.Context, e *cache.Entry)
}

// fetch asks the remote for what the store lacks.
func (l *lookup) fetch(ctx context.Context, u *unit, action cache.Digest) (*cache.Entry, error) {
	if l.remote == nil || l.local[u] {
		return nil, nil
	}
	e, err := l.remote.Fetch(ctx, action)
	var miss *cache.Miss
	switch {
	case errors.As(err, &miss):
		return nil, nil
	case err != nil:
		return nil, err
	case !complete(e, u.nodes[0].Ports):
		return nil, nil
	}
	return e, nil
}

// Pull brings what the graph needs and the store lacks from the remote, as far as it is there, and says what a run
// would do then. Steps whose inputs are known are asked for at the same time.
func Pull(ctx context.Context, g *Graph, o Options) (*Forecast, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p, err := newPlanner(ctx, g, o)
	if err != nil {
		return nil, err
	}
	p.remote = o.Remote
	for _, level := range p.work.levels() {
		var mu sync.Mutex // the history isn't made for many at a time
		gr, gctx := errgroup.WithContext(ctx)
		gr.SetLimit(maxResolves)
		for _, u := range level {
			gr.Go(func() error {
				if err := p.pull(gctx, u); err != nil {
					return nodeError(u.nodes[0].Node, err)
				}
				mu.Lock()
				defer mu.Unlock()
				return p.level(gctx, []*unit{u})
			})
		}
		if err := gr.Wait(); err != nil {
			return nil, err
		}
	}
	p.demand(ctx, func(*unit) bool { return true })
	return p.forecast(), nil
}

// pull has the store learn of one unit what the remote knows.
func (p *planner) pull(ctx context.Context, u *unit) error {
	in, ok, err := p.inputs(ctx, u, func(d *unit) map[string]cache.Blob { return p.units[d.id].outputs })
	if err != nil || !ok {
		return err
	}
	_, action := keyOf(u.facts, in.lines)
	found, err := p.entry(ctx, action)
	if err == nil {
		_, err = p.ask(ctx, u, action, found)
	}
	return err
}

// levels are the units by how many are before them on the longest way.
func (w *work) levels() [][]*unit {
	var out [][]*unit
	depth := make([]int, len(w.units))
	for _, u := range w.units {
		for _, d := range u.deps {
			depth[u.id] = max(depth[u.id], depth[d.id]+1)
		}
		if depth[u.id] == len(out) {
			out = append(out, nil)
		}
		out[depth[u.id]] = append(out[depth[u.id]], u)
	}
	return out
}
