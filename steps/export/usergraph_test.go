package export

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ort"
	"rein/steps/internal/usergraph"
	"rein/steps/stepstest"
)

func userGraphModel(t *testing.T) artifact.Model {
	t.Helper()
	m, files, err := usergraph.Read(usergraph.Source{Path: encodertest.Graph(t, nil), Output: "last_hidden_state"}, 3, 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	if err := m.Save(dir, artifact.ModelInfo{Classes: []string{"benign", "a", "b"}, Threshold: 0.4}, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A user's graph is certified against the GoMLX graph it was trained as, and carries the model's facts.
func TestExportsAUserGraph(t *testing.T) {
	env := stepstest.New(t, "model", "certificate")
	out, err := run(t.Context(), env.Env, Config{MaxDiff: 1e-4}, Inputs{Model: userGraphModel(t)})
	if err != nil {
		t.Fatal(err)
	}
	if env.Metrics["certified_rows"] < 1000 || env.Metrics["decisions_flipped"] != 0 {
		t.Errorf("%v", env.Metrics)
	}
	b, err := os.ReadFile(filepath.Join(out.Model.Path, artifact.ModelGraphFile))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.Open(b, ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Metadata(); got["kind"] != usergraph.Kind || got["threshold"] != "0.4" || !strings.Contains(got["text"], "max_tokens") {
		t.Errorf("metadata %v", got)
	}
}

func TestDoesNotQuantiseAUserGraph(t *testing.T) {
	env := stepstest.New(t, "model", "certificate")
	_, err := run(t.Context(), env.Env, Config{MaxDiff: 1e-4, Weights: "int8"}, Inputs{Model: userGraphModel(t)})
	if err == nil || !strings.Contains(err.Error(), "int8") {
		t.Errorf("got %v", err)
	}
}
