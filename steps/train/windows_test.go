package train

import (
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/windows"
	"rein/steps/stepstest"
)

// buried returns rows of which most are longer than a model of 16 tokens reads at once. The attacks are at the end.
func buried(t *testing.T, rows artifact.Rows, filler int) artifact.Rows {
	t.Helper()
	all, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Text = strings.Repeat("report market data ", filler*(i%4)) + all[i].Text
	}
	out, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The rule for long texts is chosen on the validation rows, the threshold rests on scores by that rule, and the model scores rows as its
// training did.
func TestLongTextsAreReadInWindows(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.LearningRate, c.Clip = 4, 32, 0.01, 1
	c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 16, Output: "last_hidden_state"}
	graph := artifact.File{Path: encodertest.Graph(t, nil)}
	rows, validation := toy(t, 600, 1), buried(t, toy(t, 200, 2), 5)
	aucs := map[string]float64{}
	for _, long := range []string{"auto", "cut", windows.NoisyOr} {
		c.Model.Long = long
		env := stepstest.New(t, "model")
		out, err := run(t.Context(), env.Env, c, Inputs{Graph: graph, Rows: rows, Validation: validation})
		if err != nil {
			t.Fatal(err)
		}
		info, err := out.Model.Info()
		if err != nil {
			t.Fatal(err)
		}
		aucs[long] = env.Metrics["validation_auc"]
		checkScores(t, out.Model, validation, aucs[long])
		switch w := info.Windows; long {
		case "cut":
			if w != nil {
				t.Errorf("%+v", w)
			}
		case "auto":
			if w == nil || !strings.Contains(w.Why, "chosen on the validation rows, of which") {
				t.Errorf("%+v", w)
			}
		default:
			if w == nil || w.Rule != long || w.Why != "as the step's long_text says" {
				t.Errorf("%+v", w)
			}
		}
	}
	if aucs["auto"] < aucs["cut"]+0.1 || aucs["auto"] < aucs[windows.NoisyOr] {
		t.Errorf("validation AUC %v", aucs)
	}
	c.Model.Long = "auto"
	env := stepstest.New(t, "model")
	out, err := run(t.Context(), env.Env, c, Inputs{Graph: graph, Rows: rows, Validation: toy(t, 100, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := out.Model.Info(); err != nil || info.Windows == nil || info.Windows.Rule != windows.Max || !strings.Contains(info.Windows.Why, "too few long validation rows") {
		t.Errorf("%+v, %v", info.Windows, err)
	}
}

// An encoder of which only the head is trained reads windows, too.
func TestAFrozenEncoderReadsWindows(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.BatchSize = 4, 32
	c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 16, Frozen: 2}
	validation := buried(t, toy(t, 200, 2), 5)
	env := stepstest.New(t, "model")
	out, err := run(t.Context(), env.Env, c, Inputs{Base: artifact.File{Path: encodertest.Folder(t, "bert")}, Rows: toy(t, 300, 1), Validation: validation})
	if err != nil {
		t.Fatal(err)
	}
	info, err := out.Model.Info()
	if err != nil || info.Windows == nil || info.Windows.Overlap != 4 {
		t.Fatalf("%+v, %v", info.Windows, err)
	}
	checkScores(t, out.Model, validation, env.Metrics["validation_auc"])
}
