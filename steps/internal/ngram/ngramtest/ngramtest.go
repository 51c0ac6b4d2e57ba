// Package ngramtest makes small models for tests of steps.
package ngramtest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
)

// Random returns a model with random weights, so that it gives different scores to different texts. With graph, its folder has the ONNX
// graph, too.
func Random(t testing.TB, threshold float64, graph bool) artifact.Model {
	t.Helper()
	cfg := ngram.Default()
	cfg.Buckets = 1 << 10
	m := ngram.NewModel(cfg, 3, 11)
	Known(m)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := m.Dim; i < len(m.Embedding); i++ {
		m.Embedding[i] = m.IDF[i/m.Dim] * float32(rng.NormFloat64())
	}
	out := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	info := artifact.ModelInfo{Classes: []string{artifact.Benign, "jailbreak", "pii"}, Threshold: threshold, Rule: "given"}
	if err := m.Save(out, info); err != nil {
		t.Fatal(err)
	}
	if graph {
		if err := os.WriteFile(filepath.Join(out.Path, artifact.ModelGraphFile), m.Graph("rein", nil, onnxgraph.FP32), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Known gives every id of a model a weight, also in the linear part, as if training had seen it.
func Known(m *ngram.Model) {
	for i := range m.IDF {
		m.IDF[i] = float32(1 + i%7)
		m.Linear.Weights[i] = m.IDF[i] * float32(i%11-5) / 4
	}
	m.Linear.Weights[0], m.Linear.Bias[0] = 0, 0.25
}
