package mlx

import (
	"fmt"
	"math"
	"math/bits"

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
	// BFloat16 multiplies matrices in bfloat16, and keeps what comes of it so, where the device has it (Backend.BFloat16); weights,
	// residual sums, normalisations and the softmax stay float32.
	BFloat16 bool
}

// EncoderBatch is one batch, or a part of one.
type EncoderBatch struct {
	Rows    int
	Length  int
	IDs     []int32   // [Rows, Length]
	Words   []float32 // [Rows, Length, Hidden]: their vectors, where the caller keeps the word table; else nil
	Mask    []float32 // [Rows, Length]: 1 for tokens, 0 for filling
	Targets []float32 // [Rows, Classes]
	Weights []float32 // [Rows]; 0 for filling rows
	Drop    []float32 // [Rows, Hidden]: dropout of what is pooled
}

// Encoder trains a transformer classifier. On XLA all of it is on the device. Elsewhere the caller keeps the word table and gets
// its gradient (a lookup in the graph would have one that ONNX Runtime adds up in parallel, with other bytes every time), and
// Adam runs in Go.
type Encoder struct {
	cfg    EncoderConfig
	model  *encoder.Model
	grads  *g.Exec // of one part of a batch
	eval   *g.Exec
	values []*tensors.Tensor // all weights but the word table; of a device, those that are trained are packed
	host   *hostAdam         // Adam in Go, or
	there  *deviceAdam       // on the device, with the word table
	first  int               // the first weight that is trained
	step   int
	flash  bool            // attention is the device's own
	made   map[[2]int]bool // rows and lengths that were compiled for
}

// NewEncoder puts the model's weights on the device; graphs are compiled for each batch length as it comes.
func NewEncoder(b *Backend, model *encoder.Model, cfg EncoderConfig) (*Encoder, error) {
	if cfg.Frozen > model.Layers {
		return nil, fmt.Errorf("frozen layers: %d, the encoder has %d", cfg.Frozen, model.Layers)
	}
	e := &Encoder{cfg: cfg, model: model, made: map[[2]int]bool{}}
	if cfg.Frozen > 0 {
		e.first = model.Layer(cfg.Frozen)
	}
	cfg.BFloat16 = cfg.BFloat16 && b.BFloat16()
	e.cfg = cfg
	e.flash = cfg.BFloat16 && model.Buckets == 0 && b.flashes(model.Hidden/model.Heads)
	gradients := e.gradients
	if b.fuses {
		gradients = e.gradientsThere
		if err := e.beginThere(b); err != nil {
			return nil, err
		}
	} else {
		e.values, e.host = arrays(model.Weights), &hostAdam{}
		for _, w := range model.Weights[e.first:] {
			e.host.m, e.host.v = append(e.host.m, make([]float32, len(w.Data))), append(e.host.v, make([]float32, len(w.Data)))
		}
	}
	var err error
	if e.grads, err = newExec(b, gradients); err != nil {
		return nil, err
	}
	e.eval, err = newExec(b, e.forwardOnly)
	return e, err
}

func arrays(weights []encoder.Tensor) []*tensors.Tensor {
	var out []*tensors.Tensor
	for _, w := range weights {
		out = append(out, tensors.FromFlatDataAndDimensions(w.Data, w.Shape...))
	}
	return out
}

// newExec makes a graph that is compiled anew for each shape of its inputs.
func newExec(b *Backend, graph func([]*g.Node) []*g.Node) (*g.Exec, error) {
	exec, err := g.NewExec(b.b, graph)
	if err != nil {
		return nil, err
	}
	exec.SetMaxCache(-1)
	return exec, nil
}

// HoldsWords tells whether the word table is trained here: batches then need no Words, and Step returns no gradients of them.
func (e *Encoder) HoldsWords() bool { return e.there != nil }

// Step makes one update with a batch that comes in parts, whose gradients are added up. It returns the sum of their losses, and
// of each the gradient of Words (nil where the embeddings are frozen, or the table is held here). After an error nothing has changed.
func (e *Encoder) Step(parts []EncoderBatch, rate float64) (loss float32, words [][]float32, err error) {
	knobs := adamKnobs(rate, e.step+1)
	if e.there != nil {
		loss, err = e.stepThere(parts, knobs)
		words = make([][]float32, len(parts))
	} else {
		loss, words, err = e.stepHost(parts, knobs)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("training step %d: %w", e.step+1, err)
	}
	e.step++
	return loss, words, nil
}

// Length is the length of a batch whose longest row has so many tokens.
func (e *Encoder) Length(longest int) int { return min(e.roundUp(longest), e.model.Positions) }

// Compiles tells whether the first step of batches of a length takes a while, as the device compiles for it.
func (e *Encoder) Compiles(rows, length int) bool {
	return e.there != nil && !e.made[[2]int{rows, length}]
}

// Compile makes what a step of a batch of so many rows and of a length needs; parts tells that it is but a part of one. It changes nothing.
func (e *Encoder) Compile(rows, length int, parts bool) error {
	b := EncoderBatch{Rows: rows, Length: length, IDs: make([]int32, rows*length), Mask: make([]float32, rows*length),
		Targets: make([]float32, rows*e.model.Classes), Weights: make([]float32, rows), Drop: make([]float32, rows*e.model.Hidden)}
	var out []*tensors.Tensor
	var err error
	if parts {
		out, err = e.call(e.grads, e.batch(b))
	} else {
		out, err = e.call(e.there.whole, append(e.batch(b), vector(adamKnobs(0, 1))), e.there.state()...)
	}
	if err != nil {
		return fmt.Errorf("training steps of %d tokens: %w", length, err)
	}
	finalize(out)
	e.made[[2]int{rows, length}] = true
	return nil
}

func (e *Encoder) stepHost(parts []EncoderBatch, knobs []float32) (loss float32, words [][]float32, err error) {
	var sum [][]float32
	for _, b := range parts {
		l, w, grads, err := e.part(b)
		if err != nil {
			return 0, nil, err
		}
		loss, words, sum = loss+l, append(words, w), addUp(sum, flat(grads))
	}
	e.updateHost(sum, knobs)
	return loss, words, nil
}

// adamKnobs are the learning rate and the two bias corrections of a step, counted from 1.
func adamKnobs(rate float64, step int) []float32 {
	t := float64(step)
	return []float32{float32(rate), float32(1 / (1 - math.Pow(beta1, t))), float32(1 / (1 - math.Pow(beta2, t)))}
}

// part is the loss and the gradients of a part of a batch: of Words, and of the trained weights.
func (e *Encoder) part(b EncoderBatch) (loss float32, words []float32, grads []*tensors.Tensor, err error) {
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

// batch is what a training graph gets of a batch.
func (e *Encoder) batch(b EncoderBatch) []any {
	return append(e.texts(b), tensors.FromFlatDataAndDimensions(b.Targets, b.Rows, e.model.Classes),
		vector(b.Weights), tensors.FromFlatDataAndDimensions(b.Drop, b.Rows, e.model.Hidden))
}

// texts is a batch's tokens, as ids where the word table is on the device, else as vectors; and their mask.
func (e *Encoder) texts(b EncoderBatch) []any {
	mask := tensors.FromFlatDataAndDimensions(b.Mask, b.Rows, b.Length)
	if e.there != nil {
		return []any{tensors.FromFlatDataAndDimensions(b.IDs, b.Rows, b.Length), mask}
	}
	return []any{tensors.FromFlatDataAndDimensions(b.Words, b.Rows, b.Length, e.model.Hidden), mask}
}

// call runs a graph on what is for this call alone, and freed after it, and on what stays: the word table, the weights, more.
func (e *Encoder) call(graph *g.Exec, once []any, more ...*tensors.Tensor) ([]*tensors.Tensor, error) {
	defer release(once)
	args := once[:len(once):len(once)]
	if e.there != nil {
		args = append(args, e.there.table)
	}
	args = append(args, anys(e.values)...)
	return graph.Call(append(args, anys(more)...)...)
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
	out, err := e.call(e.eval, e.texts(b))
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
	trained := e.model.Weights[e.first:]
	for i, data := range e.there.pack.split(e.values[e.first:]) {
		trained[i].Data = data
	}
	if e.first == 0 {
		copy(e.model.Words, tensors.MustCopyFlatData[float32](e.there.table))
	}
}

// Close frees the compiled graphs.
func (e *Encoder) Close() {
	e.grads.Finalize()
	e.eval.Finalize()
	if e.there != nil {
		e.there.close()
	}
}

// Moments returns copies of Adam's moments, then of the word table's accumulators where it is held and trained here, and the
// number of steps.
func (e *Encoder) Moments() ([][]float32, int) {
	if e.there != nil {
		return e.there.moments(), e.step
	}
	return e.host.copies(), e.step
}

// Restore takes over the model's weights as they are now, and moments as Moments returned them (nil: as they are).
func (e *Encoder) Restore(moments [][]float32, step int) {
	finalize(e.values)
	if e.there != nil {
		e.values = e.valuesThere()
		replace(&e.there.table, e.model.Words, e.model.Vocab, e.model.Hidden)
	} else {
		e.values = arrays(e.model.Weights)
	}
	if moments == nil {
		return
	}
	e.step = step
	if e.there != nil {
		e.there.restore(moments)
		return
	}
	e.host.restore(moments)
}

// replace frees a tensor and puts another in its place.
func replace(at **tensors.Tensor, data []float32, shape ...int) {
	(*at).MustFinalizeAll()
	*at = tensors.FromFlatDataAndDimensions(data, shape...)
}

// lengthStep is what batch lengths are rounded up to: each length is a graph to compile.
const lengthStep = 16

// roundUp is the batch length for rows of so many tokens. XLA takes long to compile for a GPU, which fills batches up in no time:
// it gets powers of two.
func (e *Encoder) roundUp(longest int) int {
	if e.there != nil {
		return max(2*lengthStep, 1<<bits.Len(uint(longest-1)))
	}
	return (longest + lengthStep - 1) / lengthStep * lengthStep
}

// Lookup is a batch of token ids, with their vectors where the caller keeps the word table; missing rows, and what a row is
// shorter than the longest, are filling.
func (e *Encoder) Lookup(rows int, ids [][]int32) EncoderBatch {
	m := e.model
	longest := 1
	for _, row := range ids {
		longest = max(longest, len(row))
	}
	b := EncoderBatch{Rows: rows, Length: e.Length(longest)}
	b.IDs, b.Mask = make([]int32, rows*b.Length), make([]float32, rows*b.Length)
	if e.there == nil {
		b.Words = make([]float32, rows*b.Length*m.Hidden)
	}
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
		if b.Words != nil {
			copy(b.Words[i*m.Hidden:(i+1)*m.Hidden], m.Words[int(id)*m.Hidden:])
		}
	}
	return b
}
