package evaluate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer"
	"rein/steps/internal/seeds"
)

// seeded is a model of random weights that says its seed.
func seeded(t *testing.T, dir artifact.Model, seed uint64, name string, threshold float64) {
	t.Helper()
	cfg := ngram.Default()
	cfg.Buckets = 1 << 10
	m := ngram.NewModel(cfg, 3, int64(seed))
	ngramtest.Known(m)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := m.Dim; i < len(m.Embedding); i++ {
		m.Embedding[i] = float32(rng.NormFloat64())
	}
	info := artifact.ModelInfo{Classes: []string{"benign", "jailbreak", "pii"}, Threshold: threshold, Training: map[string]string{"seed": name}}
	if err := m.Save(dir, info); err != nil {
		t.Fatal(err)
	}
}

// Each seed is measured as if it were a model of its own; mean and spread are those of the single figures.
func TestSeedsAreMeasured(t *testing.T) {
	m := artifact.Model{Path: t.TempDir()}
	seeded(t, m, 1, "1", 0.6)
	seeded(t, seeds.Dir(m, 2), 2, "2", 0.55)
	seeded(t, seeds.Dir(m, 3), 3, "3", 0.65)
	in := In{Test: rows(t, 400, nil), Unseen: rows(t, 100, func(_ int, r *artifact.Row) { r.Text += " elsewhere" })}
	in.Model = m
	env, out, r := evaluateRows(t, in)
	scored, err := out.Scores.Read()
	if err != nil {
		t.Fatal(err)
	}
	var rates []float64
	for i, dir := range []artifact.Model{m, seeds.Dir(m, 2), seeds.Dir(m, 3)} {
		s, err := scorer.Open(t.Context(), dir, scorer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Score(t.Context(), []string{scored[410].Text})
		if err != nil {
			t.Fatal(err)
		}
		if each := append([]float64{scored[410].Score}, scored[410].Seeds...); len(each) != 3 || each[i] != float64(got[0].Threat) {
			t.Errorf("row 410: scores %v, seed %d says %v", each, i+1, got[0].Threat)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		in.Model = dir
		alone, _, _ := evaluateRows(t, In{Model: dir, Test: in.Test, Unseen: in.Unseen})
		f := r.Seeds[i]
		if f.Seed != i+1 || f.Sets["test"]["fp_rate"] != alone.Metrics["own_fp_rate"] || f.Sets["unseen"]["roc_auc"] != alone.Metrics["new_roc_auc"] {
			t.Errorf("seed %d: %+v, alone it measures %v", i+1, f, alone.Metrics)
		}
		rates = append(rates, f.Sets["test"]["fp_rate"])
	}
	mean := (rates[0] + rates[1] + rates[2]) / 3
	if got := env.Metrics["own_fp_rate_mean"]; env.Metrics["seeds"] != 3 || got < mean-1e-12 || got > mean+1e-12 || env.Metrics["own_fp_rate_spread"] <= 0 || env.Metrics["own_fp_rate_spread"] > slices.Max(rates) {
		t.Errorf("FP rates %v, metrics %v", rates, env.Metrics)
	}
	one, _, _ := evaluateRows(t, In{Model: seeds.Dir(m, 2), Test: in.Test})
	if _, ok := one.Metrics["seeds"]; ok {
		t.Error("a training of one seed has a spread")
	}
}
