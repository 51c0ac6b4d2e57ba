// Package view turns events into what a person or a program reads. The rules of all output:
//
//   - progress, notices and errors go to the error stream; results go to the output stream
//   - words before symbols, lower case, no full stops; colour only repeats what a word says
//   - a view is a fold of the events (trace) and a renderer; the rate limit is the view's
package view

import (
	"encoding/json"
	"io"

	"rein/engine"
)

// View takes the events of a run, in order, from one goroutine at a time.
type View interface {
	Event(engine.Event)
	Close()
}

// JSON writes one event a line, as it is.
type JSON struct{ enc *json.Encoder }

// NewJSON makes a JSON view.
func NewJSON(w io.Writer) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc}
}

// Event implements View.
func (j *JSON) Event(e engine.Event) { _ = j.enc.Encode(e) }

// Close implements View.
func (j *JSON) Close() {}
