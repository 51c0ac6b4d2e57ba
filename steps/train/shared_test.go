package train

import (
	"bufio"
	"encoding/json"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/threshold"
	"rein/steps/stepstest"
)

// sharedRows reads the project's data set and splits it by source into training, validation and test rows; skips
// where the data isn't there.
func sharedRows(tb testing.TB) (parts [3][]artifact.Row) {
	tb.Helper()
	dir := os.Getenv("REIN_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	for _, name := range []string{"benign.jsonl", "malicious.jsonl"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			tb.Skip("no data set: set REIN_DATA to its folder")
		}
		defer f.Close()
		for sc := newScanner(f); sc.Scan(); {
			var r artifact.Row
			if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
				tb.Fatal(err)
			}
			h := fnv.New32a()
			h.Write([]byte(r.Source))
			part := []int{0, 0, 0, 0, 0, 0, 1, 1, 2, 2}[h.Sum32()>>8%10]
			parts[part] = append(parts[part], r)
		}
	}
	return parts
}

func newScanner(f *os.File) *bufio.Scanner {
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	return sc
}

func defaults() Config {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.LearningRate, c.HeadRate, c.Dropout, c.Model = 10, 0, 0, 0, 0, nil
	c.Smoothing, c.Category, c.Linear = -1, -1, 0.5
	return c.filled(false)
}

// The test rows are of sources that training never saw, which is the honest measure. The limits are well below what was measured and well
// above chance.
func TestSharedData(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	parts := sharedRows(t)
	var in [3]artifact.Rows
	for i, rows := range parts {
		var err error
		if in[i], err = artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows); err != nil {
			t.Fatal(err)
		}
	}
	env := stepstest.New(t, "model")
	out, err := run(t.Context(), env.Env, defaults(), Inputs{Rows: in[0], Validation: in[1]})
	if err != nil {
		t.Fatal(err)
	}
	test, err := load(t.Context(), in[2], "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	scores, cut := scored(t, out.Model, test.texts)
	fp, tp := threshold.Rates(scores, cut, test.benign)
	a := auc(scores, test.benign)
	t.Logf("rows %d/%d/%d, %v", len(parts[0]), len(parts[1]), len(parts[2]), env.Logs)
	t.Logf("test sources: AUC %.4f, FP rate %.4f, recall %.4f; %.0f rows/s", a, fp, tp, env.Metrics["train_rows_per_second"])
	if a < 0.75 {
		t.Errorf("AUC %.3f on sources not trained on", a)
	}
}

// scored opens the model as everybody else does, and scores texts.
func scored(t *testing.T, dir artifact.Model, texts []string) (scores []float32, threshold float64) {
	t.Helper()
	s, err := scorer.Open(t.Context(), dir, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Score(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		scores = append(scores, x.Threat)
	}
	return scores, s.Threshold()
}
