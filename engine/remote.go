package engine

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// Remote shares results with other machines. Plan and Why never ask it, because they only look at this machine.
type Remote interface {
	// Fetch brings an entry and its outputs into the store. If they aren't available, the error is a *cache.Miss.
	Fetch(ctx context.Context, action cache.Digest) (*cache.Entry, error)
	// Send starts to share an entry of the store and returns at once.
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

// Pull fetches from the remote what the graph needs and the store lacks, as far as the remote has it. It returns what a run would do
// afterwards. Steps whose inputs are known are asked for at the same time.
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
		var mu sync.Mutex // history isn't safe for concurrent use
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

// pull fetches what the remote has of one unit.
func (p *planner) pull(ctx context.Context, u *unit) error {
	in, ok, err := p.inputs(ctx, u, false, func(d *unit) map[string]cache.Blob { return p.units[d.id].outputs })
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

// levels are the units by the number of units before them on the longest path.
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
