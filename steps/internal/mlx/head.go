package mlx

import (
	"bytes"
	"fmt"
	"slices"

	onnxbackend "github.com/gomlx/compute-onnx"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"rein/steps/internal/ort"
)

// HeadConfig says what a Head computes. All batches have one size, so that the graph is compiled once.
type HeadConfig struct {
	Batch, Dim, Hidden, Classes int
	WeightDecay                 float64 // decoupled, of matrices and biases alike
	Loss                        Loss
}

// Params is the number of a head's parameters: W1 [Dim, Hidden], B1 [Hidden], W2 [Hidden, Classes] and B2 [Classes]. Without a hidden layer
// (Hidden is 0), W1 and B1 are missing, and W2 is [Dim, Classes].
func (c HeadConfig) Params() int {
	return c.Dim*c.Hidden + c.Hidden + c.Last()*c.Classes + c.Classes
}

// Last is the width of the last layer's input, and of the dropout mask.
func (c HeadConfig) Last() int {
	if c.Hidden == 0 {
		return c.Dim
	}
	return c.Hidden
}

// Head is the dense part of a classifier over pooled embeddings: at most one hidden layer, trained by Adam in the graph. The embeddings
// stay with the caller, who gets the gradient of the pooled vectors.
type Head struct {
	cfg  HeadConfig
	in   []ort.Floats // pooled, targets, weights, mask, knobs; the state: parameters (one array saves updates), Adam's moments
	out  []ort.Floats // loss, gradient of pooled, the new state
	step int
	call func() error // computes out from in
	free func()
}

// stateIn and stateOut are the positions of the state's first array among the graph's inputs and outputs.
const stateIn, stateOut = 5, 2

// NewHead compiles the graph of a step. params are the initial parameters, in the order that Params describes.
func NewHead(b *Backend, cfg HeadConfig, params []float32) (*Head, error) {
	n := cfg.Params()
	if len(params) != n {
		return nil, fmt.Errorf("head: %d parameters, want %d", len(params), n)
	}
	h := &Head{cfg: cfg, in: floats([]int{cfg.Batch, cfg.Dim}, []int{cfg.Batch, cfg.Classes}, []int{cfg.Batch}, []int{cfg.Batch, cfg.Last()},
		[]int{3}, []int{n}, []int{n}, []int{n}), out: floats([]int{1}, []int{cfg.Batch, cfg.Dim}, []int{n}, []int{n}, []int{n})}
	copy(h.in[stateIn].Data, params)
	exec, err := g.NewExec(b.b, h.graph)
	if err != nil {
		return nil, err
	}
	h.call, h.free = func() error { return run(exec, h.in, h.out) }, exec.Finalize
	if onnx, ok := b.b.(*onnxbackend.Backend); ok {
		defer exec.Finalize()
		if h.call, h.free, err = bind(onnx, exec, h.in, h.out); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// floats makes a tensor of zeros for each shape.
func floats(shapes ...[]int) []ort.Floats {
	out := make([]ort.Floats, len(shapes))
	for i, shape := range shapes {
		size := 1
		for _, n := range shape {
			size *= n
		}
		out[i] = ort.Floats{Data: make([]float32, size), Shape: shape}
	}
	return out
}

// run computes out from in with GoMLX.
func run(exec *g.Exec, in, out []ort.Floats) error {
	args := make([]any, len(in))
	for i, f := range in {
		args[i] = tensors.FromFlatDataAndDimensions(f.Data, f.Shape...)
	}
	results, err := exec.Call(args...)
	if err != nil {
		return err
	}
	for i, t := range results {
		copy(out[i].Data, tensors.MustCopyFlatData[float32](t))
		t.MustFinalizeAll()
	}
	return nil
}

// bind runs the graph that GoMLX made on one core, and in the memory of in and out. GoMLX's own session would use all cores. Its threads
// spin while they wait, and so take time from the embedding.
func bind(b *onnxbackend.Backend, exec *g.Exec, in, out []ort.Floats) (call func() error, free func(), err error) {
	args := make([]shapes.Shape, len(in))
	for i, f := range in {
		args[i] = shapes.Make(dtypes.Float32, f.Shape...)
	}
	b.SetKeepModelProto(true)
	defer b.SetKeepModelProto(false)
	compiled, err := exec.Compile(args...)
	if err != nil {
		return nil, nil, err
	}
	var graph bytes.Buffer
	if err := onnxbackend.SaveModel(b, compiled.Executable(), &graph, nil, nil); err != nil {
		return nil, nil, err
	}
	session, err := ort.Open(graph.Bytes(), ort.Options{})
	if err != nil {
		return nil, nil, err
	}
	bound, err := session.Bind(in, out)
	if err != nil {
		session.Close()
		return nil, nil, err
	}
	return bound.Run, func() { bound.Close(); session.Close() }, nil
}

// Step makes one update with a batch: pooled [Batch, Dim], targets [Batch, Classes], weights [Batch] (0 for padding rows), and the dropout
// mask [Batch, Last] (0, or 1 / the share that is kept). It returns the loss and the gradient of pooled, which is valid until the next
// call.
func (h *Head) Step(pooled, targets, weights, mask []float32, rate float64) (float32, []float32, error) {
	h.step++
	for i, v := range [][]float32{pooled, targets, weights, mask, adamKnobs(rate, h.step)} {
		if len(v) != len(h.in[i].Data) {
			return 0, nil, fmt.Errorf("training step %d: input %d has %d values, want %v", h.step, i, len(v), h.in[i].Shape)
		}
		copy(h.in[i].Data, v)
	}
	if err := h.call(); err != nil {
		return 0, nil, fmt.Errorf("training step %d: %w", h.step, err)
	}
	for i, f := range h.out[stateOut:] {
		copy(h.in[stateIn+i].Data, f.Data)
	}
	return h.out[0].Data[0], h.out[1].Data, nil
}

// Values returns a copy of the parameters.
func (h *Head) Values() []float32 { return slices.Clone(h.in[stateIn].Data) }

// State returns copies of Adam's moments, and the number of steps. Together with Values this is all that Step changes.
func (h *Head) State() (m, v []float32, step int) {
	return slices.Clone(h.in[stateIn+1].Data), slices.Clone(h.in[stateIn+2].Data), h.step
}

// Restore sets what Values and State returned.
func (h *Head) Restore(params, m, v []float32, step int) {
	for i, x := range [][]float32{params, m, v} {
		copy(h.in[stateIn+i].Data, x)
	}
	h.step = step
}

// Close frees the compiled graph.
func (h *Head) Close() { h.free() }

const beta1, beta2, epsilon = 0.9, 0.999, 1e-8

// graph builds the step: forward pass, loss, gradients and Adam.
func (h *Head) graph(in []*g.Node) []*g.Node {
	pooled, targets, weights, mask, knobs, params, m, v := in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]
	c, at := h.cfg, 0
	take := func(dims ...int) *g.Node {
		n := 1
		for _, d := range dims {
			n *= d
		}
		x := g.Slice(params, g.AxisRange(at, at+n))
		at += n
		return g.Reshape(x, dims...)
	}
	hidden := pooled
	if c.Hidden > 0 {
		w1, b1 := take(c.Dim, c.Hidden), take(1, c.Hidden)
		hidden = g.MaxScalar(g.Add(g.MatMul(pooled, w1), b1), 0)
	}
	w2, b2 := take(c.Last(), c.Classes), take(1, c.Classes)
	logits := g.Add(g.MatMul(g.Mul(hidden, mask), w2), b2)
	loss := c.Loss.graph(logits, targets, weights)
	grads := g.Gradient(loss, pooled, params)
	params, m, v = adam(params, grads[1], m, v, knobs, c.WeightDecay)
	return []*g.Node{g.Reshape(loss, 1), grads[0], params, m, v}
}

// adam updates one array of parameters. knobs are the learning rate and the two bias corrections.
func adam(params, grad, m, v, knobs *g.Node, decay float64) (p, m2, v2 *g.Node) {
	knob := func(i int) *g.Node { return g.Reshape(g.Slice(knobs, g.AxisRange(i, i+1))) } // a scalar
	m2 = g.Add(g.MulScalar(m, beta1), g.MulScalar(grad, 1-beta1))
	v2 = g.Add(g.MulScalar(v, beta2), g.MulScalar(g.Mul(grad, grad), 1-beta2))
	move := g.Div(g.Mul(m2, knob(1)), g.AddScalar(g.Sqrt(g.Mul(v2, knob(2))), epsilon))
	if decay > 0 {
		move = g.Add(move, g.MulScalar(params, decay))
	}
	return g.Sub(params, g.Mul(move, knob(0))), m2, v2
}
