package ngram

import (
	"slices"

	"rein/steps/internal/onnxgraph"
)

// Names of the graph's input and outputs.
const (
	InputIDs      = "ids"
	OutputProbs   = "probs"
	OutputLogits  = "logits"
	batch, length = "batch", "length"
)

// Graph returns the model as an ONNX file: ids [batch, length], padded with 0, to probs and logits [batch, classes]. Its embedding is
// float32 or int8; float16 is only for models that run on a GPU.
func (m *Model) Graph(producer string, metadata map[string]string, weights onnxgraph.Weights) []byte {
	g := onnxgraph.Writer{Graph: &onnxgraph.Graph{Name: "rein_ngram", Producer: producer, Metadata: metadata}, Weights: weights}
	rows, classes := onnxgraph.Dim{Name: batch}, onnxgraph.Dim{Size: m.Classes}
	ids := g.Input(InputIDs, onnxgraph.Int64, rows, onnxgraph.Dim{Name: length})
	axis := g.Ints("length_axis", []int{1}, 1)
	w1, b1 := g.Floats("hidden.weight", []int{m.Dim, m.Hidden}, m.W1), g.Floats("hidden.bias", []int{m.Hidden}, m.B1)
	b := m.exceptBenign(m.Linear.Bias[0])
	for i := range b {
		b[i] += m.B2[i]
	}
	w2, b2 := g.Floats("out.weight", []int{m.Hidden, m.Classes}, m.W2), g.Floats("out.bias", []int{m.Classes}, b)

	// The padding's rows are zero, so summing all columns gives the right sum. A text without features has a sum and a norm of 0; tiny
	// avoids the division by 0.
	vectors := g.Lookup("vectors", ids, "embedding", []int{m.Buckets, m.Dim}, m.Embedding)
	sum := g.Node("ReduceSum", "sum", []string{vectors, axis}, onnxgraph.Int("keepdims", 0))
	features := g.Node("Gather", "feature_weights", []string{g.Floats("features", []int{m.Buckets, 2}, m.features()), ids})
	sums := g.Node("ReduceSum", "feature_sums", []string{features, axis}, onnxgraph.Int("keepdims", 0))
	column := func(name string, at int64) string {
		return g.Node("Gather", name, []string{sums, g.Ints(name+"_column", []int{1}, at)}, onnxgraph.Int("axis", 1))
	}
	norm := g.Node("Sqrt", "norm", []string{g.Node("Max", "squared_norm", []string{column("sum_of_squares", squareAt), g.Floats("tiny", nil, []float32{tiny})})})
	pooled := g.Node("Div", "pooled", []string{sum, norm})
	hidden := g.Node("Relu", "hidden", []string{g.Node("Gemm", "hidden_in", []string{pooled, w1, b1})})
	deep := g.Node("Gemm", "network_logits", []string{hidden, w2, b2})
	score := g.Node("Div", "linear_score", []string{column("linear_sum", linearAt), norm})
	logits := g.Node("Gemm", OutputLogits, []string{score, g.Floats("linear.weight", []int{1, m.Classes}, m.exceptBenign(1)), deep})
	g.Node("Softmax", OutputProbs, []string{logits}, onnxgraph.Int("axis", -1))
	g.Output(OutputProbs, onnxgraph.Float32, rows, classes)
	g.Output(OutputLogits, onnxgraph.Float32, rows, classes)
	return g.Encode()
}

// exceptBenign returns a row of logits with x for all classes but the first.
func (m *Model) exceptBenign(x float32) []float32 {
	out := slices.Repeat([]float32{x}, m.Classes)
	out[0] = 0
	return out
}

// features is linearTable as a flat list. The graph needs only one look-up for both columns.
func (m *Model) features() []float32 {
	out := make([]float32, 0, 2*m.Buckets)
	for _, f := range m.linearTable() {
		out = append(out, f[:]...)
	}
	return out
}
