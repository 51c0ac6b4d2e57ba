package remote

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"rein/cache"
)

// queued is how many entries may wait to be sent, senders how many are sent at a time.
const (
	queued  = 4096
	senders = 8
)

// Behind sends results while the run goes on. It fits engine.Remote.
type Behind struct {
	remote  *Remote
	queue   chan *cache.Entry
	workers sync.WaitGroup
	left    atomic.Int64 // entries that are to be sent
	lost    atomic.Int64 // entries that were not sent

	mu       sync.Mutex
	patience time.Duration // how long all calls of Send may still wait for room
}

// Behind starts to send what it is given. Drain ends that. A transfer that ctx interrupts isn't completed.
func (r *Remote) Behind(ctx context.Context) *Behind {
	b := &Behind{remote: r, queue: make(chan *cache.Entry, queued), patience: r.o.Timeout}
	for range senders {
		b.workers.Go(func() {
			for e := range b.queue {
				b.send(ctx, e)
				b.left.Add(-1)
			}
		})
	}
	return b
}

func (b *Behind) send(ctx context.Context, e *cache.Entry) {
	if b.remote.Offline() || ctx.Err() != nil {
		b.lost.Add(1)
	} else if err := b.remote.Send(ctx, e); err != nil {
		b.lost.Add(1)
		if ctx.Err() == nil && !isFault(err) { // a fault was reported
			b.remote.report("a result of %s/%s isn't sent to the shared cache: %v", e.Pipeline, e.Step, err)
		}
	}
}

// Fetch is Remote.Fetch.
func (b *Behind) Fetch(ctx context.Context, action cache.Digest) (*cache.Entry, error) {
	return b.remote.Fetch(ctx, action)
}

// Send puts an entry in the queue. If the queue is full, the run waits for room, in all for no longer than the timeout. After that, entries
// are left out: `rein cache push` sends them later.
func (b *Behind) Send(_ context.Context, e *cache.Entry) {
	if b.remote.o.ReadOnly {
		return
	}
	b.left.Add(1)
	select {
	case b.queue <- e:
		return
	default:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	began := time.Now()
	select {
	case b.queue <- e:
	case <-time.After(b.patience):
		b.left.Add(-1)
		b.lost.Add(1)
	}
	b.patience = max(0, b.patience-time.Since(began))
}

// Left is how many entries are still to be sent.
func (b *Behind) Left() int { return int(b.left.Load()) }

// Drain waits until everything is sent or given up, and returns how many entries were not sent. No Send may follow.
func (b *Behind) Drain() (lost int) {
	close(b.queue)
	b.workers.Wait()
	return int(b.lost.Load())
}
