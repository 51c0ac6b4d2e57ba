package mlx

import (
	"fmt"
	"math"
	"slices"

	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"rein/steps/internal/encoder"
)

// EncoderConfig says how an Encoder is trained.
type EncoderConfig struct {
	Frozen      int // the first layers, and the embeddings, stay as they are; 0: all is trained
	WeightDecay float64
	Clip        float64 // largest norm of all gradients together; 0: any
	Loss        Loss
	// BFloat16 multiplies matrices in bfloat16, where the device has it (Backend.BFloat16); weights, sums and all else stay float32.
	BFloat16 bool
}

// EncoderBatch is one batch, or a part of one: token vectors looked up in the word table by the caller, who keeps that table.
type EncoderBatch struct {
	Rows    int
	Length  int
	IDs     []int32   // [Rows, Length]: what Lookup found Words by; not read by Step
	Words   []float32 // [Rows, Length, Hidden]
	Mask    []float32 // [Rows, Length]: 1 for tokens, 0 for filling
	Targets []float32 // [Rows, Classes]
	Weights []float32 // [Rows]; 0 for filling rows
	Drop    []float32 // [Rows, Hidden]: dropout of what is pooled
}

// Encoder trains a transformer classifier: all but the word table, whose gradient the caller gets. A lookup in the graph
// would have a gradient that ONNX Runtime adds up in parallel, with other bytes every time.
type Encoder struct {
	cfg    EncoderConfig
	model  *encoder.Model
	grads  *g.Exec // of one part of a batch
	add    *g.Exec // two parts' gradients, where the graph updates the weights
	apply  *g.Exec // Adam, there
	eval   *g.Exec
	values []*tensors.Tensor // all weights
	m, v   []*tensors.Tensor // Adam's moments of those that are trained, where the graph updates them
	host   *hostAdam         // updates them elsewhere
	first  int               // the first weight that is trained
	step   int
}

// NewEncoder puts the model's weights on the device; graphs are compiled for each batch length as it comes.
func NewEncoder(b *Backend, model *encoder.Model, cfg EncoderConfig) (*Encoder, error) {
	if cfg.Frozen > model.Layers {
		return nil, fmt.Errorf("frozen layers: %d, the encoder has %d", cfg.Frozen, model.Layers)
	}
	e := &Encoder{cfg: cfg, model: model}
	if cfg.Frozen > 0 {
		e.first = model.Layer(cfg.Frozen)
	}
	if !b.fuses {
		e.host = &hostAdam{}
	}
	for i, w := range model.Weights {
		e.values = append(e.values, tensors.FromFlatDataAndDimensions(w.Data, w.Shape...))
		switch {
		case i < e.first:
		case e.host != nil:
			e.host.m, e.host.v = append(e.host.m, make([]float32, len(w.Data))), append(e.host.v, make([]float32, len(w.Data)))
		default:
			e.m = append(e.m, tensors.FromFlatDataAndDimensions(make([]float32, len(w.Data)), w.Shape...))
			e.v = append(e.v, tensors.FromFlatDataAndDimensions(make([]float32, len(w.Data)), w.Shape...))
		}
	}
	cfg.BFloat16 = cfg.BFloat16 && b.BFloat16()
	e.cfg = cfg
	for _, x := range []struct {
		exec  **g.Exec
		graph func([]*g.Node) []*g.Node
	}{{&e.grads, e.gradients}, {&e.add, sums}, {&e.apply, e.update}, {&e.eval, e.forwardOnly}} {
		exec, err := g.NewExec(b.b, x.graph)
		if err != nil {
			return nil, err
		}
		exec.SetMaxCache(-1)
		*x.exec = exec
	}
	return e, nil
}

// Step makes one update with a batch that comes in parts, whose gradients are added up. It returns the sum of their losses, and
// of each the gradient of Words (nil where the embeddings are frozen). After an error nothing has changed.
func (e *Encoder) Step(parts []EncoderBatch, rate float64) (loss float32, words [][]float32, err error) {
	var sum []*tensors.Tensor
	var hostSum [][]float32
	for _, b := range parts {
		l, w, grads, err := e.part(b)
		if err == nil && e.host == nil && sum != nil {
			grads, err = e.addUp(sum, grads)
		}
		if err != nil {
			return 0, nil, fmt.Errorf("training step %d: %w", e.step+1, err)
		}
		loss, words = loss+l, append(words, w)
		if e.host != nil {
			hostSum = addUp(hostSum, flat(grads))
		} else {
			sum = grads
		}
	}
	knobs := adamKnobs(rate, e.step+1)
	if e.host != nil {
		e.updateHost(hostSum, knobs)
	} else if err := e.updateThere(sum, knobs); err != nil {
		return 0, nil, fmt.Errorf("training step %d: %w", e.step+1, err)
	}
	e.step++
	return loss, words, nil
}

// adamKnobs are the learning rate and the two bias corrections of a step, counted from 1.
func adamKnobs(rate float64, step int) []float32 {
	t := float64(step)
	return []float32{float32(rate), float32(1 / (1 - math.Pow(beta1, t))), float32(1 / (1 - math.Pow(beta2, t)))}
}

// part is the loss and the gradients of a part of a batch: of Words, and of the trained weights.
func (e *Encoder) part(b EncoderBatch) (loss float32, words []float32, grads []*tensors.Tensor, err error) {
	args := []any{
		tensors.FromFlatDataAndDimensions(b.Words, b.Rows, b.Length, e.model.Hidden),
		tensors.FromFlatDataAndDimensions(b.Mask, b.Rows, b.Length),
		tensors.FromFlatDataAndDimensions(b.Targets, b.Rows, e.model.Classes),
		vector(b.Weights), tensors.FromFlatDataAndDimensions(b.Drop, b.Rows, e.model.Hidden)}
	own := args[:len(args):len(args)]
	defer release(own)
	out, err := e.grads.Call(append(args, anys(e.values)...)...)
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

// addUp adds gradients on the device, and frees them.
func (e *Encoder) addUp(a, b []*tensors.Tensor) ([]*tensors.Tensor, error) {
	defer finalize(a)
	defer finalize(b)
	return e.add.Call(append(anys(a), anys(b)...)...)
}

// addUp adds b to a, or takes it where there is no a yet.
func addUp(a, b [][]float32) [][]float32 {
	if a == nil {
		return b
	}
	for i, x := range b {
		for j, v := range x {
			a[i][j] += v
		}
	}
	return a
}

func anys(list []*tensors.Tensor) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}

func finalize(list []*tensors.Tensor) {
	for _, x := range list {
		x.MustFinalizeAll()
	}
}

// updateThere takes Adam's step on the device.
func (e *Encoder) updateThere(grads []*tensors.Tensor, knobs []float32) error {
	defer finalize(grads)
	k := vector(knobs)
	defer k.MustFinalizeAll()
	args := []any{k}
	for _, list := range [][]*tensors.Tensor{grads, e.values[e.first:], e.m, e.v} {
		args = append(args, anys(list)...)
	}
	out, err := e.apply.Call(args...)
	if err != nil {
		return err
	}
	for _, list := range [][]*tensors.Tensor{e.values[e.first:], e.m, e.v} {
		finalize(list)
		copy(list, out)
		out = out[len(list):]
	}
	return nil
}

// updateHost takes Adam's step with the gradients of the trained weights, in the model's own arrays.
func (e *Encoder) updateHost(grads [][]float32, knobs []float32) {
	trained := e.model.Weights[e.first:]
	weights, decay := make([][]float32, len(trained)), make([]float64, len(trained))
	for i, w := range trained {
		weights[i] = w.Data
		if len(w.Shape) > 1 {
			decay[i] = e.cfg.WeightDecay
		}
	}
	e.host.step(weights, grads, decay, e.cfg.Clip, knobs)
	for i, w := range trained {
		e.values[e.first+i].MustFinalizeAll()
		e.values[e.first+i] = tensors.FromFlatDataAndDimensions(w.Data, w.Shape...)
	}
}

// Logits runs a batch forward; Targets, Weights and Drop aren't needed.
func (e *Encoder) Logits(b EncoderBatch) ([]float32, error) {
	args := []any{tensors.FromFlatDataAndDimensions(b.Words, b.Rows, b.Length, e.model.Hidden),
		tensors.FromFlatDataAndDimensions(b.Mask, b.Rows, b.Length)}
	own := args[:len(args):len(args)]
	defer release(own)
	out, err := e.eval.Call(append(args, anys(e.values)...)...)
	if err != nil {
		return nil, err
	}
	defer out[0].MustFinalizeAll()
	return tensors.MustCopyFlatData[float32](out[0]), nil
}

// Unpack copies the trained weights into the model.
func (e *Encoder) Unpack() {
	if e.host != nil {
		return // they are updated in place
	}
	for i := e.first; i < len(e.values); i++ {
		e.model.Weights[i].Data = tensors.MustCopyFlatData[float32](e.values[i])
	}
}

// Close frees the compiled graphs.
func (e *Encoder) Close() {
	for _, x := range []*g.Exec{e.grads, e.add, e.apply, e.eval} {
		x.Finalize()
	}
}

// Moments returns copies of Adam's moments and the number of steps.
func (e *Encoder) Moments() ([][]float32, int) {
	var out [][]float32
	if e.host != nil {
		for _, x := range append(slices.Clone(e.host.m), e.host.v...) {
			out = append(out, slices.Clone(x))
		}
	}
	for _, list := range [][]*tensors.Tensor{e.m, e.v} {
		for _, x := range list {
			out = append(out, tensors.MustCopyFlatData[float32](x))
		}
	}
	return out, e.step
}

// Restore takes over the model's weights as they are now, and moments as Moments returned them (nil: as they are).
func (e *Encoder) Restore(moments [][]float32, step int) {
	replace := func(list []*tensors.Tensor, i int, data []float32, shape []int) {
		list[i].MustFinalizeAll()
		list[i] = tensors.FromFlatDataAndDimensions(data, shape...)
	}
	for i, w := range e.model.Weights {
		replace(e.values, i, w.Data, w.Shape)
	}
	if moments == nil {
		return
	}
	e.step = step
	for i, w := range e.model.Weights[e.first:] {
		if e.host != nil {
			copy(e.host.m[i], moments[i])
			copy(e.host.v[i], moments[len(e.host.m)+i])
			continue
		}
		replace(e.m, i, moments[i], w.Shape)
		replace(e.v, i, moments[len(e.m)+i], w.Shape)
	}
}

// lengthStep is what batch lengths are rounded up to: each length is a graph to compile.
const lengthStep = 16

// Lookup is a batch of token ids with their vectors from the model's word table; missing rows, and what a row is shorter
// than the longest, are filling.
func Lookup(m *encoder.Model, rows int, ids [][]int32) EncoderBatch {
	longest := 1
	for _, row := range ids {
		longest = max(longest, len(row))
	}
	b := EncoderBatch{Rows: rows, Length: min((longest+lengthStep-1)/lengthStep*lengthStep, m.Positions)}
	b.IDs, b.Mask = make([]int32, rows*b.Length), make([]float32, rows*b.Length)
	b.Words = make([]float32, rows*b.Length*m.Hidden)
	for i := range b.IDs {
		b.IDs[i] = m.Pad
	}
	for r, row := range ids {
		copy(b.IDs[r*b.Length:(r+1)*b.Length], row)
	}
	for i, id := range b.IDs {
		if id != m.Pad {
			b.Mask[i] = 1
		}
		copy(b.Words[i*m.Hidden:(i+1)*m.Hidden], m.Words[int(id)*m.Hidden:])
	}
	return b
}
