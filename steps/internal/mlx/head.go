package mlx

import (
	"fmt"
	"math"

	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// HeadConfig says what a Head computes. Batches have a fixed size: a graph is compiled once.
type HeadConfig struct {
	Batch, Dim, Hidden, Classes int
	WeightDecay                 float64 // decoupled, of the weight matrices and biases alike
	Loss                        Loss
}

// Params is the number of a head's parameters: W1 [Dim, Hidden], B1 [Hidden], W2 [Hidden, Classes], B2 [Classes]. With no
// hidden layer (Hidden 0) W2 is [Dim, Classes], and the first two are missing.
func (c HeadConfig) Params() int {
	return c.Dim*c.Hidden + c.Hidden + c.Last()*c.Classes + c.Classes
}

// Last is the width of what the last layer takes: that of the dropout mask.
func (c HeadConfig) Last() int {
	if c.Hidden == 0 {
		return c.Dim
	}
	return c.Hidden
}

// Head is the dense part of a classifier over pooled embeddings: one hidden layer, trained by Adam in the graph.
// The embeddings stay with the caller, who gets the gradient of what was pooled.
type Head struct {
	cfg    HeadConfig
	exec   *g.Exec
	params *tensors.Tensor // all parameters, flat: one update instead of four
	m, v   *tensors.Tensor // Adam's moments
	step   int
}

// NewHead compiles nothing yet; params are the initial parameters, in the order that Params describes.
func NewHead(b *Backend, cfg HeadConfig, params []float32) (*Head, error) {
	n := cfg.Params()
	if len(params) != n {
		return nil, fmt.Errorf("head: %d parameters, want %d", len(params), n)
	}
	h := &Head{cfg: cfg, params: vector(params), m: vector(make([]float32, n)), v: vector(make([]float32, n))}
	var err error
	if h.exec, err = g.NewExec(b.b, h.graph); err != nil {
		return nil, err
	}
	return h, nil
}

func vector(x []float32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(x, len(x)) }

// Step makes one update with a batch: pooled [Batch, Dim], targets [Batch, Classes], weights [Batch] (0 for filling
// rows), mask [Batch, Last] (dropout: 0, or 1 / share kept). It returns the loss and the gradient of pooled.
func (h *Head) Step(pooled, targets, weights, mask []float32, rate float64) (float32, []float32, error) {
	h.step++
	c := h.cfg
	t := float64(h.step)
	knobs := []float32{float32(rate), float32(1 / (1 - math.Pow(beta1, t))), float32(1 / (1 - math.Pow(beta2, t)))}
	out, err := h.exec.Call(
		tensors.FromFlatDataAndDimensions(pooled, c.Batch, c.Dim),
		tensors.FromFlatDataAndDimensions(targets, c.Batch, c.Classes),
		vector(weights),
		tensors.FromFlatDataAndDimensions(mask, c.Batch, c.Last()),
		vector(knobs), h.params, h.m, h.v)
	if err != nil {
		return 0, nil, fmt.Errorf("training step %d: %w", h.step, err)
	}
	loss, grad := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
	out[0].MustFinalizeAll()
	out[1].MustFinalizeAll()
	for _, old := range []*tensors.Tensor{h.params, h.m, h.v} {
		old.MustFinalizeAll()
	}
	h.params, h.m, h.v = out[2], out[3], out[4]
	return loss[0], grad, nil
}

// Values returns a copy of the parameters.
func (h *Head) Values() []float32 { return tensors.MustCopyFlatData[float32](h.params) }

// State returns copies of all that Step changes besides the parameters: Adam's moments and the step count.
func (h *Head) State() (m, v []float32, step int) {
	return tensors.MustCopyFlatData[float32](h.m), tensors.MustCopyFlatData[float32](h.v), h.step
}

// Restore sets what Values and State returned.
func (h *Head) Restore(params, m, v []float32, step int) {
	h.params, h.m, h.v, h.step = vector(params), vector(m), vector(v), step
}

// Close frees the compiled graph.
func (h *Head) Close() { h.exec.Finalize() }

const beta1, beta2, epsilon = 0.9, 0.999, 1e-8

// graph builds the step: forward, loss, gradients, Adam.
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
	return []*g.Node{loss, grads[0], params, m, v}
}

// adam updates one parameter. knobs are the learning rate and the two bias corrections.
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
