package train

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/stepstest"
)

// Encoders that count positions behind the pad id, and add a bias by distance, are fine-tuned with the same bytes every
// time, and score as they did in training.
func TestFineTunesOtherEncoders(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.LearningRate, c.Clip = 2, 32, 0.01, 1
	rows, validation := toy(t, 300, 1), toy(t, 120, 2)
	for _, kind := range []string{"roberta", "mpnet"} {
		base := artifact.File{Path: encodertest.Folder(t, kind)}
		for _, frozen := range []int{0, 2} {
			c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 64, Frozen: frozen}
			var weights [2][]byte
			for i := range weights {
				env := stepstest.New(t, "model")
				out, err := run(t.Context(), env.Env, c, Inputs{Rows: rows, Validation: validation, Base: base})
				if err != nil {
					t.Fatal(err)
				}
				weights[i], _ = os.ReadFile(filepath.Join(out.Model.Path, "weights.safetensors"))
				checkScores(t, out.Model, validation, env.Metrics["validation_auc"])
			}
			if len(weights[0]) == 0 || !bytes.Equal(weights[0], weights[1]) {
				t.Errorf("%s, frozen %d: two trainings with one seed gave different bytes", kind, frozen)
			}
		}
	}
}

// Arguments that would have no effect are errors.
func TestRefusesWhatItWouldPassOver(t *testing.T) {
	rows, validation := toy(t, 60, 1), toy(t, 60, 2)
	base := artifact.File{Path: encodertest.Folder(t, "bert")}
	sizes := ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 64}
	frozen, output := sizes, sizes
	frozen.Frozen, output.Output = 1, "logits"
	for name, c := range map[string]struct {
		model ModelConfig
		in    Inputs
		want  string
	}{
		"frozen n-grams": {frozen, Inputs{}, "model.frozen_layers: the n-gram model has no layers"},
		"output of none": {output, Inputs{Base: base}, "model.output: it names an output of graph"},
		"base and init":  {sizes, Inputs{Base: base, Init: artifact.Model{Path: "m"}}, "model.base: it is the encoder to start from, and init is another"},
	} {
		cfg := toyConfig()
		cfg.Model, c.in.Rows, c.in.Validation = &c.model, rows, validation
		if _, err := run(t.Context(), stepstest.New(t, "model").Env, cfg, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A model must record the rows that it was trained on by label, source and method, with variations apart.
func TestModelSaysWhatItWasTrainedOn(t *testing.T) {
	read, err := toy(t, 90, 1).Read()
	if err != nil {
		t.Fatal(err)
	}
	for i := range read {
		read[i].Source = []string{"forum", "tickets", ""}[i%3]
		if i < 10 {
			read[i].Method = "synonym"
		}
	}
	rows, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), read)
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), stepstest.New(t, "model").Env, toyConfig(), Inputs{Rows: rows, Validation: toy(t, 60, 2)})
	if err != nil {
		t.Fatal(err)
	}
	info, err := out.Model.Info()
	if err != nil {
		t.Fatal(err)
	}
	want := &artifact.ModelData{Benign: 60, Malicious: 30, Validation: 60, Sources: map[string]int{"forum": 30, "tickets": 30}, Methods: map[string]int{"synonym": 10}}
	if diff := cmp.Diff(want, info.Data); diff != "" {
		t.Error(diff)
	}
}

// Arguments that aren't set get the default of the kind of model.
func TestDefaultsByKind(t *testing.T) {
	c := Config{Smoothing: -1, Category: -1}
	if g := c.filled(false); g.Smoothing != 0.1 || g.Category != 0.1 || g.HeadRate != 0.001 || g.BatchSize != 256 {
		t.Errorf("n-grams: %+v", g)
	}
	if e := c.filled(true); e.Smoothing != 0 || e.Category != 1 || e.HeadRate != 0.003 || e.BatchSize != 16 {
		t.Errorf("an encoder: %+v", e)
	}
	if said := (Config{Smoothing: 0, Category: 0.5}).filled(false); said.Smoothing != 0 || said.Category != 0.5 {
		t.Errorf("as said: %+v", said)
	}
}
