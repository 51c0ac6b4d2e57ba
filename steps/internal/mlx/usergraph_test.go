package mlx

import (
	"math"
	"strings"
	"testing"

	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
	"rein/steps/internal/usergraph"
)

func openGraph(t *testing.T, output string, extra func(*onnxgraph.Graph, string) string) *usergraph.Model {
	t.Helper()
	m, _, err := usergraph.Read(usergraph.Source{Path: encodertest.Graph(t, extra), Output: output}, 6, 40, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The graph that is trained gives the logits of the graph that is exported, before and after updates. The updates lower the loss.
func TestUserGraphAnswersAsExported(t *testing.T) {
	b, err := Open("cpu", true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, output := range []string{"logits", "pooler_output", "last_hidden_state"} {
		m := openGraph(t, output, lowered)
		u, err := NewUserGraph(b, m, EncoderConfig{Clip: 1}, 3)
		if err != nil {
			t.Fatal(err)
		}
		batch := LookupGraph(m, 3, [][]int32{{2, 7, 9, 11, 3}, {2, 8, 3}})
		batch.Targets, batch.Weights, batch.Drop = make([]float32, 18), []float32{1, 1, 0}, ones(3*m.Width)
		batch.Targets[1], batch.Targets[6] = 1, 1
		same := func() {
			t.Helper()
			want, err := u.Logits(batch)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ort.Open(m.Graph(nil), ort.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			in := make([]int64, len(batch.IDs))
			for i, id := range batch.IDs {
				in[i] = int64(id)
			}
			got, err := s.Run(3, batch.Length, in)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if math.Abs(float64(want[i]-got[1][i])) > 1e-5 {
					t.Errorf("%s: logit %d: %v in training, %v exported", output, i, want[i], got[1][i])
				}
			}
		}
		same()
		first, last := float32(0), float32(0)
		for i := range 20 {
			loss, words, err := u.Step([]EncoderBatch{batch}, 0.01)
			if err != nil {
				t.Fatal(err)
			}
			if len(words) != 1 || len(words[0]) != len(batch.Words) {
				t.Fatalf("gradients of %d parts, the first of %d of %d looked-up values", len(words), len(words[0]), len(batch.Words))
			}
			if last = loss; i == 0 {
				first = loss
			}
		}
		if last > first/2 {
			t.Errorf("%s: the loss went from %v to %v", output, first, last)
		}
		same()
		u.Close()
	}
}

// lowered adds operators that onnx-gomlx or ONNX Runtime's device can only run after Lower.
func lowered(g *onnxgraph.Graph, x string) string {
	g.Floats("nothing", nil, []float32{0})
	nan := g.Node("IsNaN", "is_nan", []string{x})
	return g.Node("Where", "numbers", []string{nan, "nothing", x})
}

func TestUserGraphNamesTheOperator(t *testing.T) {
	b, err := Open("cpu", true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m := openGraph(t, "", func(g *onnxgraph.Graph, x string) string { return g.Node("Celu", "own_celu", []string{x}) })
	_, err = NewUserGraph(b, m, EncoderConfig{}, 2)
	if err == nil || !strings.Contains(err.Error(), "Celu") || !strings.Contains(err.Error(), `"own_celu"`) {
		t.Errorf("got %v", err)
	}
}
