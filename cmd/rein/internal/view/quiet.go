package view

import (
	"fmt"
	"io"
	"strings"

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
	if s := q.trace.add(e); s != nil && e.Action == engine.ActionEnd && s.broke() && !s.twin() {
		fmt.Fprintln(q.w, strings.Join(s.titled(), "\n"))
	}
}

// Close implements View.
func (q *Quiet) Close() {}
