package engine

import (
	"context"
	"fmt"
	"time"

	"rein/cache"
)

// tokens are the machine's job slots and GPUs as all rein processes of one state folder share them: each is a lease,
// so a killed holder's are free at once. All tokens of a step are taken together or not at all: two processes can't
// wait for each other's half.
type tokens struct {
	store *cache.Store
	slots int
}

func slotToken(i int) cache.Digest    { return cache.Sum(fmt.Appendf(nil, "slot %d", i)) }
func gpuToken(id string) cache.Digest { return cache.Sum([]byte("gpu " + id)) }

// take waits until everything of g is to be had; waiting is called once if that isn't now.
func (t *tokens) take(ctx context.Context, g grant, waiting func()) (release func(), err error) {
	pause := 5 * time.Millisecond
	for first := true; ; first = false {
		held, err := t.try(g)
		if err != nil {
			return nil, err
		}
		if held != nil {
			return func() { releaseAll(held) }, nil
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, 250*time.Millisecond)
		}
	}
}

// try takes all of g, or nothing and returns nil.
func (t *tokens) try(g grant) ([]*cache.Lease, error) {
	held := make([]*cache.Lease, 0, g.slots+len(g.gpus))
	for _, id := range g.gpus {
		l, err := t.store.TryLease(gpuToken(id))
		if err != nil || l == nil {
			releaseAll(held)
			return nil, err
		}
		held = append(held, l)
	}
	need := g.slots
	for i := 0; i < t.slots && need > 0; i++ {
		l, err := t.store.TryLease(slotToken(i))
		if err != nil {
			releaseAll(held)
			return nil, err
		}
		if l != nil {
			held = append(held, l)
			need--
		}
	}
	if need > 0 {
		releaseAll(held)
		return nil, nil
	}
	return held, nil
}

func releaseAll(ls []*cache.Lease) {
	for _, l := range ls {
		l.Release()
	}
}
