package mlx

import (
	"math/bits"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"rein/steps/internal/encoder"
)

// deviceHome keeps all of an Encoder's training state on the device: the word table, the weights, and the state of the optimisers.
type deviceHome struct {
	e     *Encoder
	table *tensors.Tensor   // [Vocab, Hidden]
	accum *tensors.Tensor   // [Vocab]: AdaGrad's accumulators, as in ngram.Embedder; nil if the embeddings are frozen
	pack  packed            // of the trained weights
	m, v  []*tensors.Tensor // Adam's moments of the trained weights
	whole *g.Exec           // a step with a batch that isn't divided
	add   *g.Exec           // adds the gradients of two parts
	apply *g.Exec           // a step with gradients that were added up
	made  map[[2]int]bool   // [rows, length] of the batches that a graph was compiled for
}

// packed is how weights are stored on a device: one array for each matrix, then one array with all vectors. Each array costs some
// microseconds in a call and some passes in Adam, and two thirds of an encoder's weights are short vectors.
type packed struct {
	weights  []encoder.Tensor
	matrices []int
	vectors  []int
}

func pack(weights []encoder.Tensor) packed {
	p := packed{weights: weights}
	for i, w := range weights {
		if len(w.Shape) > 1 {
			p.matrices = append(p.matrices, i)
		} else {
			p.vectors = append(p.vectors, i)
		}
	}
	return p
}

// count is the number of arrays.
func (p packed) count() int { return len(p.matrices) + 1 }

// join makes the arrays from the numbers of each weight i.
func (p packed) join(of func(i int) []float32) []*tensors.Tensor {
	var out []*tensors.Tensor
	for _, i := range p.matrices {
		out = append(out, tensors.FromFlatDataAndDimensions(of(i), p.weights[i].Shape...))
	}
	var vectors []float32
	for _, i := range p.vectors {
		vectors = append(vectors, of(i)...)
	}
	return append(out, vector(vectors))
}

// split returns the numbers of each weight.
func (p packed) split(arrays []*tensors.Tensor) [][]float32 {
	out := make([][]float32, len(p.weights))
	for k, i := range p.matrices {
		out[i] = tensors.MustCopyFlatData[float32](arrays[k])
	}
	vectors := tensors.MustCopyFlatData[float32](arrays[len(p.matrices)])
	for _, i := range p.vectors {
		n := len(p.weights[i].Data)
		out[i], vectors = vectors[:n:n], vectors[n:]
	}
	return out
}

// splitNodes returns the node of each weight.
func (p packed) splitNodes(arrays []*g.Node) []*g.Node {
	out := make([]*g.Node, len(p.weights))
	for k, i := range p.matrices {
		out[i] = arrays[k]
	}
	at := 0
	for _, i := range p.vectors {
		n := len(p.weights[i].Data)
		out[i] = g.Slice(arrays[len(p.matrices)], g.AxisRange(at, at+n))
		at += n
	}
	return out
}

// joinNodes makes the arrays' nodes from those of the weights.
func (p packed) joinNodes(of []*g.Node) []*g.Node {
	var out, vectors []*g.Node
	for _, i := range p.matrices {
		out = append(out, of[i])
	}
	for _, i := range p.vectors {
		vectors = append(vectors, of[i])
	}
	return append(out, g.Concatenate(vectors, 0))
}

// newDeviceHome puts everything on the device except the weights, which load returns.
func newDeviceHome(e *Encoder, b *Backend) (_ home, err error) {
	m, d := e.model, &deviceHome{e: e, pack: pack(e.model.Weights[e.first:]), made: map[[2]int]bool{}}
	d.table = tensors.FromFlatDataAndDimensions(m.Words, m.Vocab, m.Hidden)
	if e.first == 0 {
		d.accum = vector(make([]float32, m.Vocab))
	}
	zeros := func(i int) []float32 { return make([]float32, len(d.pack.weights[i].Data)) }
	d.m, d.v = d.pack.join(zeros), d.pack.join(zeros)
	if d.whole, err = newExec(b, d.stepGraph); err != nil {
		return nil, err
	}
	if d.add, err = newExec(b, sums); err != nil {
		return nil, err
	}
	d.apply, err = newExec(b, d.update)
	return d, err
}

// load copies the model's weights to the device: first the frozen ones, one array each, then the trained ones, packed.
func (d *deviceHome) load() []*tensors.Tensor {
	first := d.e.first
	trained := d.e.model.Weights[first:]
	return append(arrays(d.e.model.Weights[:first]), d.pack.join(func(i int) []float32 { return trained[i].Data })...)
}

// weightsOf returns one node for each weight, from the nodes of the arrays that load returned.
func (d *deviceHome) weightsOf(values []*g.Node) []*g.Node {
	first := d.e.first
	return append(slices.Clone(values[:first]), d.pack.splitNodes(values[first:])...)
}

func (d *deviceHome) texts(b EncoderBatch) []any {
	return []any{tensors.FromFlatDataAndDimensions(b.IDs, b.Rows, b.Length), tensors.FromFlatDataAndDimensions(b.Mask, b.Rows, b.Length)}
}

func (d *deviceHome) fixed() []*tensors.Tensor { return []*tensors.Tensor{d.table} }

func (d *deviceHome) inputs(texts, rest []*g.Node) (*g.Node, []*g.Node) {
	return wordVectors(rest[0], texts[0]), d.weightsOf(rest[1:])
}

// length rounds up to a power of two. XLA takes long to compile a graph for a GPU, which runs through the extra padding quickly.
func (d *deviceHome) length(longest int) int {
	return max(2*lengthStep, 1<<bits.Len(uint(longest-1)))
}

func (d *deviceHome) compiles(rows, length int) bool { return !d.made[[2]int{rows, length}] }

func (d *deviceHome) compile(b EncoderBatch, parts bool) error {
	e := d.e
	var out []*tensors.Tensor
	var err error
	if parts {
		out, err = e.call(e.grads, e.batch(b))
	} else {
		out, err = e.call(d.whole, append(e.batch(b), vector(adamKnobs(0, 1))), d.state()...)
	}
	if err != nil {
		return err
	}
	finalize(out)
	d.made[[2]int{b.Rows, b.Length}] = true
	return nil
}

// vectors does nothing: the word table is on the device, so a batch needs only its ids.
func (d *deviceHome) vectors(*EncoderBatch) {}

func (d *deviceHome) holdsWords() bool { return true }

func (d *deviceHome) unpack() {
	e := d.e
	trained := e.model.Weights[e.first:]
	for i, data := range d.pack.split(e.values[e.first:]) {
		trained[i].Data = data
	}
	if e.first == 0 {
		copy(e.model.Words, tensors.MustCopyFlatData[float32](d.table))
	}
}

func (d *deviceHome) reload() {
	m := d.e.model
	replace(&d.table, m.Words, m.Vocab, m.Hidden)
}

// state is what a step changes besides the weights, in the order of the graphs' inputs.
func (d *deviceHome) state() []*tensors.Tensor {
	out := slices.Concat(d.m, d.v)
	if d.accum != nil {
		out = append(out, d.accum)
	}
	return out
}

// step returns nil for the gradient of each part's words.
func (d *deviceHome) step(parts []EncoderBatch, knobs []float32) (loss float32, words [][]float32, err error) {
	e := d.e
	words = make([][]float32, len(parts))
	if len(parts) == 1 {
		out, err := e.call(d.whole, append(e.batch(parts[0]), vector(knobs)), d.state()...)
		if err != nil {
			return 0, nil, err
		}
		d.take(out[1:])
		return scalar(out[0]), words, nil
	}
	var sum []*tensors.Tensor
	defer func() { finalize(sum) }()
	for _, b := range parts {
		out, err := e.call(e.grads, e.batch(b))
		if err != nil {
			return 0, nil, err
		}
		loss += scalar(out[0])
		if sum, err = d.addUp(sum, out[1:]); err != nil {
			return 0, nil, err
		}
	}
	out, err := e.call(d.apply, []any{vector(knobs)}, append(d.state(), sum...)...)
	if err != nil {
		return 0, nil, err
	}
	d.take(out)
	return loss, words, nil
}

// take replaces the weights, the state and the table by the results of a step.
func (d *deviceHome) take(out []*tensors.Tensor) {
	e := d.e
	for _, list := range [][]*tensors.Tensor{e.values[e.first:], d.m, d.v} {
		finalize(list)
		copy(list, out)
		out = out[len(list):]
	}
	if d.accum != nil {
		finalize([]*tensors.Tensor{d.accum, d.table})
		d.accum, d.table = out[0], out[1]
	}
}

// addUp adds gradients on the device, and frees both summands.
func (d *deviceHome) addUp(a, b []*tensors.Tensor) ([]*tensors.Tensor, error) {
	if a == nil {
		return b, nil
	}
	defer finalize(a)
	defer finalize(b)
	return d.add.Call(append(anys(a), anys(b)...)...)
}

func scalar(x *tensors.Tensor) float32 {
	defer x.MustFinalizeAll()
	return tensors.MustCopyFlatData[float32](x)[0]
}

func (d *deviceHome) moments() (out [][]float32) {
	out = slices.Concat(d.pack.split(d.m), d.pack.split(d.v))
	if d.accum != nil {
		out = append(out, tensors.MustCopyFlatData[float32](d.accum))
	}
	return out
}

func (d *deviceHome) restore(moments [][]float32) {
	n := len(d.pack.weights)
	finalize(d.m)
	finalize(d.v)
	d.m = d.pack.join(func(i int) []float32 { return moments[i] })
	d.v = d.pack.join(func(i int) []float32 { return moments[n+i] })
	if d.accum != nil {
		replace(&d.accum, moments[2*n], d.accum.Shape().Dimensions...)
	}
}

func (d *deviceHome) close() {
	for _, x := range []*g.Exec{d.whole, d.add, d.apply} {
		x.Finalize()
	}
}

// wordVectors gathers the word vectors [rows, length, Hidden] of ids.
func wordVectors(table, ids *g.Node) *g.Node { return g.Gather(table, g.InsertAxes(ids, -1)) }

// gradients builds the loss and the gradients of the trained weights. If the embeddings are trained, two more follow: the word table's
// gradient [Vocab, Hidden], and by id the sum of the mean squares of its gradients [Vocab].
func (d *deviceHome) gradients(in []*g.Node) []*g.Node {
	e, ids, mask, targets, weights, drop, table, values := d.e, in[0], in[1], in[2], in[3], in[4], in[5], d.weightsOf(in[6:])
	words := wordVectors(table, ids)
	loss := e.cfg.Loss.graph(e.forward(words, mask, drop, values), targets, weights)
	if e.first > 0 {
		return append([]*g.Node{loss}, d.pack.joinNodes(g.Gradient(loss, values[e.first:]...))...)
	}
	all := g.Gradient(loss, append([]*g.Node{words}, values...)...)
	at, grad := g.Reshape(ids, -1, 1), g.Reshape(all[0], -1, e.model.Hidden)
	return slices.Concat([]*g.Node{loss}, d.pack.joinNodes(all[1:]), []*g.Node{g.Scatter(at, grad, table.Shape(), false, false),
		g.Scatter(at, g.ReduceMean(g.Mul(grad, grad), -1), shapes.Make(dtypes.Float32, e.model.Vocab), false, false)})
}

// sums adds the second half of its inputs to the first half.
func sums(in []*g.Node) []*g.Node {
	n := len(in) / 2
	out := make([]*g.Node, n)
	for i := range out {
		out[i] = g.Add(in[i], in[n+i])
	}
	return out
}

// update builds clipping and Adam, and AdaGrad for the word table. Its inputs are knobs, table, weights, state and gradients; it returns
// the new weights, state and table.
func (d *deviceHome) update(in []*g.Node) []*g.Node {
	e := d.e
	n, knobs, table, rest := d.pack.count(), in[0], in[1], in[2+e.first:]
	ps, ms, vs, rest := rest[:n], rest[n:2*n], rest[2*n:3*n], rest[3*n:]
	var accum *g.Node
	if e.first == 0 {
		accum, rest = rest[0], rest[1:]
	}
	grads := rest[:n]
	if e.cfg.Clip > 0 {
		grads = clip(grads, e.cfg.Clip)
	}
	out := make([]*g.Node, 3*n)
	for i, p := range ps {
		decay := e.cfg.WeightDecay
		if p.Rank() < 2 { // biases and normalisations have no weight decay
			decay = 0
		}
		out[i], out[n+i], out[2*n+i] = adam(p, grads[i], ms[i], vs[i], knobs, decay)
	}
	if e.first > 0 {
		return out
	}
	rate := g.Reshape(g.Slice(knobs, g.AxisRange(0, 1)), 1, 1)
	accum = g.Add(accum, rest[n+1])
	scale := g.Reshape(g.Rsqrt(g.AddScalar(accum, tiniest)), -1, 1)
	return append(out, accum, g.Sub(table, g.Mul(g.Mul(rest[n], scale), rate)))
}

// stepGraph builds gradients and update as one graph.
func (d *deviceHome) stepGraph(in []*g.Node) []*g.Node {
	const batch = 5
	knobs, table := in[batch], in[batch+1]
	values, state := in[batch+2:][:len(d.e.values)], in[batch+2+len(d.e.values):]
	out := d.gradients(append(append(append([]*g.Node{}, in[:batch]...), table), values...))
	args := append(append([]*g.Node{knobs, table}, values...), state...)
	return append(out[:1:1], d.update(append(args, out[1:]...))...)
}

func vector(x []float32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(x, len(x)) }
