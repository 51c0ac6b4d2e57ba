package train

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/threshold"
	"rein/steps/stepstest"
)

// planted returns rows of the given number of sources, of which every fourth has attacks. All attacks share the same marks. Benign rows
// have some of the marks, too, each source in a share of its own, which is the effect of a source. Each row also has a word of its source,
// so that a model recognises the sources that it has seen.
func planted(from, sources, each int, seed uint64) []artifact.Row {
	rng := rand.New(rand.NewPCG(seed, uint64(from)))
	marks := strings.Fields("ignore reveal secret override")
	var rows []artifact.Row
	for s := from; s < from+sources; s++ {
		share := 0.05 + 0.35*rng.Float64()
		for i := range each {
			r := artifact.Row{ID: fmt.Sprintf("%d-%d", s, i), Source: fmt.Sprintf("s%d", s), Label: artifact.Benign}
			words, of := []string{fmt.Sprintf("source%dword", s)}, share
			if s%4 == 3 {
				r.Label, r.Category, of = artifact.Malicious, "injection", 0.9
			}
			for range 8 {
				word := fmt.Sprintf("w%d", rng.IntN(60))
				if rng.Float64() < of {
					word = marks[rng.IntN(len(marks))]
				}
				words = append(words, word)
			}
			r.Text = strings.Join(words, " ")
			rows = append(rows, r)
		}
	}
	return rows
}

func overSources() Config {
	c := toyConfig()
	c.For, c.Share, c.AtMost = threshold.NewSources, 0.9, 0.05
	return c
}

func choiceOf(t *testing.T, m artifact.Model) threshold.Choice {
	t.Helper()
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	c, err := threshold.ChoiceOf(info.Training)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A threshold that is chosen over the training sources must hold on new sources of the same kind, although the model knows its training
// sources. The model stays the same; only the threshold differs.
func TestThresholdFolds(t *testing.T) {
	const each = 40
	in := Inputs{Rows: written(t, planted(0, 40, each, 1)), Validation: written(t, planted(100, 8, each, 2))}
	var weights [][]byte
	var out Outputs
	for _, folds := range []int{0, 4} {
		c := overSources()
		c.ThresholdFolds = folds
		var err error
		env := stepstest.New(t, "model")
		if out, err = run(t.Context(), env.Env, c, in); err != nil {
			t.Fatal(err)
		}
		if got := trained(env); folds == 0 && got != "rows" || folds == 4 && !strings.HasPrefix(got, "rows, model 1 of 5; ") {
			t.Errorf("threshold_folds = %d: progress of %q", folds, got)
		}
		b, err := os.ReadFile(filepath.Join(out.Model.Path, "weights.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		weights = append(weights, b)
		leftOut := 0
		if folds > 0 {
			leftOut = 30 // all sources of benign rows that train
		}
		if got := choiceOf(t, out.Model); got.LeftOut != leftOut || got.Promise == nil || got.Promise.Sources != 6+leftOut {
			t.Errorf("threshold_folds = %d: %+v, %+v", folds, got, got.Promise)
		}
	}
	if !bytes.Equal(weights[0], weights[1]) {
		t.Error("threshold_folds changed the model")
	}
	kept := func(rows []artifact.Row) (kept, of int) {
		var texts []string
		for _, r := range rows {
			texts = append(texts, r.Text)
		}
		scores, at := scored(t, out.Model, texts)
		over, sources := map[string]int{}, map[string]bool{}
		for i, r := range rows {
			if r.Label == artifact.Benign {
				sources[r.Source] = true
				if float64(scores[i]) >= at {
					over[r.Source]++
				}
			}
		}
		for s := range sources {
			if over[s] <= each/20 {
				kept++
			}
		}
		return kept, len(sources)
	}
	// 3 of 37 orders: a further source keeps the limit with 92% on average. Of 300 such sources.
	if n, of := kept(planted(1000, 400, each, 3)); float64(n) < 0.8*float64(of) || n == of {
		t.Errorf("%d of %d new sources keep the limit", n, of)
	}
	if n, of := kept(planted(0, 40, each, 1)); n < of-1 {
		t.Errorf("%d of %d sources that train keep the limit: the model should know them", n, of)
	}
}

// Rows of threshold_rows choose, too: of a source that doesn't train, as the model scores them, and of one of which a choice of rows
// trains, in place of these, by a model without it.
func TestThresholdRows(t *testing.T) {
	const each = 40
	pool := slices.DeleteFunc(planted(200, 8, each, 5), func(r artifact.Row) bool { return r.Label != artifact.Benign }) // 6 sources
	mined := func(n int) []artifact.Row {                                                                                // the rows that look most like attacks, of each source
		rows := slices.Clone(pool)
		marks := func(r artifact.Row) int { return strings.Count(r.Text, "e") }
		slices.SortStableFunc(rows, func(a, b artifact.Row) int { return marks(b) - marks(a) })
		return rows[:n]
	}
	base, validation := planted(0, 12, each, 1), written(t, planted(100, 8, each, 2))
	train := func(rows []artifact.Row, folds, cross int) threshold.Choice {
		c := overSources()
		c.ThresholdFolds, c.CrossFit = folds, cross
		out, err := run(t.Context(), stepstest.New(t, "model").Env, c, Inputs{Rows: written(t, rows), Validation: validation, Threshold: written(t, pool)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = leak.Guard(t.Context(), stepstest.New(t).Env, out.Model, leak.Rule{OnLeak: "stop"}, leak.Set{Name: "test", Rows: written(t, pool[:5])})
		if err == nil || !strings.Contains(err.Error(), "5 of 5 rows leak") {
			t.Errorf("the model doesn't know of 5 rows that they chose its threshold: %v", err)
		}
		return choiceOf(t, out.Model)
	}
	for name, x := range map[string]struct {
		rows             []artifact.Row
		folds, cross     int
		sources, leftOut int
	}{
		"not trained on":                 {base, 0, 0, 6 + 6, 0},
		"with sources that train":        {base, 4, 0, 6 + 6 + 9, 9},
		"mined, and nothing without":     {slices.Concat(base, mined(len(pool))), 0, 0, 6, 0},
		"mined, with models without":     {slices.Concat(base, mined(60)), 4, 0, 6 + 6 + 9, -1},
		"cross-fitted, not trained on":   {base, 0, 3, 6 + 6 + 9, -1},
		"cross-fitted, and trained, too": {slices.Concat(base, mined(60)), 0, 3, 6 + 6 + 9, -1},
	} {
		got := train(x.rows, x.folds, x.cross)
		if got.Promise == nil || got.Promise.Sources != x.sources || x.leftOut >= 0 && got.LeftOut != x.leftOut {
			t.Errorf("%s: %+v, %+v; want %+v", name, got, got.Promise, x)
		}
	}
}

// Validation rows of training sources show nothing about new sources. With threshold_folds these sources are left out of trainings like
// others.
func TestSourcesThatTrainPromiseNothing(t *testing.T) {
	rows := planted(0, 12, 80, 1)
	var parts [2][]artifact.Row
	for i, r := range rows {
		parts[i%2] = append(parts[i%2], r)
	}
	in := Inputs{Rows: written(t, parts[0]), Validation: written(t, parts[1])}
	for folds, want := range map[int]int{0: 0, 4: 9} {
		c := overSources()
		c.ThresholdFolds = folds
		out, err := run(t.Context(), stepstest.New(t, "model").Env, c, in)
		if err != nil {
			t.Fatal(err)
		}
		got := choiceOf(t, out.Model)
		if got.Promise == nil || got.Promise.Sources != want || (want == 0) != (got.Threshold == got.OwnTraffic) || (want == 0) != strings.Contains(got.Doubt(), "promises nothing of new sources") {
			t.Errorf("threshold_folds = %d: %+v, %+v, %q", folds, got, got.Promise, got.Doubt())
		}
	}
}
