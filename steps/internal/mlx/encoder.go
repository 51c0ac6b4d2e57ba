package mlx

import (
	"fmt"
	"math"

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

// Trainer is a network in training on a device.
type Trainer interface {
	// Step makes one update with a batch that comes in parts, whose gradients are added up. It returns the sum of their losses, and of
	// each the gradient of Words (nil where the caller has no table of them to train). After an error nothing has changed.
	Step(parts []EncoderBatch, rate float64) (loss float32, words [][]float32, err error)
	// Logits runs a batch forward; Targets, Weights and Drop aren't needed.
	Logits(b EncoderBatch) ([]float32, error)
	// Moments returns copies of the optimiser's values, and the number of steps.
	Moments() ([][]float32, int)
	// Restore takes over the model's weights as they are now, and moments as Moments returned them (nil: as they are).
	Restore(moments [][]float32, step int)
	// Length is the length of a batch whose longest row has so many tokens.
	Length(longest int) int
	// Compiles tells whether the first step of batches of a length takes a while, as the device compiles for it.
	Compiles(rows, length int) bool
	// Compile makes what a step of a batch of so many rows and of a length needs; parts tells that it is but a part of one. It changes nothing.
	Compile(rows, length int, parts bool) error
	Close()
}

// Encoder trains a transformer classifier.
type Encoder struct {
	cfg    EncoderConfig
	model  *encoder.Model
	grads  *g.Exec // of one part of a batch
	eval   *g.Exec
	values []*tensors.Tensor // all weights but the word table, as its home has them
	home   home
	first  int // the first weight that is trained
	step   int
	flash  bool // attention is the device's own
}

// home is where an Encoder's weights are between steps, and what updates them there. On XLA all of it is on the device. Elsewhere the
// caller keeps the word table and gets its gradient (a lookup in the graph would have one that ONNX Runtime adds up in parallel,
// with other bytes every time), and Adam runs in Go.
type home interface {
	// texts is a batch's tokens, as ids where the word table is here, else as vectors; and their mask.
	texts(b EncoderBatch) []any
	// fixed is what a graph gets between what is of the batch and the weights.
	fixed() []*tensors.Tensor
	// load gives the model's weights, as values has them.
	load() []*tensors.Tensor
	// inputs are the token vectors and the weights, of what a forward graph gets behind a batch's texts.
	inputs(texts, rest []*g.Node) (words *g.Node, weights []*g.Node)
	// gradients builds the loss and the gradients.
	gradients(in []*g.Node) []*g.Node
	step(parts []EncoderBatch, knobs []float32) (loss float32, words [][]float32, err error)
	// length rounds up: each length is a graph to compile.
	length(longest int) int
	compiles(rows, length int) bool
	compile(b EncoderBatch, parts bool) error
	// vectors puts the batch's token vectors beside its ids, where the caller keeps the word table.
	vectors(b *EncoderBatch)
	holdsWords() bool
	// unpack copies the trained weights into the model, and reload takes the model's word table.
	unpack()
	reload()
	moments() [][]float32
	restore(moments [][]float32)
	close()
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
	cfg.BFloat16 = cfg.BFloat16 && b.BFloat16()
	e.cfg = cfg
	e.flash = cfg.BFloat16 && model.Buckets == 0 && b.flashes(model.Hidden/model.Heads)
	begin := newHostHome
	if b.fuses {
		begin = newDeviceHome
	}
	var err error
	if e.home, err = begin(e, b); err != nil {
		return nil, err
	}
	e.values = e.home.load()
	if e.grads, err = newExec(b, e.home.gradients); err != nil {
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

// newExec makes a graph that is compiled separately for each shape of its inputs.
func newExec(b *Backend, graph func([]*g.Node) []*g.Node) (*g.Exec, error) {
	exec, err := g.NewExec(b.b, graph)
	if err != nil {
		return nil, err
	}
	exec.SetMaxCache(-1)
	return exec, nil
}

// HoldsWords tells whether the word table is trained here: batches then need no Words, and Step returns no gradients of them.
func (e *Encoder) HoldsWords() bool { return e.home.holdsWords() }

// Step implements Trainer. Where the embeddings are frozen, or the table is held here, there are no gradients of Words.
func (e *Encoder) Step(parts []EncoderBatch, rate float64) (loss float32, words [][]float32, err error) {
	loss, words, err = e.home.step(parts, adamKnobs(rate, e.step+1))
	if err != nil {
		return 0, nil, fmt.Errorf("training step %d: %w", e.step+1, err)
	}
	e.step++
	return loss, words, nil
}

// Length implements Trainer.
func (e *Encoder) Length(longest int) int { return min(e.home.length(longest), e.model.Positions) }

// Compiles implements Trainer.
func (e *Encoder) Compiles(rows, length int) bool { return e.home.compiles(rows, length) }

// Compile implements Trainer.
func (e *Encoder) Compile(rows, length int, parts bool) error {
	b := EncoderBatch{Rows: rows, Length: length, IDs: make([]int32, rows*length), Mask: make([]float32, rows*length),
		Targets: make([]float32, rows*e.model.Classes), Weights: make([]float32, rows), Drop: make([]float32, rows*e.model.Hidden)}
	if err := e.home.compile(b, parts); err != nil {
		return fmt.Errorf("training steps of %d tokens: %w", length, err)
	}
	return nil
}

// adamKnobs are the learning rate and the two bias corrections of a step, counted from 1.
func adamKnobs(rate float64, step int) []float32 {
	t := float64(step)
	return []float32{float32(rate), float32(1 / (1 - math.Pow(beta1, t))), float32(1 / (1 - math.Pow(beta2, t)))}
}

// batch is what a training graph gets of a batch.
func (e *Encoder) batch(b EncoderBatch) []any {
	return append(e.home.texts(b), tensors.FromFlatDataAndDimensions(b.Targets, b.Rows, e.model.Classes),
		vector(b.Weights), tensors.FromFlatDataAndDimensions(b.Drop, b.Rows, e.model.Hidden))
}

// call runs a graph on what is for this call alone, and freed after it, and on what stays: the word table, the weights, more.
func (e *Encoder) call(graph *g.Exec, once []any, more ...*tensors.Tensor) ([]*tensors.Tensor, error) {
	defer release(once)
	args := append(once[:len(once):len(once)], anys(e.home.fixed())...)
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

// Logits implements Trainer.
func (e *Encoder) Logits(b EncoderBatch) ([]float32, error) {
	out, err := e.call(e.eval, e.home.texts(b))
	if err != nil {
		return nil, err
	}
	defer out[0].MustFinalizeAll()
	return tensors.MustCopyFlatData[float32](out[0]), nil
}

// Unpack copies the trained weights into the model.
func (e *Encoder) Unpack() { e.home.unpack() }

// Close frees the compiled graphs.
func (e *Encoder) Close() {
	e.grads.Finalize()
	e.eval.Finalize()
	e.home.close()
}

// Moments returns copies of Adam's moments, then of the word table's accumulators where it is held and trained here, and the
// number of steps.
func (e *Encoder) Moments() ([][]float32, int) { return e.home.moments(), e.step }

// Restore implements Trainer.
func (e *Encoder) Restore(moments [][]float32, step int) {
	finalize(e.values)
	e.home.reload()
	e.values = e.home.load()
	if moments != nil {
		e.step = step
		e.home.restore(moments)
	}
}

// replace frees a tensor and puts another in its place.
func replace(at **tensors.Tensor, data []float32, shape ...int) {
	(*at).MustFinalizeAll()
	*at = tensors.FromFlatDataAndDimensions(data, shape...)
}

// lengthStep is what batch lengths are rounded up to: each length is a graph to compile.
const lengthStep = 16

// roundUp is the next multiple of lengthStep.
func roundUp(length int) int { return (length + lengthStep - 1) / lengthStep * lengthStep }

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
	}
	e.home.vectors(&b)
	return b
}
