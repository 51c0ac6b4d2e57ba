package augment

import (
	"context"
	"errors"
	"sync"
)

// errBudget says that the budget is used up: a clean stop, not a fault.
var errBudget = errors.New("the budget is used up")

// budget keeps what is bought within a limit, also while several calls are on their way: at most the call that reaches it
// goes beyond.
type budget struct {
	limit int64 // tokens; 0: none

	mu             sync.Mutex
	used, reserved int64
	open           int           // calls on their way
	settled        chan struct{} // closed when a call ends
}

func newBudget(limit int64) *budget { return &budget{limit: limit, settled: make(chan struct{})} }

// take reserves tokens for a call, and waits for others to end where all together might go beyond the limit.
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

// settle ends a call that take reserved tokens for.
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

// guessTokens is how many tokens an ordinary text has at most: one for three bytes.
func guessTokens(s string) int64 { return int64(len(s))/3 + 1 }
