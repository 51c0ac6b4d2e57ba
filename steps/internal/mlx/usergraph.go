package mlx

import (
	"fmt"

	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"rein/steps/internal/usergraph"
)

// UserGraph trains a model around a user's ONNX graph, which onnx-gomlx converts to GoMLX operators. It implements Trainer. The caller
// keeps the word table and gets its gradient; the other weights are updated in the model's own arrays.
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

// NewUserGraph converts the graph and tries it with a batch of this many rows. If an operator can't be converted, the error names it.
func NewUserGraph(b *Backend, m *usergraph.Model, cfg EncoderConfig, rows int) (*UserGraph, error) {
	u := &UserGraph{cfg: cfg, model: m}
	for _, w := range m.Fixed() {
		u.fixed = append(u.fixed, tensors.FromFlatDataAndDimensions(w.Floats(), w.Shape...))
	}
	for _, v := range m.Values {
		u.host.m, u.host.v = append(u.host.m, make([]float32, len(v))), append(u.host.v, make([]float32, len(v)))
	}
	var err error
	if _, u.names, err = m.Training(rows, lengthStep); err != nil {
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
	if _, err := u.Logits(LookupGraph(m, rows, [][]int32{{m.Pad + 1}})); err != nil {
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
		panic(err) // GoMLX turns this into an error of the call
	}
	inputs := map[string]*g.Node{}
	for i, name := range u.names {
		inputs[name] = in[i]
	}
	return convert(graph, in[0].Graph(), inputs)
}

// train builds the loss, the gradient of the looked-up word vectors if there is a word table, and those of the trained weights.
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

// arguments returns the graph's inputs. The first batch of them were made for this call, and have to be freed after it.
func (u *UserGraph) arguments(b EncoderBatch) (args []any, batch int) {
	ids := make([]int64, len(b.IDs))
	for i, id := range b.IDs {
		ids[i] = int64(id)
	}
	args = append(args, tensors.FromFlatDataAndDimensions(ids, b.Rows, b.Length))
	if t := u.model.Words; t != nil {
		args = append(args, tensors.FromFlatDataAndDimensions(b.Words, b.Rows, b.Length, t.Hidden))
	}
	if u.model.Dropped() {
		args = append(args, tensors.FromFlatDataAndDimensions(b.Drop, b.Rows, u.model.Width))
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

// Step implements Trainer.
func (u *UserGraph) Step(parts []EncoderBatch, rate float64) (loss float32, words [][]float32, err error) {
	var sum [][]float32
	for _, b := range parts {
		l, w, grads, err := u.part(b)
		if err != nil {
			return 0, nil, fmt.Errorf("training step %d: %w", u.step+1, err)
		}
		loss, words, sum = loss+l, append(words, w), addUp(sum, grads)
	}
	decay := make([]float64, len(sum))
	for i, w := range u.model.Trained {
		if len(w.Shape) > 1 {
			decay[i] = u.cfg.WeightDecay
		}
	}
	u.step++
	u.host.step(u.model.Values, sum, decay, u.cfg.Clip, adamKnobs(rate, u.step))
	return loss, words, nil
}

// part returns the loss and the gradients of a part of a batch: of Words, and of the trained weights.
func (u *UserGraph) part(b EncoderBatch) (loss float32, words []float32, grads [][]float32, err error) {
	args, batch := u.arguments(b)
	own := args[:batch:batch]
	ends := []any{tensors.FromFlatDataAndDimensions(b.Targets, b.Rows, u.model.Classes), vector(b.Weights)}
	out, err := u.exec.Call(append(args, ends...)...)
	release(own, ends)
	if err != nil {
		return 0, nil, nil, err
	}
	values := flat(out)
	loss, grads = values[0][0], values[1:]
	if u.model.Words != nil {
		words, grads = grads[0], grads[1:]
	}
	return loss, words, grads, nil
}

// Logits implements Trainer.
func (u *UserGraph) Logits(b EncoderBatch) ([]float32, error) {
	b.Drop = ones(b.Rows * u.model.Width)
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

// Length implements Trainer.
func (u *UserGraph) Length(longest int) int { return graphLength(u.model, longest) }

func graphLength(m *usergraph.Model, longest int) int {
	return min(roundUp(longest), max(m.MaxTokens, longest))
}

// Compiles implements Trainer. It returns false: nothing is compiled ahead.
func (u *UserGraph) Compiles(int, int) bool { return false }

// Compile implements Trainer.
func (u *UserGraph) Compile(int, int, bool) error { return nil }

// Moments implements Trainer. It returns Adam's moments.
func (u *UserGraph) Moments() ([][]float32, int) { return u.host.copies(), u.step }

// Restore implements Trainer. The weights are the model's own arrays, so there is nothing to read again.
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

// LookupGraph returns a batch of token ids, filled up with the pad id, with their word vectors. Missing rows repeat the first row, because
// a user's graph may compute NaN for a row of nothing but padding.
func LookupGraph(m *usergraph.Model, rows int, ids [][]int32) EncoderBatch {
	longest := 1
	for _, row := range ids {
		longest = max(longest, len(row))
	}
	b := EncoderBatch{Rows: rows, Length: graphLength(m, longest)}
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
