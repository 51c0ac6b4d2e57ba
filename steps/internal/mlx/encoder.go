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
	Frozen      int // this many first layers and the embeddings aren't trained; 0: everything is trained
	WeightDecay float64
	Clip        float64 // largest norm of all gradients together; 0: no limit
	Loss        Loss
	// BFloat16 computes matrix products in bfloat16, and keeps the results in bfloat16, if the device can (Backend.BFloat16). Weights,
	// residual sums, normalisations and the softmax stay float32.
	BFloat16 bool
}

// EncoderBatch is one batch, or a part of one. Shorter rows, and missing ones at the end, are padding.
type EncoderBatch struct {
	Rows    int
	Length  int
	IDs     []int32   // [Rows, Length]
	Words   []float32 // [Rows, Length, Hidden]: the ids' word vectors if the caller keeps the word table, else nil
	Mask    []float32 // [Rows, Length]: 1 for tokens, 0 for padding
	Targets []float32 // [Rows, Classes]
	Weights []float32 // [Rows]; 0 for padding rows
	Drop    []float32 // [Rows, Hidden]: dropout factors of the pooled vectors
}

// Trainer is a network in training on a device.
type Trainer interface {
	// Step makes one update with a batch that comes in parts, and adds up the parts' gradients. It returns the sum of the losses, and for
	// each part the gradient of Words, or nil if the caller has no word table to train. If it fails, nothing has changed.
	Step(parts []EncoderBatch, rate float64) (loss float32, words [][]float32, err error)
	// Logits returns the logits [Rows, Classes] of a batch. It doesn't need Targets, Weights and Drop.
	Logits(b EncoderBatch) ([]float32, error)
	// Moments returns copies of the optimiser's state, and the number of steps.
	Moments() ([][]float32, int)
	// Restore reads the model's weights again, after the caller has changed them. It sets the optimiser's state to moments, which Moments
	// returned, unless moments is nil.
	Restore(moments [][]float32, step int)
	// Length returns the length of a batch whose longest row has this many tokens. It rounds up, because each length needs a compiled
	// graph.
	Length(longest int) int
	// Compiles tells whether the first step with batches of this size takes long, because the device compiles a graph for it.
	Compiles(rows, length int) bool
	// Compile compiles what a step needs for batches of this size; parts says that the batches are parts of larger ones. It changes no
	// weights.
	Compile(rows, length int, parts bool) error
	Close()
}

// Encoder trains a transformer classifier. It implements Trainer.
type Encoder struct {
	cfg    EncoderConfig
	model  *encoder.Model
	grads  *g.Exec // of one part of a batch
	eval   *g.Exec
	values []*tensors.Tensor // all weights except the word table, as home.load returned them
	home   home
	first  int // position of the first trained weight in the model's Weights
	step   int
	flash  bool // uses the device's flash attention
}

// home is where an Encoder's weights are between steps, and what updates them there. With XLA everything is on the device. Elsewhere Adam
// runs in Go, and the caller keeps the word table and gets its gradient: ONNX Runtime would add up the gradient of a look-up in parallel,
// which gives other bytes every time.
type home interface {
	// texts returns a batch's tokens and their mask. The tokens are ids if the word table is on the device, else vectors.
	texts(b EncoderBatch) []any
	// fixed returns the inputs of a graph that come after the batch and before the weights.
	fixed() []*tensors.Tensor
	// load returns the model's weights on the device, for Encoder.values.
	load() []*tensors.Tensor
	// inputs returns the token vectors and the weights. texts are the nodes of a batch's texts; rest are those that follow.
	inputs(texts, rest []*g.Node) (words *g.Node, weights []*g.Node)
	// gradients builds the loss and the gradients.
	gradients(in []*g.Node) []*g.Node
	step(parts []EncoderBatch, knobs []float32) (loss float32, words [][]float32, err error)
	// length rounds up, because each length needs a compiled graph.
	length(longest int) int
	compiles(rows, length int) bool
	compile(b EncoderBatch, parts bool) error
	// vectors fills in the batch's Words if the caller keeps the word table.
	vectors(b *EncoderBatch)
	holdsWords() bool
	// unpack copies the trained weights into the model; reload reads the model's word table again.
	unpack()
	reload()
	moments() [][]float32
	restore(moments [][]float32)
	close()
}

// NewEncoder puts the model's weights on the device. A graph is compiled for each batch size when it first comes.
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

// newExec prepares a graph, which is compiled once for each shape of its inputs.
func newExec(b *Backend, graph func([]*g.Node) []*g.Node) (*g.Exec, error) {
	exec, err := g.NewExec(b.b, graph)
	if err != nil {
		return nil, err
	}
	exec.SetMaxCache(-1)
	return exec, nil
}

// HoldsWords tells whether the Encoder keeps and trains the word table. If so, batches need no Words, and Step returns no gradient of them.
func (e *Encoder) HoldsWords() bool { return e.home.holdsWords() }

// Step implements Trainer. It returns no gradient of Words if the embeddings are frozen or the Encoder keeps the word table.
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

// adamKnobs returns the learning rate and the two bias corrections of a step. The first step is 1.
func adamKnobs(rate float64, step int) []float32 {
	t := float64(step)
	return []float32{float32(rate), float32(1 / (1 - math.Pow(beta1, t))), float32(1 / (1 - math.Pow(beta2, t)))}
}

// batch returns the inputs of a training graph that depend on the batch.
func (e *Encoder) batch(b EncoderBatch) []any {
	return append(e.home.texts(b), tensors.FromFlatDataAndDimensions(b.Targets, b.Rows, e.model.Classes),
		vector(b.Weights), tensors.FromFlatDataAndDimensions(b.Drop, b.Rows, e.model.Hidden))
}

// call runs a graph. Its inputs are once, the fixed ones, the weights and more. Those in once are freed after the call.
func (e *Encoder) call(graph *g.Exec, once []any, more ...*tensors.Tensor) ([]*tensors.Tensor, error) {
	defer release(once)
	args := append(once[:len(once):len(once)], anys(e.home.fixed())...)
	args = append(args, anys(e.values)...)
	return graph.Call(append(args, anys(more)...)...)
}

// addUp adds b to a, or returns b if there is no a yet.
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

// Moments implements Trainer. It returns Adam's moments, then the accumulators of the word table if the Encoder keeps and trains it.
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

// replace frees a tensor and puts a new one in its place.
func replace(at **tensors.Tensor, data []float32, shape ...int) {
	(*at).MustFinalizeAll()
	*at = tensors.FromFlatDataAndDimensions(data, shape...)
}

// lengthStep is what batch lengths are rounded up to on the host. It keeps the number of compiled graphs small.
const lengthStep = 16

// roundUp returns the next multiple of lengthStep.
func roundUp(length int) int { return (length + lengthStep - 1) / lengthStep * lengthStep }

// Lookup returns a batch of token ids, with their vectors if the caller keeps the word table. Rows that are shorter than the longest are
// filled up with padding, and so are missing rows.
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
