package view

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/human"
)

// A running step is reported after plainEvery, and then less and less often, so that the log of a day's training stays readable.
const (
	plainEvery  = 5 * time.Second
	plainSeldom = time.Minute
)

// Plain writes a line for each step that ends, and for steps that run long. It is for pipes and logs.
type Plain struct {
	w    io.Writer
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	trace *trace
	last  map[*step]time.Time // when it was last told of
	said  *step               // that the last line is about
	told  bool                // the end is written
}

// NewPlain makes a Plain view that reports running steps until Close.
func NewPlain(w io.Writer) *Plain {
	p := newPlain(w)
	p.done.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case now := <-tick.C:
				p.tick(now)
			}
		}
	})
	return p
}

func newPlain(w io.Writer) *Plain {
	return &Plain{w: w, trace: newTrace(), last: map[*step]time.Time{}, stop: make(chan struct{})}
}

// Event implements View.
func (p *Plain) Event(e engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.trace.add(e)
	if e.Action == engine.ActionNote || e.Action == engine.ActionWait || e.Action == engine.ActionEnd && e.Status != engine.StatusSkipped {
		p.said = s
	}
	switch {
	case e.Action == engine.ActionDone:
		p.tell()
	case s == nil:
		if e.Action == engine.ActionNote {
			fmt.Fprintf(p.w, "note: %s\n", e.Text)
		}
	case e.Action == engine.ActionStart:
		p.last[s] = e.Time
	case e.Action == engine.ActionWait:
		fmt.Fprintf(p.w, "%s: waits: %s\n", label(s), s.text)
	case e.Action == engine.ActionNote:
		fmt.Fprintf(p.w, "%s: note: %s\n", label(s), s.note())
	case e.Action == engine.ActionEnd:
		if l := s.end(p.trace); l != "" {
			fmt.Fprintf(p.w, "%s: %s\n", label(s), l)
		}
	}
}

// tick reports running steps that weren't reported for a while.
func (p *Plain) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.trace.live() {
		if s.waiting || now.Sub(p.last[s]) < min(max(plainEvery, now.Sub(s.started)/4), plainSeldom) {
			continue
		}
		text := ""
		if p.last[s].Equal(s.started) { // the first time
			text = why(s)
		}
		if s.unit != "" {
			text = ", " + progressText(s, now) + text
		}
		if c := curve(s, 12); c != "" {
			text += ", " + c
		}
		p.last[s] = now
		fmt.Fprintf(p.w, "%s: running%s for %s%s\n", label(s), s.where(), elapsed(now.Sub(s.started)), text)
	}
}

// tell writes the end of a run, once: skipped steps, a summary line, and last the failed steps with the ends of their logs.
func (p *Plain) tell() {
	if p.told || p.trace.started.IsZero() {
		return
	}
	p.told = true
	said := p.said
	for _, l := range p.trace.skips() {
		fmt.Fprintln(p.w, l)
		said = nil
	}
	if p.trace.done != nil {
		fmt.Fprintln(p.w, summary(p.trace))
	}
	for _, account := range p.trace.accounts(said) {
		fmt.Fprintln(p.w, strings.Join(account, "\n"))
	}
}

// Close implements View.
func (p *Plain) Close() {
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell()
}

// end is the line for a step that ended. A skipped step gets none; the details of a failed one come at the end.
func (s *step) end(t *trace) string {
	switch s.status {
	case engine.StatusRan:
		return fmt.Sprintf("ran%s in %s%s, %d of %d", s.where(), human.Duration(s.elapsed), why(s), t.ended(), max(t.needed(), t.ended()))
	case engine.StatusFailed, engine.StatusVerdict:
		if s.twin() {
			return ""
		}
		return strings.TrimSuffix(fmt.Sprintf("%s: %s", s.status, s.account()[0]), ": ")
	case engine.StatusStopped:
		return strings.TrimSuffix("stopped: "+oneLine(s.text), ": ")
	}
	return ""
}

// where names the executor of a step, if it has one.
func (s *step) where() string {
	if s.executor == "" {
		return ""
	}
	return " on " + s.executor
}

// why says why a step runs, unless it runs for the first time.
func why(s *step) string {
	if len(s.why) == 1 && s.why[0].Code == record.NeverRun {
		return ""
	}
	return because(s.reasons)
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return " (" + strings.Join(reasons, "; ") + ")"
}

// statuses are all states of a step, in the order in which they are counted.
var statuses = []engine.Status{engine.StatusRan, engine.StatusCached, engine.StatusUnchanged, engine.StatusVerdict,
	engine.StatusFailed, engine.StatusStopped, engine.StatusSkipped, engine.StatusNotNeeded}

// StatusText is "12 ran, 3 cached"; "" where nothing was needed.
func StatusText[S ~string](counts map[S]int) string {
	var parts []string
	for _, st := range statuses {
		if n := counts[S(st)]; n > 0 && st != engine.StatusNotNeeded {
			parts = append(parts, fmt.Sprintf("%d %s", n, st))
		}
	}
	return strings.Join(parts, ", ")
}

// Revision is a revision's beginning, with a star where there were uncommitted changes.
func Revision(g record.Git) string {
	text := g.Revision[:min(len(g.Revision), 8)]
	if g.Dirty {
		text += "*"
	}
	return text
}

// summary is the run in one line: "12 ran, 3 cached, 1 failed in 42 s".
func summary(t *trace) string {
	return fmt.Sprintf("%s in %s", cmp.Or(StatusText(t.counts), "nothing to do"), human.Duration(t.done.Time.Sub(t.started)))
}

// progressText is "12,000 of 100,000 rows, 34,000 rows/s, 3 s left".
func progressText(s *step, now time.Time) string {
	out := human.Count(s.done)
	if s.total > 0 {
		out += " of " + human.Count(s.total)
	}
	out += " " + s.unit
	if r := s.rate(now); r > 0 {
		out += fmt.Sprintf(", %s/s", human.Rate(r))
		if s.total > s.done {
			left := time.Duration(float64(s.total-s.done) / r * float64(time.Second))
			out += ", " + elapsed(left) + " left"
		}
	}
	return out
}
