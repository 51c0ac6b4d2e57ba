package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"rein/engine"
)

// plainEvery is how often a running step's progress is written as a line.
const plainEvery = 5 * time.Second

// Plain writes a line for each thing that happens: for pipes and logs.
type Plain struct {
	w     io.Writer
	trace *trace
	last  map[*step]time.Time
}

// NewPlain makes a Plain view.
func NewPlain(w io.Writer) *Plain {
	return &Plain{w: w, trace: newTrace(), last: map[*step]time.Time{}}
}

// Event implements View.
func (p *Plain) Event(e engine.Event) {
	s := p.trace.add(e)
	switch e.Action {
	case engine.ActionDone:
		fmt.Fprintln(p.w, summary(p.trace))
		return
	}
	if s == nil {
		if e.Action == engine.ActionNote {
			fmt.Fprintf(p.w, "note: %s\n", e.Text)
		}
		return
	}
	label := s.pipeline + "/" + s.name
	switch e.Action {
	case engine.ActionStart:
		where := ""
		if s.executor != "" {
			where = " on " + s.executor
		}
		fmt.Fprintf(p.w, "%s: %s%s%s\n", label, s.typ, where, because(s.reasons))
		p.last[s] = e.Time
	case engine.ActionWait:
		fmt.Fprintf(p.w, "%s: waits: %s\n", label, s.text)
	case engine.ActionProgress:
		if e.Time.Sub(p.last[s]) >= plainEvery {
			p.last[s] = e.Time
			fmt.Fprintf(p.w, "%s: %s\n", label, progressText(s, e.Time))
		}
	case engine.ActionNote:
		fmt.Fprintf(p.w, "%s: note: %s\n", label, s.note())
	case engine.ActionEnd:
		p.end(s, label)
	}
}

func (p *Plain) end(s *step, label string) {
	switch s.status {
	case engine.StatusRan:
		fmt.Fprintf(p.w, "%s: ran in %s\n", label, Duration(s.elapsed))
	case engine.StatusFailed:
		for i, l := range s.account() {
			if i == 0 {
				l = "failed: " + l
			}
			fmt.Fprintf(p.w, "%s: %s\n", label, l)
		}
	case engine.StatusVerdict, engine.StatusStopped:
		fmt.Fprintln(p.w, strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", label, s.status, oneLine(s.text)), ": "))
	case engine.StatusSkipped:
		fmt.Fprintf(p.w, "%s: skipped%s\n", label, because(s.reasons))
	}
}

// Close implements View.
func (p *Plain) Close() {}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return " (" + strings.Join(reasons, "; ") + ")"
}

// Statuses are all states of a step, in the order in which they are counted.
var Statuses = []engine.Status{engine.StatusRan, engine.StatusCached, engine.StatusUnchanged, engine.StatusVerdict,
	engine.StatusFailed, engine.StatusStopped, engine.StatusSkipped, engine.StatusNotNeeded}

// summary is the run in one line: "12 ran, 3 cached, 1 failed in 42 s".
func summary(t *trace) string {
	var parts []string
	for _, st := range Statuses {
		if n := t.counts[st]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, st))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	return fmt.Sprintf("%s in %s", strings.Join(parts, ", "), Duration(t.done.Time.Sub(t.started)))
}

// progressText is "12,000 of 100,000 rows, 34,000/s, 3 s left".
func progressText(s *step, now time.Time) string {
	out := Count(s.done)
	if s.total > 0 {
		out += " of " + Count(s.total)
	}
	out += " " + s.unit
	if r := s.rate(now); r > 0 {
		out += fmt.Sprintf(", %s/s", Rate(r))
		if s.total > s.done {
			left := time.Duration(float64(s.total-s.done) / r * float64(time.Second))
			out += ", " + Duration(left) + " left"
		}
	}
	return out
}
