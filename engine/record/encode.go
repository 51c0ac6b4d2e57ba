package record

import (
	"bytes"
	"encoding/json"
)

// Encode is the run's JSON, as json.Marshal has it. It needs no more memory than the text: a step is written after another, where
// json.Marshal makes all of it in a buffer that grows, and then copies that.
func (r *Run) Encode() ([]byte, error) {
	w := r.writer()
	w.head(r)
	w.body(r)
	return w.out.Bytes(), w.err
}

// Head is the beginning of the run's JSON: everything but the pipelines. A Body makes it whole.
func (r *Run) Head() ([]byte, error) {
	w := writer{}
	w.enc = json.NewEncoder(&w.out)
	w.head(r)
	return w.out.Bytes(), w.err
}

// Body is the end of the run's JSON, which has the pipelines.
func (r *Run) Body() ([]byte, error) {
	w := r.writer()
	w.body(r)
	return w.out.Bytes(), w.err
}

// writer has room for the run's text.
func (r *Run) writer() *writer {
	steps := 0
	for _, p := range r.Pipelines {
		steps += len(p.Steps)
	}
	const perStep = 1 << 10 // bytes, about
	w := &writer{}
	w.out.Grow(steps*perStep + 4*perStep)
	w.enc = json.NewEncoder(&w.out)
	return w
}

func (w *writer) head(r *Run) {
	head := *r
	head.Pipelines = nil
	w.value(head)
	if w.err == nil {
		w.out.Truncate(w.out.Len() - len(none))
	}
}

func (w *writer) body(r *Run) {
	if r.Pipelines == nil {
		w.out.WriteString(none)
		return
	}
	w.out.WriteByte('[')
	for i, p := range r.Pipelines {
		w.next(i)
		of := p
		of.Steps = nil
		w.begin(of)
		for k := range p.Steps {
			w.next(k)
			w.value(&p.Steps[k])
		}
		w.end(p.Steps == nil)
	}
	w.out.WriteString("]}")
}

// writer writes objects whose last field is a list, element after element.
type writer struct {
	out bytes.Buffer
	enc *json.Encoder
	err error
}

// value writes v, without the line's end that an Encoder adds.
func (w *writer) value(v any) {
	if w.err == nil {
		w.err = w.enc.Encode(v)
		w.out.Truncate(max(w.out.Len()-1, 0))
	}
}

// none is how an object ends whose list is nil.
const none = "null}"

// begin writes an object up to its list, which is nil in it.
func (w *writer) begin(object any) {
	if w.value(object); w.err == nil && bytes.HasSuffix(w.out.Bytes(), []byte(none)) {
		w.out.Truncate(w.out.Len() - len(none))
		w.out.WriteByte('[')
	}
}

// next goes before the element at i.
func (w *writer) next(i int) {
	if i > 0 {
		w.out.WriteByte(',')
	}
}

// end ends an object.
func (w *writer) end(isNil bool) {
	if isNil {
		w.out.Truncate(w.out.Len() - 1)
		w.out.WriteString(none)
		return
	}
	w.out.WriteString("]}")
}
