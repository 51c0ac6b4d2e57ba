package train

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rein/steps/artifact"
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

// The built-in model against TF-IDF and logistic regression, on unseen sources: reports both, at the threshold that validation gave
// and at 1% FP rate of each fold's own benign rows, and the difference with a 95% interval over sources. With REIN_MINILM
// all-MiniLM-L6-v2 is fine-tuned, too: that takes a GPU, or hours.
func TestUnseenSources(t *testing.T) {
	if testing.Short() || os.Getenv("REIN_SLOW") == "" {
		t.Skip("takes minutes: set REIN_SLOW")
	}
	py := python(t, "sklearn, scipy")
	split := sharedRows(t)
	all := slices.Concat(split[0], split[1], split[2])
	var grams, tfidf, minilm outcome
	for k := range folds {
		f := newFold(t, fold(all, k))
		var r struct {
			Scores    []float32
			Threshold float64
		}
		script(t, py, &r, "tfidf.py", f.dir)
		tfidf.add(f.test, f.rows, r.Scores, r.Threshold)
		f.train(t, &grams, defaults(), "")
		said := fmt.Sprintf("fold %d: AUC of n-grams %.3f, TF-IDF %.3f", k, grams.auc[k], tfidf.auc[k])
		if base := os.Getenv("REIN_MINILM"); base != "" {
			env := f.train(t, &minilm, miniLM("bf16"), base)
			said += fmt.Sprintf(", MiniLM %.3f (%s, %.0f rows/s)", minilm.auc[k], env.DeviceName, env.Metrics["train_rows_per_second"])
		}
		t.Log(said)
	}
	t.Logf("n-grams: %s", grams.String())
	t.Logf("TF-IDF:  %s", tfidf.String())
	compared := map[string][2]outcome{"n-grams - TF-IDF": {grams, tfidf}}
	if len(minilm.auc) > 0 {
		t.Logf("MiniLM:  %s", minilm.String())
		compared["MiniLM - TF-IDF"], compared["MiniLM - n-grams"] = [2]outcome{minilm, tfidf}, [2]outcome{minilm, grams}
	}
	for name, pair := range compared {
		for at, pick := range map[string]func(*tally) *[2]int{"at validation's threshold": (*tally).validation, "at 1% FP rate": (*tally).own} {
			d, low, high := pair[0].difference(pair[1], pick)
			t.Logf("recall %s: %s %+.1f points (95%% interval over sources %+.1f to %+.1f)", at, name, 100*d, 100*low, 100*high)
		}
	}
}

// foldRows are a fold's rows, and where they lie.
type foldRows struct {
	dir  string
	in   Inputs
	test *dataset
	rows []artifact.Row // of the test
}

func newFold(t *testing.T, parts [3][]artifact.Row) foldRows {
	t.Helper()
	f := foldRows{dir: t.TempDir(), rows: parts[2]}
	var in [3]artifact.Rows
	var err error
	for i, name := range []string{"train", "validation", "test"} {
		writeLines(t, filepath.Join(f.dir, name+".jsonl"), parts[i])
		if in[i], err = artifact.WriteRows(filepath.Join(f.dir, name), parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	f.in.Rows, f.in.Validation = in[0], in[1]
	if f.test, err = load(t.Context(), in[2], "test", nil); err != nil {
		t.Fatal(err)
	}
	return f
}

// train trains a model and adds what it does on the fold's test rows.
func (f foldRows) train(t *testing.T, o *outcome, c Config, base string) *stepstest.Env {
	t.Helper()
	in := f.in
	in.Base.Path = base
	env := stepstest.New(t, "model")
	out, err := run(t.Context(), env.Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	scores, cut := scored(t, out.Model, f.test.texts)
	o.add(f.test, f.rows, scores, cut)
	return env
}

// miniLM is how all-MiniLM-L6-v2 is fine-tuned here.
func miniLM(precision string) Config {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.Rate, c.Dropout, c.Decay, c.Clip, c.Warmup = 2, 16, 5e-5, 0.1, 0.01, 1, 0.06
	c.Smoothing, c.Category, c.ClassWeights = -1, -1, "sqrt"
	c.Model, c.Precision = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 128}, precision
	return c
}

// outcome is a model on sources that it wasn't trained on.
type outcome struct {
	auc     []float64 // by fold
	benign  [2]int    // benign rows, and those that are flagged at validation's threshold
	sources map[string]*tally
}

// tally is the attacks of a source, and those that are caught at the one threshold and at the other.
type tally struct{ at, at1 [2]int }

func (t *tally) validation() *[2]int { return &t.at }
func (t *tally) own() *[2]int        { return &t.at1 }

func (o *outcome) add(d *dataset, rows []artifact.Row, scores []float32, cut float64) {
	if o.sources == nil {
		o.sources = map[string]*tally{}
	}
	o.auc = append(o.auc, auc(scores, d.benign))
	own := defaults().rule().Choose(scores, d.benign)
	for i, s := range scores {
		if d.benign(i) {
			count(&o.benign, float64(s) >= cut)
			continue
		}
		t := o.sources[rows[i].Source]
		if t == nil {
			t = &tally{}
			o.sources[rows[i].Source] = t
		}
		count(&t.at, float64(s) >= cut)
		count(&t.at1, float64(s) >= own)
	}
}

func count(c *[2]int, hit bool) {
	c[0]++
	if hit {
		c[1]++
	}
}

// rate is the share of attacks that are caught, over sources of which each counts as often as weights say.
func (o *outcome) rate(pick func(*tally) *[2]int, weights map[string]int) float64 {
	var n, hits float64
	for source, t := range o.sources {
		c, w := pick(t), float64(weights[source])
		n, hits = n+w*float64(c[0]), hits+w*float64(c[1])
	}
	return hits / n
}

func (o *outcome) String() string {
	once := map[string]int{}
	for s := range o.sources {
		once[s] = 1
	}
	mean := 0.0
	for _, a := range o.auc {
		mean += a / float64(len(o.auc))
	}
	return fmt.Sprintf("mean AUC %.3f; FP rate %.2f%%, recall %.1f%% at validation's threshold; recall %.1f%% at 1%% FP rate",
		mean, 100*float64(o.benign[1])/float64(o.benign[0]), 100*o.rate((*tally).validation, once), 100*o.rate((*tally).own, once))
}

// difference is of two models' recall over the same attacks, with an interval from drawing sources anew.
func (o *outcome) difference(p outcome, pick func(*tally) *[2]int) (d, low, high float64) {
	names := slices.Sorted(maps.Keys(o.sources))
	rng := rand.New(rand.NewPCG(1, 1))
	draws := make([]float64, 2000)
	for i := range draws {
		weights := map[string]int{}
		for range names {
			weights[names[rng.IntN(len(names))]]++
		}
		draws[i] = o.rate(pick, weights) - p.rate(pick, weights)
	}
	slices.Sort(draws)
	once := map[string]int{}
	for _, s := range names {
		once[s] = 1
	}
	return o.rate(pick, once) - p.rate(pick, once), draws[49], draws[1949]
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
