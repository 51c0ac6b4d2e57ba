package augment

import (
	"context"
	"errors"
	"sync"
)

// errBudget says that the budget is used up. It ends the asking, but isn't a fault.
var errBudget = errors.New("the budget is used up")

// budget keeps the number of bought tokens within a limit, also while several calls run at the same time. Only the call that reaches the
// limit may exceed it.
type budget struct {
	limit int64 // tokens; 0: no limit

	mu             sync.Mutex
	used, reserved int64
	open           int           // number of calls that are running
	settled        chan struct{} // closed when a call ends, then replaced
}

func newBudget(limit int64) *budget { return &budget{limit: limit, settled: make(chan struct{})} }

// take reserves tokens for a call. If all running calls together might exceed the limit, it first waits until some of them end. It returns
// errBudget if the limit is reached.
func (b *budget) take(ctx context.Context, tokens int64) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.mu.Lock()
		if b.limit > 0 && b.used >= b.limit {
			b.mu.Unlock()
			return errBudget
		}
		if b.limit == 0 || b.open == 0 || b.used+b.reserved+tokens <= b.limit {
			b.open++
			b.reserved += tokens
			b.mu.Unlock()
			return nil
		}
		settled := b.settled
		b.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle ends a call: it frees the tokens that take reserved and counts those that the call used.
func (b *budget) settle(reserved, used int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	b.reserved -= reserved
	b.used += used
	close(b.settled)
	b.settled = make(chan struct{})
}

func (b *budget) spent() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// guessTokens returns an upper estimate of the tokens of an ordinary text: one for three bytes.
func guessTokens(s string) int64 { return int64(len(s))/3 + 1 }
