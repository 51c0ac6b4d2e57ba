package train

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ngram"
	"rein/steps/stepstest"
)

// toy writes n rows that a classifier can tell apart, with some noise.
func toy(t testing.TB, n int, seed uint64) artifact.Rows {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 9))
	common := strings.Fields("please the a report table of summary for market data email write short long about code review")
	bad := map[string]string{"jailbreak": "pretend dan unrestricted", "injection": "ignore previous instructions", "pii": "passport number address"}
	families := []string{"jailbreak", "injection", "pii"}
	var rows []artifact.Row
	for i := range n {
		var words []string
		for range 6 + rng.IntN(6) {
			words = append(words, common[rng.IntN(len(common))])
		}
		row := artifact.Row{ID: fmt.Sprint("r", i), Label: artifact.Benign}
		if i%3 == 0 {
			row.Label, row.Category = artifact.Malicious, families[rng.IntN(3)]
			if rng.IntN(10) > 0 {
				words = append(words, strings.Fields(bad[row.Category])...)
			}
		}
		rng.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		row.Text = strings.Join(words, " ")
		rows = append(rows, row)
	}
	r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func toyConfig() Config {
	return Config{Epochs: 4, Seed: 3, Seeds: 1, BatchSize: 64, LearningRate: 0.05, HeadRate: 0.01, Schedule: "cosine", Warmup: 0.02, Dropout: 0.2, Decay: 1e-4,
		ClassWeights: "none", SourceWeights: "none", Smoothing: 0.1, Category: 0.1, Linear: 0.5, Patience: 2, Watch: "loss", Rule: "fp_rate", AtMost: 0.01, Device: "auto",
		Model: &ModelConfig{Buckets: 4096, Dim: 8, Hidden: 16}}
}

func trainToy(t *testing.T, c Config) (*stepstest.Env, Outputs) {
	t.Helper()
	env := stepstest.New(t, "model")
	out, err := run(t.Context(), env.Env, c, Inputs{Rows: toy(t, 1500, 1), Validation: toy(t, 400, 2)})
	if err != nil {
		t.Fatal(err)
	}
	return env, out
}

func TestTrainsTheSameTwice(t *testing.T) {
	env, a := trainToy(t, toyConfig())
	_, b := trainToy(t, toyConfig())
	for _, name := range []string{"model.json", "weights.safetensors"} {
		x, err := os.ReadFile(filepath.Join(a.Model.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		y, _ := os.ReadFile(filepath.Join(b.Model.Path, name))
		if !bytes.Equal(x, y) {
			t.Errorf("%s: two trainings with one seed gave different bytes", name)
		}
	}
	m := env.Metrics
	if m["validation_auc"] < 0.9 || m["validation_fp_rate"] > 0.01 || m["validation_tp_rate"] < 0.6 {
		t.Errorf("learned too little: %v", m)
	}
	if len(env.Series["validation_loss"]) != int(m["epochs"]) || m["train_rows"] != 1500 {
		t.Errorf("curves %v of %v epochs", env.Series, m["epochs"])
	}
	other := toyConfig()
	other.Seed++
	_, c := trainToy(t, other)
	x, _ := os.ReadFile(filepath.Join(a.Model.Path, "weights.safetensors"))
	y, _ := os.ReadFile(filepath.Join(c.Model.Path, "weights.safetensors"))
	if bytes.Equal(x, y) {
		t.Error("another seed gave the same weights")
	}
}

func TestEarlyStopKeepsTheBestEpoch(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.LearningRate, c.Schedule, c.Patience = 40, 2, "constant", 2 // overfits soon
	env, _ := trainToy(t, c)
	stopped, best := env.Metrics["epochs"], env.Metrics["best_epoch"]
	if stopped == 40 || stopped != best+2 {
		t.Errorf("stopped after %v epochs, the best was %v", stopped, best)
	}
	for _, p := range env.Series["validation_loss"] {
		if p[1] < env.Metrics["validation_loss"]-1e-9 {
			t.Errorf("epoch %v was better (%v) than the one kept (%v)", p[0], p[1], env.Metrics["validation_loss"])
		}
	}
}

// A training that is killed between epochs and continued must give the bytes of one that wasn't.
func TestResumeGivesTheSameModel(t *testing.T) {
	c := toyConfig()
	rows, validation := toy(t, 600, 1), toy(t, 200, 2)
	through := stepstest.New(t, "model")
	in := Inputs{Rows: rows, Validation: validation}
	want, err := run(t.Context(), through.Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "model")
	ctx, cancel := context.WithCancel(t.Context())
	if err := stopAfter(ctx, cancel, env, c, in, 2); err == nil {
		t.Fatal("was not stopped")
	}
	got, err := run(t.Context(), env.Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(env.Logs, "\n"), "going on after epoch 2") {
		t.Errorf("did not go on: %q", env.Logs)
	}
	x, _ := os.ReadFile(filepath.Join(want.Model.Path, "weights.safetensors"))
	y, _ := os.ReadFile(filepath.Join(got.Model.Path, "weights.safetensors"))
	if len(x) == 0 || !bytes.Equal(x, y) {
		t.Error("resuming gave other weights")
	}
}

// If epochs is raised, training continues where it ended before and must give the bytes of a single training, unless the learning rates
// depend on the number of epochs.
func TestMoreEpochsGoOnFromFewer(t *testing.T) {
	in := Inputs{Rows: toy(t, 600, 1), Validation: toy(t, 200, 2)}
	train := func(env *stepstest.Env, c Config) []byte {
		env.Logs = nil
		out, err := run(t.Context(), env.Env, c, in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(out.Model.Path, "weights.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		schedule string
		horizon  int
		goesOn   bool
	}{
		"stated horizon": {"cosine", 8, true},
		"no horizon":     {"constant", 0, true},
		"by epochs":      {"cosine", 0, false},
	} {
		few := toyConfig()
		few.Schedule, few.Horizon, few.Patience = c.schedule, c.horizon, 0
		if c.schedule == "constant" {
			few.Warmup = 0
		}
		more := few
		more.Epochs += 2
		env := stepstest.New(t, "model")
		fewer := train(env, few)
		got := train(env, more)
		if went := strings.Contains(strings.Join(env.Logs, "\n"), "going on after epoch 4"); went != c.goesOn {
			t.Errorf("%s: went on: %v; %q", name, went, env.Logs)
		}
		if want := train(stepstest.New(t, "model"), more); !bytes.Equal(got, want) {
			t.Errorf("%s: other weights than of a training that ran through", name)
		}
		if again := train(env, few); !bytes.Equal(again, fewer) {
			t.Errorf("%s: fewer epochs again gave other weights", name)
		}
	}
}

func TestBadRowsAreNamed(t *testing.T) {
	write := func(rows ...artifact.Row) artifact.Rows {
		r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	good := artifact.Row{ID: "g", Label: artifact.Benign, Text: "x"}
	for want, rows := range map[string]artifact.Rows{
		`row 1 (id "q"): label "spam" is neither`:  write(good, artifact.Row{ID: "q", Label: "spam"}),
		"2 rows, 2 of them benign: training needs": write(good, good),
		"0 rows, 0 of them benign: training needs": write(),
		`rows: row 0 (id "w"): weight -1`:          write(artifact.Row{ID: "w", Label: artifact.Benign, Weight: -1}),
		"no such file":                             {Path: filepath.Join(t.TempDir(), "none")},
	} {
		_, err := run(t.Context(), stepstest.New(t, "model").Env, toyConfig(), Inputs{Rows: rows, Validation: toy(t, 9, 1)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRunawayTrainingNamesTheBatch(t *testing.T) {
	c := toyConfig()
	c.HeadRate, c.Warmup, c.LearningRate = 1e30, 0, 1e30
	env := stepstest.New(t, "model")
	_, err := run(t.Context(), env.Env, c, Inputs{Rows: toy(t, 600, 1), Validation: toy(t, 100, 2)})
	if err == nil || !strings.Contains(err.Error(), "batch") || !strings.Contains(err.Error(), "head_rate") {
		t.Errorf("got %v", err)
	}
}

func TestWeightsKeepTheMean(t *testing.T) {
	for _, how := range []string{"none", "sqrt", "balanced"} {
		want := map[string]float32{"none": 1, "sqrt": 2, "balanced": 4}[how]
		for name, weigh := range map[string]func(*dataset){
			"class":  func(d *dataset) { d.weigh(how, "none") },
			"source": func(d *dataset) { d.weigh("none", how) },
		} {
			d := &dataset{class: []int{0, 0, 0, 0, 1}, groups: []int{0, 0, 0, 0, 1}, weight: []float32{1, 1, 1, 1, 1}}
			weigh(d)
			sum := float32(0)
			for _, w := range d.weight {
				sum += w
			}
			if sum < 4.999 || sum > 5.001 {
				t.Errorf("%s, %s: weights %v", name, how, d.weight)
			}
			if ratio := d.weight[4] / d.weight[0]; ratio < want-0.001 || ratio > want+0.001 {
				t.Errorf("%s, %s: ratio %v, want %v", name, how, ratio, want)
			}
		}
	}
}

// Rows are weighed by source and label: if a source also has attacks, its benign rows are weighed by their own number.
func TestGroupsAreSourcesOfALabel(t *testing.T) {
	var rows []artifact.Row
	for i, r := range []artifact.Row{{Source: "a", Label: "benign"}, {Source: "a", Label: "malicious"}, {Source: "b", Label: "benign"}, {Source: "a", Label: "benign"}, {Label: "benign"}} {
		r.ID, r.Text = fmt.Sprint(i), fmt.Sprint("text ", i)
		rows = append(rows, r)
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	d, err := load(t.Context(), in, "rows", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 2, 0, 3}; !slices.Equal(d.groups, want) {
		t.Errorf("groups %v, want %v", d.groups, want)
	}
}

// An encoder is fine-tuned, whole or in part, with the same bytes every time, and goes on from where it was.
func TestFineTunesAnEncoder(t *testing.T) {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.LearningRate, c.Clip, c.Smoothing, c.Category = 5, 32, 0.01, 1, -1, -1
	base := artifact.File{Path: encodertest.Folder(t, "bert")}
	rows, validation := toy(t, 600, 1), toy(t, 200, 2)
	train := func(frozen int, init artifact.Model) (*stepstest.Env, artifact.Model) {
		c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 64, Frozen: frozen}
		env := stepstest.New(t, "model")
		in := Inputs{Rows: rows, Validation: validation, Init: init}
		if init.Path == "" {
			in.Base = base
		}
		out, err := run(t.Context(), env.Env, c, in)
		if err != nil {
			t.Fatal(err)
		}
		return env, out.Model
	}
	for _, frozen := range []int{0, 1, 2} {
		env, a := train(frozen, artifact.Model{})
		_, b := train(frozen, artifact.Model{})
		x, _ := os.ReadFile(filepath.Join(a.Path, "weights.safetensors"))
		y, _ := os.ReadFile(filepath.Join(b.Path, "weights.safetensors"))
		if len(x) == 0 || !bytes.Equal(x, y) {
			t.Errorf("frozen %d: two trainings with one seed gave different bytes", frozen)
		}
		if env.Metrics["validation_auc"] < []float64{0.75, 0.55, 0.55}[frozen] { // random layers that stay as they are help little
			t.Errorf("frozen %d: AUC %v", frozen, env.Metrics["validation_auc"])
		}
		further, _ := train(frozen, a)
		if further.Series["train_loss"][0][1] > env.Series["train_loss"][0][1] {
			t.Errorf("frozen %d: going on began with loss %v, the first time with %v", frozen, further.Series["train_loss"][0][1], env.Series["train_loss"][0][1])
		}
	}
}

func TestSeedsAreSpreadOut(t *testing.T) {
	c := toyConfig()
	c.Seeds = 3
	env, out := trainToy(t, c)
	m := env.Metrics
	checkSeeds(t, c, out.Model)
	if m["seeds"] != 3 || m["validation_loss_spread"] <= 0 || m["validation_loss"] > m["validation_loss_mean"] {
		t.Errorf("metrics %v", m)
	}
	for _, seed := range []string{"3", "4", "5"} {
		if len(env.Series["validation_loss_seed"+seed]) == 0 {
			t.Errorf("no curve of seed %s", seed)
		}
	}
	// the best of them is what its seed alone gives
	best := math.Inf(1)
	for i := range 3 {
		c := toyConfig()
		c.Seed += i
		env, _ := trainToy(t, c)
		best = min(best, env.Metrics["validation_loss"])
	}
	if m["validation_loss"] != best {
		t.Errorf("kept loss %v, the best seed has %v", m["validation_loss"], best)
	}
}

// The n-gram model must have a linear part of the given weight, and continued training must start from it.
func TestLinearPart(t *testing.T) {
	rows, validation := toy(t, 600, 1), toy(t, 200, 2)
	train := func(c Config, in Inputs) (artifact.Model, *ngram.Model) {
		t.Helper()
		in.Rows, in.Validation = rows, validation
		out, err := run(t.Context(), stepstest.New(t, "model").Env, c, in)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := ngram.Load(out.Model)
		if err != nil {
			t.Fatal(err)
		}
		return out.Model, m
	}
	size := func(l ngram.Linear) (sum float64) {
		for _, w := range l.Weights {
			sum += float64(w) * float64(w)
		}
		return sum
	}
	c := toyConfig()
	dir, half := train(c, Inputs{})
	if size(half.Linear) == 0 {
		t.Error("no linear part")
	}
	if _, on := train(c, Inputs{Init: dir}); size(on.Linear) <= size(half.Linear) {
		t.Errorf("the same rows again moved it from %v to %v: it began again", size(half.Linear), size(on.Linear))
	}
	c.Linear = 1
	if _, whole := train(c, Inputs{}); math.Abs(size(whole.Linear)/size(half.Linear)-4) > 1e-4 {
		t.Errorf("weight 1: squares add up to %v, with weight 0.5 to %v", size(whole.Linear), size(half.Linear))
	}
	c.Linear = 0
	if _, none := train(c, Inputs{}); size(none.Linear) != 0 || none.Linear.Bias[0] != 0 {
		t.Error("weight 0: there is a linear part")
	}
}
