package train

import (
	"encoding/json"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/threshold"
	"rein/steps/stepstest"
)

// folds splits the project's data set by source, so that each source is tested on once.
const folds = 5

func fold(all []artifact.Row, k int) (parts [3][]artifact.Row) {
	for _, r := range all {
		h := fnv.New32a()
		h.Write([]byte(r.Source))
		part := 0
		switch int(h.Sum32()>>8) % folds {
		case k:
			part = 2
		case (k + 1) % folds:
			part = 1
		}
		parts[part] = append(parts[part], r)
	}
	return parts
}

// outcome is a model on sources that it wasn't trained on.
type outcome struct{ AUC, FP, TP, TPAt1 float64 }

// The built-in model against TF-IDF and logistic regression, on unseen sources: reports both.
func TestAgainstTFIDF(t *testing.T) {
	if testing.Short() || os.Getenv("REIN_SLOW") == "" {
		t.Skip("takes minutes: set REIN_SLOW")
	}
	py := python(t, "sklearn, scipy")
	split := sharedRows(t)
	all := slices.Concat(split[0], split[1], split[2])
	var ours, theirs outcome
	for k := range folds {
		parts := fold(all, k)
		dir := t.TempDir()
		var in [3]artifact.Rows
		for i, name := range []string{"train", "validation", "test"} {
			writeLines(t, filepath.Join(dir, name+".jsonl"), parts[i])
			var err error
			if in[i], err = artifact.WriteRows(filepath.Join(dir, name), parts[i]); err != nil {
				t.Fatal(err)
			}
		}
		o := ourOutcome(t, in)
		var r struct {
			AUC   float64 `json:"auc"`
			FP    float64 `json:"fp"`
			TP    float64 `json:"tp"`
			TPAt1 float64 `json:"tp_at_1"`
		}
		script(t, py, &r, "tfidf.py", dir)
		t.Logf("fold %d: n-grams %+v, TF-IDF %+v", k, o, outcome(r))
		ours, theirs = ours.plus(o), theirs.plus(outcome(r))
	}
	t.Logf("mean: n-grams %+v, TF-IDF %+v", ours.over(folds), theirs.over(folds))
}

func ourOutcome(t *testing.T, in [3]artifact.Rows) outcome {
	t.Helper()
	out, err := run(t.Context(), stepstest.New(t, "model").Env, defaults(), Inputs{Rows: in[0], Validation: in[1]})
	if err != nil {
		t.Fatal(err)
	}
	test, err := load(t.Context(), in[2], "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	scores, cut := scored(t, out.Model, test.texts)
	fp, tp := threshold.Rates(scores, cut, test.benign)
	_, at1 := threshold.Rates(scores, defaults().rule().Choose(scores, test.benign), test.benign)
	return outcome{auc(scores, test.benign), fp, tp, at1}
}

func (o outcome) plus(p outcome) outcome {
	return outcome{o.AUC + p.AUC, o.FP + p.FP, o.TP + p.TP, o.TPAt1 + p.TPAt1}
}

func (o outcome) over(n float64) outcome {
	return outcome{o.AUC / n, o.FP / n, o.TP / n, o.TPAt1 / n}
}

func writeLines(t *testing.T, path string, rows []artifact.Row) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, r := range rows {
		if err := json.NewEncoder(f).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
}
