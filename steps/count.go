package steps

import (
	"sync"
	"time"
)

// Count reports the progress of one phase of a step's work. Its unit names the phase: "rows scored". The methods are safe for concurrent
// use. A nil Count reports nothing.
type Count struct {
	env   *Env
	unit  string
	total int64

	mu   sync.Mutex
	done int64
	told time.Time
}

// tellEvery is the shortest time between two reports of a phase. Views don't redraw more often.
const tellEvery = 200 * time.Millisecond

// Count begins a phase of total units of work; total is 0 if not known.
func (e *Env) Count(total int64, unit string) *Count {
	e.Progress(0, total, unit)
	return &Count{env: e, unit: unit, total: total}
}

// Add reports that n more units are done.
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
