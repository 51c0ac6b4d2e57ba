package view

import (
	"fmt"
	"io"

	"rein/engine"
)

// Quiet writes only what went wrong.
type Quiet struct {
	w     io.Writer
	trace *trace
}

// NewQuiet makes a Quiet view.
func NewQuiet(w io.Writer) *Quiet { return &Quiet{w, newTrace()} }

// Event implements View.
func (q *Quiet) Event(e engine.Event) {
	s := q.trace.add(e)
	if s == nil || e.Action != engine.ActionEnd {
		return
	}
	if e.Status == engine.StatusFailed || e.Status == engine.StatusVerdict {
		for _, l := range s.end(q.trace) {
			fmt.Fprintf(q.w, "%s: %s\n", label(s), l)
		}
	}
}

// Close implements View.
func (q *Quiet) Close() {}
