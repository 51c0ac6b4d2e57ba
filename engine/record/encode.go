package record

import (
	"bytes"
	"encoding/json"
	"slices"
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

// Body is the end of a run's JSON, which has the pipelines.
type Body struct {
	Text  []byte
	steps [][2]int // where the text of each step begins and ends; steps are counted through all pipelines
}

// Body makes the Body of the run.
func (r *Run) Body() (Body, error) { return r.BodyLike(Body{}, nil) }

// BodyLike is Body, but takes the text of the steps that are in was as they are here. The others are listed in changed, in order.
func (r *Run) BodyLike(was Body, changed []int) (Body, error) {
	w := r.writer()
	w.was, w.changed = was, changed
	w.body(r)
	return Body{w.out.Bytes(), w.steps}, w.err
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
			w.step(&p.Steps[k])
		}
		w.end(p.Steps == nil)
	}
	w.out.WriteString("]}")
}

// writer writes objects whose last field is a list, element after element.
type writer struct {
	out     bytes.Buffer
	enc     *json.Encoder
	err     error
	steps   [][2]int // Body's
	was     Body
	changed []int
}

// step writes a step, or takes its text from the other body.
func (w *writer) step(s *Step) {
	at, begin := len(w.steps), w.out.Len()
	if _, differs := slices.BinarySearch(w.changed, at); differs || at >= len(w.was.steps) {
		w.value(s)
	} else {
		w.out.Write(w.was.Text[w.was.steps[at][0]:w.was.steps[at][1]])
	}
	w.steps = append(w.steps, [2]int{begin, w.out.Len()})
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
