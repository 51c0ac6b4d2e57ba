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
	zero := g.Ints("zero", nil, 0)
	one := g.Floats("one", nil, []float32{1})
	axis := g.Ints("length_axis", []int{1}, 1)
	w1, b1 := g.Floats("hidden.weight", []int{m.Dim, m.Hidden}, m.W1), g.Floats("hidden.bias", []int{m.Hidden}, m.B1)
	w2, b2 := g.Floats("out.weight", []int{m.Hidden, m.Classes}, m.W2), g.Floats("out.bias", []int{m.Classes}, m.B2)

	// the padding's row is zero, so that summing all columns is right and only the count must leave them out
	vectors := g.Lookup("vectors", ids, "embedding", []int{m.Buckets, m.Dim}, m.Embedding)
	sum := g.Node("ReduceSum", "sum", []string{vectors, axis}, onnxgraph.Int("keepdims", 0))
	real := g.Node("Greater", "is_feature", []string{ids, zero})
	flags := g.Node("Cast", "feature_flags", []string{real}, onnxgraph.Int("to", int64(onnxgraph.Float32)))
	found := g.Node("ReduceSum", "features", []string{flags, axis}, onnxgraph.Int("keepdims", 1))
	count := g.Node("Max", "count", []string{found, one})
	pooled := g.Node("Div", "pooled", []string{sum, g.Node("Sqrt", "length_norm", []string{count})})
	hidden := g.Node("Relu", "hidden", []string{g.Node("Gemm", "hidden_in", []string{pooled, w1, b1})})
	logits := g.Node("Gemm", OutputLogits, []string{hidden, w2, b2})
	g.Node("Softmax", OutputProbs, []string{logits}, onnxgraph.Int("axis", -1))
	g.Output(OutputProbs, onnxgraph.Float32, rows, classes)
	g.Output(OutputLogits, onnxgraph.Float32, rows, classes)
	return g.Encode()
}
