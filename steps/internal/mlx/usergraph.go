package mlx

import (
	"fmt"
	"math"

	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"rein/steps/internal/usergraph"
)

// UserGraph trains a model around a user's ONNX graph, which onnx-gomlx turns into GoMLX operators. As with Encoder, the
// word table's gradient is the caller's; the other weights are updated in the model's own arrays.
type UserGraph struct {
	cfg   EncoderConfig
	model *usergraph.Model
	names []string // of the graph's inputs
	exec  *g.Exec
	eval  *g.Exec
	fixed []*tensors.Tensor
	host  hostAdam
	step  int
}

// NewUserGraph converts the graph; an operator that can't be converted is an error that names it.
func NewUserGraph(b *Backend, m *usergraph.Model, cfg EncoderConfig) (*UserGraph, error) {
	u := &UserGraph{cfg: cfg, model: m}
	for _, w := range m.Fixed() {
		u.fixed = append(u.fixed, tensors.FromFlatDataAndDimensions(w.Floats(), w.Shape...))
	}
	for _, v := range m.Values {
		u.host.m, u.host.v = append(u.host.m, make([]float32, len(v))), append(u.host.v, make([]float32, len(v)))
	}
	var err error
	if _, u.names, err = m.Training(cfg.Rows, lengthStep); err != nil {
		return nil, err
	}
	if u.exec, err = g.NewExec(b.b, u.train); err != nil {
		return nil, err
	}
	u.exec.SetMaxCache(-1)
	if u.eval, err = g.NewExec(b.b, func(in []*g.Node) []*g.Node { return []*g.Node{u.forward(in)} }); err != nil {
		return nil, err
	}
	u.eval.SetMaxCache(-1)
	if _, err := u.Logits(LookupGraph(m, cfg.Rows, [][]int32{{m.Pad + 1}})); err != nil {
		u.Close()
		return nil, fmt.Errorf("the graph runs, but can't be trained: %w", err)
	}
	return u, nil
}

// forward builds the logits from the values of the graph's inputs.
func (u *UserGraph) forward(in []*g.Node) *g.Node {
	ids := in[0].Shape().Dimensions
	graph, _, err := u.model.Training(ids[0], ids[1])
	if err != nil {
		panic(err) // as GoMLX wants it, and turns it into an error of the call
	}
	inputs := map[string]*g.Node{}
	for i, name := range u.names {
		inputs[name] = in[i]
	}
	return convert(graph, in[0].Graph(), inputs)
}

// train builds the loss, the gradient of the looked-up words and those of the trained weights.
func (u *UserGraph) train(in []*g.Node) []*g.Node {
	n := len(u.names)
	loss := u.cfg.Loss.graph(u.forward(in), in[n], in[n+1])
	first := u.firstWeight()
	wanted := in[first : first+len(u.model.Trained)]
	if u.model.Words != nil {
		wanted = append([]*g.Node{in[1]}, wanted...)
	}
	return append([]*g.Node{loss}, g.Gradient(loss, wanted...)...)
}

// firstWeight is the position of the first weight among the graph's inputs.
func (u *UserGraph) firstWeight() int { return len(u.names) - len(u.model.Trained) - len(u.fixed) }

// arguments are the values of the graph's inputs; those that belong to the batch come first.
func (u *UserGraph) arguments(b EncoderBatch) (args []any, batch int) {
	ids := make([]int64, len(b.IDs))
	for i, id := range b.IDs {
		ids[i] = int64(id)
	}
	args = append(args, tensors.FromFlatDataAndDimensions(ids, u.cfg.Rows, b.Length))
	if t := u.model.Words; t != nil {
		args = append(args, tensors.FromFlatDataAndDimensions(b.Words, u.cfg.Rows, b.Length, t.Hidden))
	}
	if u.model.Dropped() {
		args = append(args, tensors.FromFlatDataAndDimensions(b.Drop, u.cfg.Rows, u.model.Width))
	}
	for i, w := range u.model.Trained {
		args = append(args, tensors.FromFlatDataAndDimensions(u.model.Values[i], w.Shape...))
	}
	batch = len(args)
	for _, x := range u.fixed {
		args = append(args, x)
	}
	return args, batch
}

// Step makes one update and returns the loss and the gradient of the looked-up words (nil without a word table).
func (u *UserGraph) Step(b EncoderBatch, rate float64) (float32, []float32, error) {
	u.step++
	t := float64(u.step)
	knobs := []float32{float32(rate), float32(1 / (1 - math.Pow(beta1, t))), float32(1 / (1 - math.Pow(beta2, t)))}
	args, batch := u.arguments(b)
	own := args[:batch:batch]
	ends := []any{tensors.FromFlatDataAndDimensions(b.Targets, u.cfg.Rows, u.model.Classes), vector(b.Weights)}
	out, err := u.exec.Call(append(args, ends...)...)
	release(own, ends)
	if err != nil {
		return 0, nil, fmt.Errorf("training step %d: %w", u.step, err)
	}
	values := flat(out)
	loss, grads := values[0][0], values[1:]
	var words []float32
	if u.model.Words != nil {
		words, grads = grads[0], grads[1:]
	}
	decay := make([]float64, len(grads))
	for i, w := range u.model.Trained {
		if len(w.Shape) > 1 {
			decay[i] = u.cfg.WeightDecay
		}
	}
	u.host.step(u.model.Values, grads, decay, u.cfg.Clip, knobs)
	return loss, words, nil
}

// Logits runs a batch forward; Targets, Weights and Drop aren't needed.
func (u *UserGraph) Logits(b EncoderBatch) ([]float32, error) {
	b.Drop = ones(u.cfg.Rows * u.model.Width)
	args, batch := u.arguments(b)
	out, err := u.eval.Call(args...)
	release(args[:batch])
	if err != nil {
		return nil, err
	}
	return flat(out)[0], nil
}

func release(lists ...[]any) {
	for _, list := range lists {
		for _, x := range list {
			x.(*tensors.Tensor).MustFinalizeAll()
		}
	}
}

func ones(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// Moments returns copies of Adam's moments and the number of steps.
func (u *UserGraph) Moments() ([][]float32, int) { return u.host.copies(), u.step }

// Restore takes over moments as Moments returned them; the weights are the model's.
func (u *UserGraph) Restore(moments [][]float32, step int) {
	if moments != nil {
		u.host.restore(moments)
		u.step = step
	}
}

// Close frees the compiled graphs.
func (u *UserGraph) Close() {
	u.exec.Finalize()
	u.eval.Finalize()
}

// LookupGraph is a batch of token ids, filled up with the pad id, with their rows of the word table. Missing rows repeat
// the first: a graph may make no number of a row that is nothing but filling.
func LookupGraph(m *usergraph.Model, rows int, ids [][]int32) EncoderBatch {
	longest := 1
	for _, row := range ids {
		longest = max(longest, len(row))
	}
	b := EncoderBatch{Length: min((longest+lengthStep-1)/lengthStep*lengthStep, max(m.MaxTokens, longest))}
	b.IDs = make([]int32, rows*b.Length)
	for i := range b.IDs {
		b.IDs[i] = m.Pad
	}
	for r := range rows {
		row := ids[0]
		if r < len(ids) {
			row = ids[r]
		}
		copy(b.IDs[r*b.Length:(r+1)*b.Length], row)
	}
	if t := m.Words; t != nil {
		b.Words = make([]float32, len(b.IDs)*t.Hidden)
		for i, id := range b.IDs {
			copy(b.Words[i*t.Hidden:(i+1)*t.Hidden], t.Data[int(id)*t.Hidden:])
		}
	}
	return b
}
