package encodertest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"rein/steps/internal/onnxgraph"
)

// Graph writes a folder as a user may have it, and returns its path. The folder has a tokenizer's files and a small random model.onnx with
// the usual inputs. The model gives token vectors (last_hidden_state) and logits over 6 classes. extra, if it isn't nil, adds operators
// behind the token vectors x and returns the name of the result, which becomes last_hidden_state.
func Graph(t testing.TB, extra func(g *onnxgraph.Graph, x string) string) string {
	t.Helper()
	dir := Folder(t, "bert")
	for _, name := range []string{"config.json", "model.safetensors"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(5, 5))
	g := &onnxgraph.Graph{Name: "own", Producer: "test"}
	draw := func(name string, shape ...int) string {
		size := 1
		for _, d := range shape {
			size *= d
		}
		data := make([]float32, size)
		for i := range data {
			data[i] = float32(0.3 * rng.NormFloat64())
		}
		return g.Floats(name, shape, data)
	}
	const vocab, classes = 100, 6
	dims := []onnxgraph.Dim{{Name: "batch"}, {Name: "sequence"}}
	for _, name := range []string{"input_ids", "attention_mask", "token_type_ids"} {
		g.Input(name, onnxgraph.Int64, dims...)
	}
	words := g.Node("Gather", "words", []string{draw("word_embeddings", vocab, hidden), "input_ids"})
	types := g.Node("Gather", "types", []string{draw("type_embeddings", 2, hidden), "token_type_ids"})
	g.Ints("last", []int{1}, -1)
	mask := g.Node("Cast", "mask", []string{"attention_mask"}, onnxgraph.Int("to", int64(onnxgraph.Float32)))
	x := g.Node("Mul", "seen", []string{g.Node("Add", "sum", []string{words, types}), g.Node("Unsqueeze", "mask3", []string{mask, "last"})})
	x = g.Node("MatMul", "mixed", []string{x, draw("mix", hidden, hidden)})
	x = g.Node("Tanh", "bent", []string{g.Node("Add", "shifted", []string{x, draw("mix_bias", hidden)})})
	if extra != nil {
		x = extra(g, x)
	}
	g.Node("Identity", "last_hidden_state", []string{x})
	g.Ints("one", []int{1}, 1)
	sum := g.Node("ReduceSum", "pooler_output", []string{x, "one"}, onnxgraph.Int("keepdims", 0))
	g.Node("MatMul", "logits", []string{sum, draw("classify", hidden, classes)})
	g.Output("last_hidden_state", onnxgraph.Float32, append(dims, onnxgraph.Dim{Size: hidden})...)
	g.Output("pooler_output", onnxgraph.Float32, dims[0], onnxgraph.Dim{Size: hidden})
	g.Output("logits", onnxgraph.Float32, dims[0], onnxgraph.Dim{Size: classes})
	if err := os.WriteFile(filepath.Join(dir, "model.onnx"), g.Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
