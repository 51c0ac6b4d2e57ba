package encoder_test

import (
	"slices"
	"testing"

	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/onnxgraph"
)

// Every constant has a node that uses it. Programs that load a graph warn about unused ones.
func TestGraphsHaveNoConstantTooMany(t *testing.T) {
	for _, kind := range []string{"bert", "distilbert", "roberta", "mpnet"} {
		m, err := encoder.Read(encodertest.Folder(t, kind), 3, 48, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, weights := range []onnxgraph.Weights{onnxgraph.FP32, onnxgraph.FP16, onnxgraph.Quantized} {
			f, err := onnxgraph.Parse(m.Graph("rein", nil, weights))
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range f.Weights {
				if !slices.ContainsFunc(f.Nodes, func(op *onnxgraph.Op) bool { return slices.Contains(op.Inputs, w.Name) }) {
					t.Errorf("%s, weights %q: no node uses %q", kind, weights, w.Name)
				}
			}
		}
	}
}
