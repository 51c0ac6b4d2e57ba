package usergraph

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// runs returns the logits of two rows, the second of which has padding.
func runs(t *testing.T, m *Model) []float32 {
	t.Helper()
	s, err := ort.Open(m.Graph(nil), ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := int64(m.Pad)
	out, err := s.Run(2, 4, []int64{2, 7, 9, 3, 2, 8, 3, p})
	if err != nil {
		t.Fatal(err)
	}
	if len(out[0]) != 2*m.Classes || len(out[1]) != 2*m.Classes {
		t.Fatalf("%d probabilities, %d logits", len(out[0]), len(out[1]))
	}
	return out[1]
}

func TestBodies(t *testing.T) {
	dir := encodertest.Graph(t, nil)
	for output, want := range map[string]Body{"": BodyLogits, "logits": BodyLogits, "pooler_output": BodyRows, "last_hidden_state": BodyTokens} {
		m, _, err := Read(Source{Path: dir, Output: output}, 6, 40, 1)
		if err != nil {
			t.Fatal(err)
		}
		if m.Body != want || m.Words == nil || len(m.Fixed()) != 1 {
			t.Errorf("%q: %+v, %d fixed", output, m.Config, len(m.Fixed()))
		}
		if trained := map[Body]int{BodyLogits: 3, BodyRows: 4, BodyTokens: 4}[want]; len(m.Trained) != trained {
			t.Errorf("%q: %d weights to train, want %d", output, len(m.Trained), trained)
		}
		got := runs(t, m)
		m.Words.Data[8*m.Words.Hidden] += 1 // a word of the second row
		moved := runs(t, m)
		for i := range got {
			if same := math.Abs(float64(got[i]-moved[i])) < 1e-7; same != (i < 6) {
				t.Errorf("%q: logit %d was %v, is %v after the second row's word has moved", output, i, got[i], moved[i])
			}
		}
	}
	// with fewer classes than the graph has logits, these become a vector for a new head
	if m, _, err := Read(Source{Path: dir}, 3, 40, 1); err != nil || m.Body != BodyRows || m.Width != 6 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestSaveLoad(t *testing.T) {
	m, files, err := Read(Source{Path: encodertest.Graph(t, nil), Output: "last_hidden_state"}, 3, 40, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range m.Values {
		v[0] += 0.5 // as if trained
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	if err := m.Save(dir, artifact.ModelInfo{Classes: []string{"benign", "a", "b"}, Threshold: 0.5}, files); err != nil {
		t.Fatal(err)
	}
	loaded, _, _, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, got := runs(t, m), runs(t, loaded)
	for i := range want {
		if want[i] != got[i] {
			t.Errorf("logit %d: %v, was %v", i, got[i], want[i])
		}
	}
	if loaded.Config != m.Config || len(loaded.Trained) != len(m.Trained) || loaded.Words == nil {
		t.Errorf("%+v, want %+v", loaded.Config, m.Config)
	}
	path := filepath.Join(dir.Path, "vocab.txt")
	b, _ := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), "\nignore\n", "\nignored\n", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not the one") {
		t.Errorf("another vocabulary: %v", err)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	dir := encodertest.Graph(t, nil)
	write := func(edit func(f *onnxgraph.File)) string {
		b, err := os.ReadFile(filepath.Join(dir, ModelName))
		if err != nil {
			t.Fatal(err)
		}
		f, err := onnxgraph.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		edit(f)
		path := filepath.Join(t.TempDir(), "edited.onnx")
		if err := os.WriteFile(path, f.Encode(), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write(func(*onnxgraph.File) {})
	for want, s := range map[string]Source{
		"without its tokenizer":                {Path: plain},
		`no "embeddings", it has`:              {Path: dir, Output: "embeddings"},
		`input "pixel_values" isn't supported`: {Path: write(func(f *onnxgraph.File) { f.Rename("token_type_ids", "pixel_values") }), Tokenizer: dir},
		"have to be dynamic axes":              {Path: fixedSize(t), Tokenizer: dir},
		"not an ONNX model":                    {Path: filepath.Join(dir, "vocab.txt"), Tokenizer: dir},
		"neither tokenizer.json nor vocab.txt": {Path: plain, Tokenizer: t.TempDir()},
	} {
		if _, _, err := Read(s, 6, 40, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// fixedSize is a graph that only takes 3 x 5 ids.
func fixedSize(t *testing.T) string {
	g := &onnxgraph.Graph{}
	g.Input("input_ids", onnxgraph.Int64, onnxgraph.Dim{Name: "batch"}, onnxgraph.Dim{Name: "length"})
	g.Ints("sizes", []int{2}, 3, 5)
	g.Floats("table", []int{100, 4}, make([]float32, 400))
	g.Node("Gather", "out", []string{"table", g.Node("Reshape", "fixed", []string{"input_ids", "sizes"})})
	g.Output("out", onnxgraph.Float32)
	path := filepath.Join(t.TempDir(), "fixed.onnx")
	if err := os.WriteFile(path, g.Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
