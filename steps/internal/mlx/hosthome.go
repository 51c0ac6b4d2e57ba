package mlx

import (
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// hostHome keeps the weights in the model's own arrays, where Go updates them.
type hostHome struct {
	e    *Encoder
	adam hostAdam
}

func newHostHome(e *Encoder, _ *Backend) (home, error) {
	h := &hostHome{e: e}
	for _, w := range e.model.Weights[e.first:] {
		h.adam.m, h.adam.v = append(h.adam.m, make([]float32, len(w.Data))), append(h.adam.v, make([]float32, len(w.Data)))
	}
	return h, nil
}

func (h *hostHome) texts(b EncoderBatch) []any {
	return []any{tensors.FromFlatDataAndDimensions(b.Words, b.Rows, b.Length, h.e.model.Hidden), tensors.FromFlatDataAndDimensions(b.Mask, b.Rows, b.Length)}
}

func (h *hostHome) fixed() []*tensors.Tensor { return nil }

func (h *hostHome) load() []*tensors.Tensor { return arrays(h.e.model.Weights) }

func (h *hostHome) inputs(texts, rest []*g.Node) (*g.Node, []*g.Node) { return texts[0], rest }

// gradients builds the loss, the gradient of the token vectors if they are trained, and those of the trained weights.
func (h *hostHome) gradients(in []*g.Node) []*g.Node {
	e, words, mask, targets, weights, drop, values := h.e, in[0], in[1], in[2], in[3], in[4], in[5:]
	loss := e.cfg.Loss.graph(e.forward(words, mask, drop, values), targets, weights)
	wanted := values[e.first:]
	if e.first == 0 {
		wanted = append([]*g.Node{words}, wanted...)
	}
	return append([]*g.Node{loss}, g.Gradient(loss, wanted...)...)
}

func (h *hostHome) step(parts []EncoderBatch, knobs []float32) (loss float32, words [][]float32, err error) {
	var sum [][]float32
	for _, b := range parts {
		l, w, grads, err := h.part(b)
		if err != nil {
			return 0, nil, err
		}
		loss, words, sum = loss+l, append(words, w), addUp(sum, flat(grads))
	}
	h.update(sum, knobs)
	return loss, words, nil
}

// part returns the loss and the gradients of a part of a batch: of Words, and of the trained weights.
func (h *hostHome) part(b EncoderBatch) (loss float32, words []float32, grads []*tensors.Tensor, err error) {
	e := h.e
	out, err := e.call(e.grads, e.batch(b))
	if err != nil {
		return 0, nil, nil, err
	}
	n := 1
	if e.first == 0 {
		n = 2
		words = tensors.MustCopyFlatData[float32](out[1])
	}
	loss = tensors.MustCopyFlatData[float32](out[0])[0]
	finalize(out[:n])
	return loss, words, out[n:], nil
}

// update makes Adam's step in the model's own arrays, and copies the result to the device.
func (h *hostHome) update(grads [][]float32, knobs []float32) {
	e := h.e
	trained := e.model.Weights[e.first:]
	weights, decay := make([][]float32, len(trained)), make([]float64, len(trained))
	for i, w := range trained {
		weights[i] = w.Data
		if len(w.Shape) > 1 {
			decay[i] = e.cfg.WeightDecay
		}
	}
	h.adam.step(weights, grads, decay, e.cfg.Clip, knobs)
	for i, w := range trained {
		e.values[e.first+i].MustFinalizeAll()
		e.values[e.first+i] = tensors.FromFlatDataAndDimensions(w.Data, w.Shape...)
	}
}

func (h *hostHome) length(longest int) int { return roundUp(longest) }

// compiles returns false, because compiling is fast here.
func (h *hostHome) compiles(int, int) bool           { return false }
func (h *hostHome) compile(EncoderBatch, bool) error { return nil }

func (h *hostHome) vectors(b *EncoderBatch) {
	m := h.e.model
	b.Words = make([]float32, len(b.IDs)*m.Hidden)
	for i, id := range b.IDs {
		copy(b.Words[i*m.Hidden:(i+1)*m.Hidden], m.Words[int(id)*m.Hidden:])
	}
}

func (h *hostHome) holdsWords() bool { return false }

// unpack does nothing, because the weights are updated in place.
func (h *hostHome) unpack() {}
func (h *hostHome) reload() {}

func (h *hostHome) moments() [][]float32 { return h.adam.copies() }

func (h *hostHome) restore(moments [][]float32) { h.adam.restore(moments) }

func (h *hostHome) close() {}
