package view

import (
	"fmt"
	"io"

	"rein/engine"
)

// Quiet writes only what went wrong.
type Quiet struct {
	plain Plain
}

// NewQuiet makes a Quiet view.
func NewQuiet(w io.Writer) *Quiet { return &Quiet{*NewPlain(w)} }

// Event implements View.
func (q *Quiet) Event(e engine.Event) {
	s := q.plain.trace.add(e)
	if s == nil || e.Action != engine.ActionEnd {
		return
	}
	if e.Status == engine.StatusFailed || e.Status == engine.StatusVerdict {
		q.plain.end(s, fmt.Sprintf("%s/%s", s.pipeline, s.name))
	}
}

// Close implements View.
func (q *Quiet) Close() {}
