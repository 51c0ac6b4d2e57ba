package ngram

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/internal/onnxgraph"
)

// The parts and the rest add up to the linear part's score. This is the difference that the linear part makes to the model's logits.
func TestAttributionIsExact(t *testing.T) {
	cfg := Default()
	cfg.Buckets = 1 << 10
	m, rng := NewModel(cfg, 3, 5), rand.New(rand.NewPCG(2, 2))
	for i := 1; i < cfg.Buckets; i++ {
		m.IDF[i], m.Linear.Weights[i] = 1+rng.Float32(), float32(rng.NormFloat64())
	}
	without := *m
	without.Linear = NewLinear(cfg)
	for _, weights := range []onnxgraph.Weights{onnxgraph.FP32, onnxgraph.Quantized} {
		l := ReadLinear(m.Graph("rein", nil, weights), cfg)
		if l == nil {
			t.Fatalf("no linear part in the %s graph", weights)
		}
		x := NewExtractor(cfg)
		logits := func(m *Model, text string) float64 {
			pooled, hidden, out := make([]float32, m.Dim), make([]float32, m.Hidden), make([]float32, m.Classes)
			m.Logits(x.Features(text, nil), pooled, hidden, out)
			return float64(out[1] - out[0])
		}
		rapid.Check(t, func(t *rapid.T) {
			parts := rapid.SliceOfN(rapid.StringMatching(`[a-eA1'!é]{1,6}`), 1, 30).Draw(t, "parts")
			text := strings.Join(parts, " ")
			a := l.Attribute(text, parts)
			sum := a.Rest
			for _, v := range a.Parts {
				sum += v
			}
			if want := logits(m, text) - logits(&without, text); math.Abs(a.Total-want) > 1e-4 || math.Abs(sum-a.Total) > 1e-9 {
				t.Fatalf("total %v, parts and rest %v, the model %v", a.Total, sum, want)
			}
		})
	}
	if ReadLinear([]byte("no graph"), cfg) != nil {
		t.Error("a linear part of nothing")
	}
}
