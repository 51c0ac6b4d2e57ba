package view

import (
	"fmt"
	"time"

	"github.com/mattn/go-runewidth"

	"rein/engine"
)

// expected is what a plan foresaw of a run: how many steps each strategy has, and how long each step takes.
type expected struct {
	steps   map[string]int // by pipeline, without those that aren't needed
	times   map[[2]string]time.Duration
	unknown map[[2]string]bool // they will run for the first time
	widest  int                // of the names of the steps that will run, in cells
}

// Expect tells the view what the plan foresaw, so that it can say how much is left.
func (t *TTY) Expect(f *engine.Forecast) {
	e := &expected{steps: map[string]int{}, times: map[[2]string]time.Duration{}, unknown: map[[2]string]bool{}}
	for _, p := range f.Pipelines {
		for _, s := range p.Steps {
			if s.Status != engine.PlanSkipped {
				e.steps[p.Name]++
			}
			k := [2]string{p.Name, s.Name}
			if s.First && s.Status != engine.PlanCached && s.Status != engine.PlanSkipped {
				e.widest = max(e.widest, runewidth.StringWidth(p.Name+"/"+s.Name))
			}
			switch {
			case s.Samples > 0:
				e.times[k] = time.Duration(s.ForecastMS) * time.Millisecond
			case s.First && s.Status != engine.PlanCached && s.Status != engine.PlanSkipped:
				e.unknown[k] = true
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected = e
}

// left is the time until the run ends: the remaining work divided by the slots, or the longest step if that is more. ok is false if nothing
// is known.
func (t *TTY) left(now time.Time) (text string, ok bool) {
	e := t.expected
	if e == nil || len(e.times) == 0 {
		return "", false
	}
	var sum, longest time.Duration
	for k, d := range e.times {
		if s := t.trace.byKey[k]; s != nil {
			if s.status != "" {
				continue
			}
			d = s.remaining(now, d)
		}
		sum, longest = sum+d, max(longest, d)
	}
	never := 0
	for k := range e.unknown {
		if s := t.trace.byKey[k]; s == nil || s.status == "" {
			never++
		}
	}
	about := elapsed(max(sum/time.Duration(max(t.slots, 1)), longest))
	if never > 0 {
		return fmt.Sprintf("over %s left (%d steps never ran before)", about, never), true
	}
	return fmt.Sprintf("about %s left", about), true
}

// remaining is the remaining time of a step that was expected to take d, by its present rate if that is known.
func (s *step) remaining(now time.Time, d time.Duration) time.Duration {
	if s.started.IsZero() {
		return d
	}
	if r := s.rate(now); r > 0 && s.total > 0 {
		return time.Duration(float64(max(s.total-s.done, 0)) / r * float64(time.Second))
	}
	return max(d-now.Sub(s.started), 0)
}
