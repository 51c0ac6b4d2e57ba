package train

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/scorer"
	"rein/steps/internal/usergraph"
	"rein/steps/stepstest"
)

// A user's own graph is fine-tuned, with the same bytes every time, goes on from where it was, and scores as it did on
// validation rows.
func TestFineTunesAGraph(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.LearningRate, c.Clip = 4, 32, 0.01, 1
	c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 64, Output: "last_hidden_state"}
	rows, validation := toy(t, 600, 1), toy(t, 200, 2)
	graph := artifact.File{Path: encodertest.Graph(t, nil)}
	train := func(in Inputs) (*stepstest.Env, artifact.Model) {
		t.Helper()
		in.Rows, in.Validation = rows, validation
		env := stepstest.New(t, "model")
		out, err := run(t.Context(), env.Env, c, in)
		if err != nil {
			t.Fatal(err)
		}
		return env, out.Model
	}
	env, a := train(Inputs{Graph: graph})
	// a file with its tokenizer said apart is the same training
	_, b := train(Inputs{Graph: artifact.File{Path: filepath.Join(graph.Path, "model.onnx")}, Tokenizer: graph})
	x, _ := os.ReadFile(filepath.Join(a.Path, usergraph.GraphFile))
	y, _ := os.ReadFile(filepath.Join(b.Path, usergraph.GraphFile))
	if len(x) == 0 || !bytes.Equal(x, y) {
		t.Error("two trainings with one seed gave different bytes")
	}
	if env.Metrics["validation_auc"] < 0.85 {
		t.Errorf("AUC %v", env.Metrics["validation_auc"])
	}
	c.Model.Output = "" // a training that goes on has its graph, cut there, from the model
	further, _ := train(Inputs{Init: a})
	if now, before := further.Series["train_loss"][0][1], env.Series["train_loss"][0][1]; now > before {
		t.Errorf("going on began with loss %v, the first time with %v", now, before)
	}
	checkScores(t, a, validation, env.Metrics["validation_auc"])
}

func checkScores(t *testing.T, m artifact.Model, rows artifact.Rows, want float64) {
	t.Helper()
	d, err := load(t.Context(), rows, "rows", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scorer.Open(t.Context(), m, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	scores, err := s.Score(t.Context(), d.texts)
	if err != nil {
		t.Fatal(err)
	}
	threats := make([]float32, len(scores))
	for i, v := range scores {
		threats[i] = v.Threat
	}
	if a := auc(threats, d.benign); a-want > 1e-4 || want-a > 1e-4 {
		t.Errorf("AUC of the scorer %v, of the training %v", a, want)
	}
}

func TestGraphInputsThatContradict(t *testing.T) {
	some := artifact.File{Path: "x"}
	for want, in := range map[string]Inputs{
		"model.base and model.graph: give one": {Base: some, Graph: some},
		"tokenizer: it goes with":              {Tokenizer: some},
		"init and model.graph":                 {Init: artifact.Model{Path: "x"}, Graph: some},
	} {
		env := stepstest.New(t, "model")
		if _, err := run(t.Context(), env.Env, toyConfig(), in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
