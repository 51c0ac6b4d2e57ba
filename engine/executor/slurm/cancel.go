package slurm

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// gather is how long jobs are collected before one command sends or cancels them together.
const gather = 100 * time.Millisecond

// maxCancel is how many jobs one scancel names.
const maxCancel = 500

// canceller cancels jobs; those that come at about the same time with one command.
type canceller struct {
	mu   sync.Mutex
	next *cancelling
}

type cancelling struct {
	ids  []string
	done chan struct{}
	err  error
}

// add cancels a job and returns when that is done.
func (c *canceller) add(id string) error {
	c.mu.Lock()
	n := c.next
	if n == nil {
		n = &cancelling{done: make(chan struct{})}
		c.next = n
		time.AfterFunc(gather, func() { c.flush(n) })
	}
	n.ids = append(n.ids, id)
	c.mu.Unlock()
	<-n.done
	return n.err
}

func (c *canceller) flush(n *cancelling) {
	c.mu.Lock()
	c.next = nil
	c.mu.Unlock()
	defer close(n.done)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for ids := range slices.Chunk(n.ids, maxCancel) {
		if _, err := command(ctx, "", "scancel", ids...); err != nil && !gone(err.Error()) {
			n.err = err
		}
	}
}

// gone tells whether every complaint of scancel is about a job that has ended.
func gone(text string) bool {
	said := false
	for line := range strings.Lines(text) {
		switch {
		case strings.Contains(line, "Invalid job id"), strings.Contains(line, "already completing or completed"):
			said = true
		case strings.Contains(line, "error:"):
			return false
		}
	}
	return said
}
