package steps

import (
	"sync"
	"time"
)

// Count is the progress of one phase of a step's work, of which the unit is the name: "rows scored". Its methods are safe for
// concurrent use, and a nil Count counts nothing.
type Count struct {
	env   *Env
	unit  string
	total int64

	mu   sync.Mutex
	done int64
	told time.Time
}

// tellEvery is how often a phase is told of at most: a view draws no more often.
const tellEvery = 200 * time.Millisecond

// Count begins a phase of total (0: not known) units.
func (e *Env) Count(total int64, unit string) *Count {
	e.Progress(0, total, unit)
	return &Count{env: e, unit: unit, total: total}
}

// Add says that n more units are done.
func (c *Count) Add(n int) {
	if c == nil || n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += int64(n)
	if now := time.Now(); c.done == c.total || now.Sub(c.told) >= tellEvery {
		c.told = now
		c.env.Progress(c.done, c.total, c.unit)
	}
}
