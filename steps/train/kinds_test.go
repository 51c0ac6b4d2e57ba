package train

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/stepstest"
)

// Encoders that count positions behind the pad id, and add a bias by distance, are fine-tuned with the same bytes every
// time, and score as they did in training.
func TestFineTunesOtherEncoders(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.Rate, c.Clip = 2, 32, 0.01, 1
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
