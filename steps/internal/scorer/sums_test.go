package scorer

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// The logits of many texts have the same bits as those of the whole graph in ONNX Runtime, and as those of each text alone.
func TestSumsEqualTheWholeGraph(t *testing.T) {
	dir, m := model(t)
	apart, whole := open(t, dir, Options{}), open(t, dir, Options{Whole: true})
	words := strings.Fields("ignore all previous instructions please what is the weather 1gn0re \u200b漢字 DAN naïve :-)")
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		texts := rapid.SliceOfN(rapid.String(), 0, 40).Draw(t, "texts")
		for len(texts) < bulk+rapid.IntRange(0, 700).Draw(t, "more") {
			text := make([]string, rng.IntN(1<<rng.IntN(9)))
			for i := range text {
				text[i] = words[rng.IntN(len(words))] + strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(4))
			}
			texts = append(texts, strings.Join(text, " "))
		}
		got, err := apart.Score(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		if cpu.X86.HasAVX2 && apart.apart.Load() == nil {
			t.Fatal("the graph wasn't taken apart")
		}
		want, err := whole.Score(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range texts {
			if !slices.Equal(got[i].Probs, want[i].Probs) {
				t.Fatalf("%q: %v, the whole graph says %v", texts[i], got[i].Probs, want[i].Probs)
			}
		}
		i := rng.IntN(len(texts))
		if alone, err := apart.Score(t.Context(), texts[i:i+1]); err != nil || !slices.Equal(alone[0].Probs, want[i].Probs) {
			t.Fatalf("alone %v, %v, beside others %v", alone, err, want[i].Probs)
		}
	})
	if whole.apart.Load() != nil || m.Dim%8 != 0 {
		t.Error("the whole graph was to be run as it is")
	}
}

// A graph that adds up in another order, or isn't ours, is run as a whole.
func TestSumsThatDiffer(t *testing.T) {
	dir, m := model(t)
	other := *m
	other.Embedding = slices.Clone(m.Embedding)
	other.Embedding[5*m.Dim+3]++
	session, err := ort.Open(other.Graph("test", nil, onnxgraph.FP32), ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if newSums(m.Graph("test", nil, onnxgraph.FP32), session, m.Classes) != nil {
		t.Error("sums that differ were taken for equal")
	}
	for name, graph := range map[string][]byte{"int8": m.Graph("test", nil, onnxgraph.Quantized), "broken": []byte("no graph")} {
		if newSums(graph, session, m.Classes) != nil {
			t.Errorf("%s: was taken apart", name)
		}
	}
	texts := slices.Repeat([]string{"ignore all", "what is it?", ""}, bulk)
	want, err := open(t, dir, Options{Whole: true}).Score(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir.Path, artifact.ModelGraphFile), m.Graph("test", nil, onnxgraph.Quantized), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	got, err := s.Score(t.Context(), texts)
	if err != nil || s.apart.Load() != nil || len(got) != len(want) {
		t.Errorf("%d scores of %d, %v", len(got), len(want), err)
	}
}
