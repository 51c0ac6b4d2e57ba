package ngram

import "rein/steps/internal/onnxgraph"

// Names of the graph's input and outputs.
const (
	InputIDs      = "ids"
	OutputProbs   = "probs"
	OutputLogits  = "logits"
	batch, length = "batch", "length"
)

// Graph is the model as ONNX: ids [batch, length], padded with 0, to probs and logits [batch, classes]; with its
// embedding in float32 or int8 (float16 is for models that a GPU runs).
func (m *Model) Graph(producer string, metadata map[string]string, weights onnxgraph.Weights) []byte {
	g := onnxgraph.Writer{Graph: &onnxgraph.Graph{Name: "rein_ngram", Producer: producer, Metadata: metadata}, Weights: weights}
	rows, classes := onnxgraph.Dim{Name: batch}, onnxgraph.Dim{Size: m.Classes}
	ids := g.Input(InputIDs, onnxgraph.Int64, rows, onnxgraph.Dim{Name: length})
	axis := g.Ints("length_axis", []int{1}, 1)
	w1, b1 := g.Floats("hidden.weight", []int{m.Dim, m.Hidden}, m.W1), g.Floats("hidden.bias", []int{m.Hidden}, m.B1)
	w2, b2 := g.Floats("out.weight", []int{m.Hidden, m.Classes}, m.W2), g.Floats("out.bias", []int{m.Classes}, m.B2)

	// The padding's rows are zero, so that summing all columns is right; a text without features has a norm of 0, and a sum.
	vectors := g.Lookup("vectors", ids, "embedding", []int{m.Buckets, m.Dim}, m.Embedding)
	sum := g.Node("ReduceSum", "sum", []string{vectors, axis}, onnxgraph.Int("keepdims", 0))
	squares := g.Floats("squares", []int{m.Buckets, 1}, m.squares())
	each := g.Node("Gather", "feature_squares", []string{squares, ids})
	found := g.Node("ReduceSum", "sum_of_squares", []string{each, axis}, onnxgraph.Int("keepdims", 0))
	norm := g.Node("Sqrt", "norm", []string{g.Node("Max", "squared_norm", []string{found, g.Floats("tiny", nil, []float32{1e-30})})})
	pooled := g.Node("Div", "pooled", []string{sum, norm})
	hidden := g.Node("Relu", "hidden", []string{g.Node("Gemm", "hidden_in", []string{pooled, w1, b1})})
	logits := g.Node("Gemm", OutputLogits, []string{hidden, w2, b2})
	g.Node("Softmax", OutputProbs, []string{logits}, onnxgraph.Int("axis", -1))
	g.Output(OutputProbs, onnxgraph.Float32, rows, classes)
	g.Output(OutputLogits, onnxgraph.Float32, rows, classes)
	return g.Encode()
}

// squares are those of the weights; the padding weighs nothing.
func (m *Model) squares() []float32 {
	out := make([]float32, m.Buckets)
	for i := 1; i < m.Buckets; i++ {
		out[i] = m.IDF[i] * m.IDF[i]
	}
	return out
}
