package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rein/cache"
)

// tokens are the machine's job slots and GPUs, which all rein processes of a state folder share. Each is a lease, so those of a killed
// process are free at once. A step takes all its tokens together or none, so two processes never wait for each other's part.
type tokens struct {
	store *cache.Store
	slots int
	mu    sync.Mutex
	spare []slot // slots that a step has just released, kept for the next one: small steps don't pay for the lease
}

// slot is a job slot that this process holds.
type slot struct {
	lease *cache.Lease
	since time.Time
}

// slotTurn is how long a process may pass a slot from step to step before other processes get a chance to take it.
const slotTurn = 200 * time.Millisecond

func slotToken(i int) cache.Digest    { return cache.Sum(fmt.Appendf(nil, "slot %d", i)) }
func gpuToken(id string) cache.Digest { return cache.Sum([]byte("gpu " + id)) }

// holding is what one step holds.
type holding struct {
	slots []slot
	gpus  []*cache.Lease
}

// take waits until everything in g is free. waiting is called once if it has to wait.
func (t *tokens) take(ctx context.Context, g grant, waiting func()) (release func(), err error) {
	pause := 5 * time.Millisecond
	for first := true; ; first = false {
		h, ok, err := t.try(g)
		if err != nil {
			return nil, err
		}
		if ok {
			return func() { t.give(h) }, nil
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

// try takes all of g, or nothing.
func (t *tokens) try(g grant) (holding, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var h holding
	for _, id := range g.gpus {
		l, err := t.store.TryLease(gpuToken(id))
		if err != nil || l == nil {
			t.drop(h)
			return h, false, err
		}
		h.gpus = append(h.gpus, l)
	}
	for len(h.slots) < g.slots && len(t.spare) > 0 {
		last := len(t.spare) - 1
		h.slots = append(h.slots, t.spare[last])
		t.spare = t.spare[:last]
	}
	for i := 0; i < t.slots && len(h.slots) < g.slots; i++ {
		l, err := t.store.TryLease(slotToken(i))
		if err != nil {
			t.drop(h)
			return h, false, err
		}
		if l != nil {
			h.slots = append(h.slots, slot{l, time.Now()})
		}
	}
	if len(h.slots) < g.slots {
		t.drop(h)
		return h, false, nil
	}
	return h, true, nil
}

// give takes a step's tokens back. Recently taken slots are kept for the next step for a moment.
func (t *tokens) give(h holding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := 0; i < len(h.slots); i++ {
		if time.Since(h.slots[i].since) < slotTurn {
			t.spare = append(t.spare, h.slots[i])
			h.slots = append(h.slots[:i], h.slots[i+1:]...)
			i--
		}
	}
	t.drop(h)
}

// releaseSpare releases the spare slots: nothing is going to start soon.
func (t *tokens) releaseSpare() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(holding{slots: t.spare})
	t.spare = nil
}

// drop releases leases. An error means that the kernel has released them already.
func (t *tokens) drop(h holding) {
	for _, s := range h.slots {
		_ = s.lease.Release()
	}
	for _, l := range h.gpus {
		_ = l.Release()
	}
}
