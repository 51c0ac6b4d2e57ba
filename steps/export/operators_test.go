package export

import (
	"os"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
	"rein/steps/stepstest"
)

// operators counts a graph's operators by type.
func operators(t *testing.T, path string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := onnxgraph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, op := range f.Nodes {
		out[op.Type]++
		if op.Domain != "" {
			out["not of ONNX"]++
		}
	}
	return out
}

// What decides the latency of an encoder's graph are its operators: those of the file, and what ONNX Runtime makes of them when it loads the file.
// The encoder has two layers.
func TestOperatorsOfAnEncodersGraph(t *testing.T) {
	for weights, want := range map[string]struct{ file, loaded map[string]int }{
		"fp32": {
			file: map[string]int{"MatMul": 2*8 + 1, "InstanceNormalization": 5, "LayerNormalization": 0, "Erf": 2, "Softmax": 2 + 1, "Transpose": 2 * 4, "Cast": 1},
			// GELU and the addition before it are one operator.
			loaded: map[string]int{"BiasGelu": 2, "Erf": 0, "InstanceNormalization": 5},
		},
		"int8": {
			file: map[string]int{"MatMulInteger": 2 * 6, "DynamicQuantizeLinear": 2 * 6, "MatMul": 2*2 + 1, "InstanceNormalization": 5, "LayerNormalization": 0, "Erf": 2,
				"Softmax": 2 + 1, "Transpose": 2 * 4, "Cast": 2*6 + 2},
			// A product quantises what it multiplies, but queries, keys and values share what was quantised once for them.
			loaded: map[string]int{"DynamicQuantizeMatMul": 2 * 3, "MatMulIntegerToFloat": 2 * 3, "DynamicQuantizeLinear": 2, "MatMulInteger": 0, "Gelu": 2, "Erf": 0, "InstanceNormalization": 5},
		},
		"fp16": {
			file: map[string]int{"MatMul": 2*8 + 1, "InstanceNormalization": 0, "LayerNormalization": 5, "Erf": 2, "Softmax": 2 + 1, "Transpose": 2 * 4, "Cast": 3},
		},
	} {
		out, err := run(t.Context(), stepstest.New(t, "model", "certificate").Env, Config{MaxDiff: 1e-3, Weights: weights, RecallLoss: 1, FPRise: 1}, Inputs{Model: transformerModel(t)})
		if err != nil {
			t.Fatal(err)
		}
		path, optimized := filepath.Join(out.Model.Path, artifact.ModelGraphFile), filepath.Join(t.TempDir(), "optimized.onnx")
		graph, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ort.Open(graph, ort.Options{Optimized: optimized})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		want.file["Einsum"], want.file["not of ONNX"] = 0, 0
		for _, part := range []struct {
			name      string
			want, got map[string]int
		}{{"the file", want.file, operators(t, path)}, {"the loaded graph", want.loaded, operators(t, optimized)}} {
			for op, n := range part.want {
				if part.got[op] != n {
					t.Errorf("%s, %s: %d of %s, want %d (all: %v)", weights, part.name, part.got[op], op, n, part.got)
				}
			}
		}
	}
}
