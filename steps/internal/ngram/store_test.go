package ngram

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rein/steps/artifact"
)

var small = Config{Spec: Spec, Buckets: 64, Dim: 4, Hidden: 3, MaxBytes: 256}

func saved(t *testing.T) (artifact.Model, *Model) {
	t.Helper()
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	m := NewModel(small, 3, 7)
	err := m.Save(dir, artifact.ModelInfo{Classes: []string{"benign", "jailbreak", "other"}, Threshold: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func TestSaveLoad(t *testing.T) {
	dir, want := saved(t)
	got, info, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if info.Kind != Kind || info.Threshold != 0.5 {
		t.Errorf("info %+v", info)
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	for want, breakIt := range map[string]func(dir string) error{
		"not a model folder": func(d string) error { return os.Remove(filepath.Join(d, "model.json")) },
		"weights.safetensors": func(d string) error {
			return os.Truncate(filepath.Join(d, "weights.safetensors"), 900)
		},
		"hidden.weight: 0 values, want 12": func(d string) error {
			p := filepath.Join(d, "weights.safetensors")
			b, _ := os.ReadFile(p)
			return os.WriteFile(p, []byte(strings.Replace(string(b), "hidden.weight", "hidden.w_ight", 1)), 0o644)
		},
		"rules of version 9": func(d string) error {
			p := filepath.Join(d, "model.json")
			b, _ := os.ReadFile(p)
			return os.WriteFile(p, []byte(strings.Replace(string(b), `"spec": 4`, `"spec": 9`, 1)), 0o644)
		},
	} {
		dir, _ := saved(t)
		if err := breakIt(dir.Path); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSaveRefusesNaN(t *testing.T) {
	m := NewModel(small, 3, 7)
	m.W2[4] -= m.W2[4]
	m.W2[4] /= m.W2[4]
	err := m.Save(artifact.Model{Path: t.TempDir()}, artifact.ModelInfo{Classes: []string{"benign", "a", "b"}})
	if err == nil || !strings.Contains(err.Error(), "out.weight: value 4 is NaN") {
		t.Errorf("got %v", err)
	}
}

func TestLogitsByHand(t *testing.T) {
	m := NewModel(Config{Spec: Spec, Buckets: 4, Dim: 2, Hidden: 2, MaxBytes: 64}, 2, 1)
	m.Embedding = []float32{0, 0, 1, 2, 3, 4, 5, 6}
	m.IDF = []float32{1, 3, 4, 1}
	m.W1, m.B1 = []float32{1, -1, 1, 1}, []float32{0.5, -9}
	m.W2, m.B2 = []float32{2, -1, 7, 7}, []float32{0.25, 0}
	m.Linear = Linear{[]float32{0, 2, 3, 8}, []float32{-0.25}}
	logits := make([]float32, 2)
	m.Logits([]int32{1, 2}, make([]float32, 2), make([]float32, 2), logits)
	// pooled (4, 6) / 5; hidden (2.5, -8.6) -> (2.5, 0); logits (5.25, -2.5); linear (2 + 3) / 5 - 0.25
	if diff := cmp.Diff([]float32{5.25, -1.75}, logits, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Error(diff)
	}
	Softmax(logits)
	if s := logits[0] + logits[1]; s < 0.999999 || s > 1.000001 {
		t.Errorf("probabilities add up to %v", s)
	}
}
