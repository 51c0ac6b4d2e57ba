package encoder

import (
	"fmt"
	"math"

	"rein/steps/internal/onnxgraph"
)

// Masked is added to the attention scores of padding. It is far below any real score, but finite: a row of nothing but padding would become
// NaN otherwise.
const Masked = -1e4

// writer builds a Model's ONNX graph.
type writer struct {
	g onnxgraph.Writer
	m *Model
}

// Graph returns the model as an ONNX file: ids [batch, length], filled up with the pad id, to probs and logits [batch, classes]. The word
// table and the matrices have the type weights; the mean over the tokens and the head are always float32.
func (m *Model) Graph(producer string, metadata map[string]string, weights onnxgraph.Weights) []byte {
	graph := &onnxgraph.Graph{Name: "rein_encoder", Producer: producer, Metadata: metadata}
	w := writer{onnxgraph.Writer{Graph: graph, Weights: weights}, m}
	g, rows, classes := w.g, onnxgraph.Dim{Name: "batch"}, onnxgraph.Dim{Size: m.Classes}
	logits := g.Node("Gemm", "logits", []string{w.pool(), w.full(m.Head()), w.full(m.Head() + 1)})
	g.Node("Softmax", "probs", []string{logits}, onnxgraph.Int("axis", -1))
	g.Output("probs", onnxgraph.Float32, rows, classes)
	g.Output("logits", onnxgraph.Float32, rows, classes)
	return g.Encode()
}

// EmbeddingGraph returns the model without its head as an ONNX file: ids [batch, length] to the mean over the tokens, pooled [batch,
// hidden].
func (m *Model) EmbeddingGraph() []byte {
	w := writer{onnxgraph.Writer{Graph: &onnxgraph.Graph{Name: "rein_embedding", Producer: "rein"}}, m}
	w.pool()
	w.g.Output("pooled", onnxgraph.Float32, onnxgraph.Dim{Name: "batch"}, onnxgraph.Dim{Size: m.Hidden})
	return w.g.Encode()
}

// pool adds all nodes from the input to the mean over the tokens, and returns the mean's name.
func (w writer) pool() string {
	g, m := w.g, w.m
	ids := g.Input("ids", onnxgraph.Int64, onnxgraph.Dim{Name: "batch"}, onnxgraph.Dim{Name: "length"})
	g.Ints("axis0", []int{1}, 0)
	g.Ints("axis1", []int{1}, 1)
	g.Ints("middle_axes", []int{2}, 1, 2)
	g.Ints("split_heads", []int{4}, 0, 0, int64(m.Heads), int64(m.Hidden/m.Heads))
	g.Ints("join_heads", []int{3}, 0, 0, int64(m.Hidden))
	w.floats("one", 1)
	w.floats("masked", Masked)
	w.floats("half", 0.5)
	w.floats("root_two", float32(math.Sqrt2))

	isToken := ""
	if m.Pad == 0 {
		isToken = g.Node("Greater", "is_token", []string{ids, g.Ints("zero", nil, 0)})
	} else {
		isToken = g.Node("Not", "is_token", []string{g.Node("Equal", "is_pad", []string{ids, g.Ints("pad", nil, int64(m.Pad))})})
	}
	real := g.Node("Cast", "mask", []string{isToken}, onnxgraph.Int("to", int64(g.Type())))
	gap := g.Node("Mul", "gap", []string{g.Node("Sub", "filling", []string{"one", real}), "masked"})
	bias := g.Node("Unsqueeze", "attention_bias", []string{gap, "middle_axes"})
	x := w.embed(ids)
	if m.Buckets > 0 {
		bias = g.Node("Add", "attention_biases", []string{bias, w.relative()})
	}
	for i := range m.Layers {
		x = w.layer(i, x, bias)
	}
	if g.Type() != onnxgraph.Float32 { // a sum over 512 tokens would lose too much precision in float16
		x = g.Node("Cast", "hidden_full", []string{x}, onnxgraph.Int("to", int64(onnxgraph.Float32)))
		real = g.Node("Cast", "mask_full", []string{isToken}, onnxgraph.Int("to", int64(onnxgraph.Float32)))
	}
	return w.mean(x, real)
}

// relative adds the relative bias for the length of a batch: [1, heads, length, length]. The graph holds a table of the bias for every
// distance, and gathers from it by the difference of two positions.
func (w writer) relative() string {
	g, m := w.g, w.m
	table, most := m.Weights[Relative].Data, m.Positions-1
	by := make([]float32, 0, (2*most+1)*m.Heads)
	for ahead := -most; ahead <= most; ahead++ {
		by = append(by, table[m.Bucket(ahead)*m.Heads:][:m.Heads]...)
	}
	g.Floats("relative_bias", []int{2*most + 1, m.Heads}, by)
	g.Ints("start", nil, 0)
	g.Ints("step", nil, 1)
	g.Ints("most", nil, int64(most))
	length := g.Node("Squeeze", "length_scalar", []string{"length_now", "axis0"})
	at := g.Node("Range", "places", []string{"start", length, "step"})
	ahead := g.Node("Sub", "ahead", []string{g.Node("Unsqueeze", "places_row", []string{at, "axis0"}), g.Node("Unsqueeze", "places_column", []string{at, "axis1"})})
	picked := g.Node("Gather", "relative_picked", []string{"relative_bias", g.Node("Add", "relative_index", []string{ahead, "most"})}, onnxgraph.Int("axis", 0))
	heads := g.Node("Transpose", "relative_heads", []string{picked}, onnxgraph.List("perm", 2, 0, 1))
	return g.Node("Unsqueeze", "relative", []string{heads, "axis0"})
}

func (w writer) floats(name string, v float32) { w.g.Floats(name, nil, []float32{v}) }

// weight adds a weight in the graph's type of weights and returns its name. at is its position in Model.Weights.
func (w writer) weight(at int) string {
	t := w.m.Weights[at]
	return w.g.Floats(t.Name, t.Shape, t.Data)
}

// full does what weight does, but always in float32.
func (w writer) full(at int) string {
	t := w.m.Weights[at]
	return w.g.Graph.Floats(t.Name, t.Shape, t.Data)
}

// embed adds the word and position embeddings of the ids, and normalises their sum.
func (w writer) embed(ids string) string {
	g := w.g
	words := g.Lookup("words", ids, "word_table", []int{w.m.Vocab, w.m.Hidden}, w.m.Words)
	length := g.Node("Slice", "length_now", []string{g.Node("Shape", "ids_shape", []string{ids}), "axis1", g.Ints("two", []int{1}, 2), "axis0"})
	if g.Weights != onnxgraph.FP16 {
		g.Node("Expand", "token_ones", []string{g.Floats("one_each", []int{1}, []float32{1}), length})
		g.Node("Expand", "token_zeros", []string{g.Floats("zero_each", []int{1}, []float32{0}), length})
	}
	positions := g.Node("Slice", "positions_now", []string{w.weight(Positions), "axis0", length, "axis0"})
	return w.norm("embedded", g.Node("Add", "embedding_sum", []string{words, positions}), EmbedGain)
}

// norm normalises over the last axis. gain is the position of the gain in Model.Weights; the bias follows it. For a CPU it
// writes an InstanceNormalization whose channels are the tokens. A LayerNormalization computes the same, but takes six times
// as long in ONNX Runtime 1.27 to 1.29, and about as long in other versions. fp16 is for GPUs and gets the usual operator.
func (w writer) norm(name, x string, gain int) string {
	g, epsilon := w.g, onnxgraph.Float("epsilon", float32(w.m.Epsilon))
	if g.Weights == onnxgraph.FP16 {
		return g.Node("LayerNormalization", name, []string{x, w.weight(gain), w.weight(gain + 1)}, onnxgraph.Int("axis", -1), epsilon)
	}
	unit := g.Node("InstanceNormalization", name+"_unit", []string{x, "token_ones", "token_zeros"}, epsilon)
	return g.Node("Add", name, []string{g.Node("Mul", name+"_gained", []string{unit, w.weight(gain)}), w.weight(gain + 1)})
}

// linear multiplies by the matrix at a position of Model.Weights and adds the bias that follows it.
func (w writer) linear(name, x string, at int) string {
	matrix := w.m.Weights[at]
	return w.g.Node("Add", name, []string{w.g.MatMul(name+"_product", x, matrix.Name, matrix.Shape, matrix.Data), w.weight(at + 1)})
}

// layer adds one attention block and one feed-forward block.
func (w writer) layer(i int, x, bias string) string {
	g, at, p := w.g, w.m.Layer(i), fmt.Sprintf("l%d_", i)
	heads := w.attention(p, w.queries(p, x, at), bias)
	sum := g.Node("Add", p+"attended", []string{x, w.linear(p+"out", heads, at+Out)})
	x = w.norm(p+"norm1", sum, at+Norm1)
	up := w.linear(p+"up", x, at+Up)
	erf := g.Node("Erf", p+"erf", []string{g.Node("Div", p+"erf_in", []string{up, "root_two"})}) // PyTorch's form of GELU, which ONNX Runtime makes one operator of
	gate := g.Node("Add", p+"gate", []string{erf, "one"})
	gelu := g.Node("Mul", p+"gelu", []string{g.Node("Mul", p+"gated", []string{up, gate}), "half"})
	return w.norm(p+"norm2", g.Node("Add", p+"fed", []string{x, w.linear(p+"down", gelu, at+Down)}), at+Norm2)
}

// queries adds the queries, keys and values of all heads: [batch, heads, length, size], the keys transposed to [batch, heads, size,
// length]. The attention's scale is multiplied into the weights of the queries, which saves a node.
func (w writer) queries(p, x string, at int) [3]string {
	g, h := w.g, w.m.Hidden
	scale := float32(1 / math.Sqrt(float64(h/w.m.Heads)))
	matrix, bias := w.m.Weights[at+QKV], w.m.Weights[at+QKVBias]
	var out [3]string
	for j, k := range []string{"q", "k", "v"} {
		part, add := make([]float32, 0, h*h), append([]float32(nil), bias.Data[j*h:(j+1)*h]...)
		for row := range h {
			part = append(part, matrix.Data[row*3*h+j*h:][:h]...)
		}
		order := []int64{0, 2, 1, 3}
		switch j {
		case 0:
			for _, v := range [][]float32{part, add} {
				for i := range v {
					v[i] *= scale
				}
			}
		case 1:
			order = []int64{0, 2, 3, 1}
		}
		name := p + k
		y := g.MatMul(name+"_product", x, name+"_weight", []int{h, h}, part)
		y = g.Node("Add", name, []string{y, g.Floats(name+"_bias", []int{h}, add)})
		y = g.Node("Reshape", name+"_split", []string{y, "split_heads"})
		out[j] = g.Node("Transpose", name+"_heads", []string{y}, onnxgraph.List("perm", order...))
	}
	return out
}

// attention adds the attention of all heads, and joins their results to [batch, length, hidden].
func (w writer) attention(p string, qkv [3]string, bias string) string {
	g := w.g
	scores := g.Node("Add", p+"scores", []string{g.Node("MatMul", p+"likeness", []string{qkv[0], qkv[1]}), bias})
	share := g.Node("Softmax", p+"share", []string{scores}, onnxgraph.Int("axis", -1))
	mixed := g.Node("Transpose", p+"mixed", []string{g.Node("MatMul", p+"mix", []string{share, qkv[2]})}, onnxgraph.List("perm", 0, 2, 1, 3))
	return g.Node("Reshape", p+"joined", []string{mixed, "join_heads"})
}

// mean averages x over the tokens, without padding: [batch, length, hidden] to [batch, hidden].
func (w writer) mean(x, mask string) string {
	g := w.g
	row := g.Node("Unsqueeze", "mask_row", []string{mask, "axis1"}) // [batch, 1, length]
	sum := g.Node("Squeeze", "sum", []string{g.Node("MatMul", "sum_row", []string{row, x}), "axis1"})
	tokens := g.Node("ReduceSum", "tokens", []string{mask, "axis1"}, onnxgraph.Int("keepdims", 1))
	return g.Node("Div", "pooled", []string{sum, g.Node("Max", "tokens_or_one", []string{tokens, g.Graph.Floats("least_tokens", nil, []float32{1})})})
}
