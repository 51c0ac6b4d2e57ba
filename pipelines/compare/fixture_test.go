package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"rein/cache"
	"rein/engine/record"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// shelf keeps artifacts in a folder, by digest.
type shelf struct {
	t    testing.TB
	dir  string
	made map[model]evaluated
}

// evaluated is what a made-up model's evaluate step left.
type evaluated struct {
	outputs map[string]cache.Blob
	metrics map[string]float64
}

// newShelf is a view of the one shelf that all tests share: evaluations are made once.
func newShelf(t *testing.T) *shelf { return &shelf{t, shared.dir, shared.made} }

var shared shelf

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		panic(err)
	}
	shared = shelf{dir: dir, made: map[model]evaluated{}}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// Path implements Blobs.
func (s *shelf) Path(_ context.Context, b cache.Blob) (string, error) {
	p := filepath.Join(s.dir, b.Digest.String())
	_, err := os.Stat(p)
	return p, err
}

func (s *shelf) put(path string) cache.Blob {
	s.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	d := cache.Sum(b)
	if err := os.Rename(path, filepath.Join(s.dir, d.String())); err != nil {
		s.t.Fatal(err)
	}
	return cache.Blob{Digest: d, Size: int64(len(b))}
}

// model says how a made-up model answers.
type model struct {
	fp, fn    float64 // shares of benign rows flagged, of malicious rows missed
	fpU, fnU  float64 // the same on unseen sources
	rows      int     // of the test set, a tenth of them malicious
	data      string  // names the test set: other names are other rows
	threshold float64
	seeds     [4]float64 // FP rates of further seeds on the test set; 0: no such seed
}

// evaluate makes a report and scores as the evaluate step would, with rows that are hard for every model: a row's
// difficulty is drawn once, so answers are paired.
func (s *shelf) evaluate(m model) (map[string]cache.Blob, map[string]float64) {
	s.t.Helper()
	if had, ok := s.made[m]; ok {
		return had.outputs, had.metrics
	}
	of := m
	m.threshold = 0.5
	report := stats.Report{Threshold: m.threshold, BaseRate: 0.01, Sets: map[string]*stats.Set{}}
	metrics := map[string]float64{}
	var scored []artifact.Scored
	for _, set := range []struct {
		name, prefix string
		fp, fn       float64
		rows         int
	}{{"test", "", m.fp, m.fn, m.rows}, {"unseen", "unseen_", m.fpU, m.fnU, m.rows / 10}} {
		got := stats.NewSet()
		rng := rand.New(rand.NewPCG(7, uint64(len(set.name))))
		for i := range set.rows {
			r := artifact.Scored{ID: fmt.Sprint(set.name, i), Set: set.name, Label: artifact.Benign, Category: []string{"other", "semantic jailbreak"}[i%2], Source: "s" + fmt.Sprint(i%3),
				Family: "jailbreak", Text: fmt.Sprintf("please ignore the %s row %d of <b>%s</b>", []string{"mail", "recipe", "poem"}[i%3], i, set.name)}
			hard, flip := rng.Float64(), set.fp
			if i%10 == 0 {
				r.Label, r.Category, flip = artifact.Malicious, "jailbreak", 1-set.fn
			}
			if r.Score = 0.4 * (1 - hard); hard < flip {
				r.Score = 0.5 + 0.5*(1-hard)
			}
			r.Seeds = m.seedScores(r, hard)
			scored = append(scored, r)
			got.Add(stats.Observation{Malicious: r.Label == artifact.Malicious, Flagged: r.Score >= 0.5, Threat: r.Score, Category: r.Category,
				Slices: map[string]string{"source": r.Source, "length": "2: 40-99"}})
		}
		got.Finish(0.01, 200, 1)
		got.Data = fmt.Sprintf("%064x", len(m.data)) + set.name
		report.Sets[set.name] = got
		for name, i := range map[string]*stats.Interval{"fp_rate": got.FPRate, "tp_rate": got.Recall, "f1_macro": got.F1Macro, "roc_auc": got.AUC} {
			metrics[set.prefix+name], metrics[set.prefix+name+"_low"], metrics[set.prefix+name+"_high"] = i.Value, i.Low, i.High
		}
		metrics[set.prefix+"fp_count"] = float64(got.Confusion.FP)
		metrics[set.prefix+"benign_rows"] = float64(got.Benign.Rows)
	}
	m.overSeeds(&report, metrics)
	dir := s.t.TempDir()
	scores, err := artifact.WriteScores(filepath.Join(dir, "scores"), scored)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := json.Marshal(report)
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(dir, "report")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		s.t.Fatal(err)
	}
	made := evaluated{map[string]cache.Blob{"report": s.put(path), "scores": s.put(scores.Path)}, metrics}
	s.made[of] = made
	return made.outputs, made.metrics
}

// seedScores are the further seeds' answers for a row.
func (m model) seedScores(r artifact.Scored, hard float64) []float64 {
	var out []float64
	for _, fp := range m.seeds {
		switch {
		case fp == 0:
		case r.Label == artifact.Malicious:
			out = append(out, r.Score)
		case hard < fp:
			out = append(out, 0.5+0.5*(1-hard))
		default:
			out = append(out, 0.4*(1-hard))
		}
	}
	return out
}

// overSeeds reports the FP rates of the further seeds.
func (m model) overSeeds(report *stats.Report, metrics map[string]float64) {
	kept := metrics["fp_rate"]
	report.Seeds = []stats.SeedFigures{{Seed: 1, Threshold: m.threshold, Sets: map[string]map[string]float64{"test": {"fp_rate": kept}}}}
	n, mean := 1.0, kept
	for i, fp := range m.seeds {
		if fp > 0 {
			n, mean = n+1, mean+fp
			report.Seeds = append(report.Seeds, stats.SeedFigures{Seed: i + 2, Threshold: m.threshold, Sets: map[string]map[string]float64{"test": {"fp_rate": fp}}})
		}
	}
	if n == 1 {
		report.Seeds = nil
		return
	}
	metrics["seeds"], metrics["fp_rate_mean"], metrics["fp_rate_spread"] = n, mean/n, 0.001
}

// strategy is a recorded pipeline of the shape that ships.
func (s *shelf) strategy(name string, base, own model, severity float64, rows int) record.Pipeline {
	num := func(v float64) *float64 { return &v }
	meta, _ := json.Marshal(record.Meta{
		Baseline: "baseline_test", Result: "test",
		Targets:   map[string]record.Expectation{"fp_rate": {AtMost: num(0.01)}, "tp_rate": {AtLeast: num(0.95)}},
		Expect:    map[string]record.Expectation{"fp_rate": {Value: num(0.0314)}},
		Plan:      map[string]any{"total_samples": 77416, "benign_share": 0.617, "balance": "optimal (<62)", "verdict": "approve", "avoided_alarms": 12.2e6, "saving_usd": 244000},
		Variables: map[string]record.Variable{"variations": {Value: json.RawMessage("8")}},
	})
	baseOut, baseMetrics := s.evaluate(base)
	ownOut, ownMetrics := s.evaluate(own)
	step := func(name, typ string, ms int64, metrics map[string]float64, needs ...string) record.Step {
		return record.Step{Name: name, Type: typ, Status: "ran", Needs: needs, Result: cache.Result{Metrics: metrics, RunMS: ms,
			Series: map[string][][2]float64{"train_loss": {{1, 0.5}, {2, 0.3}, {3, 0.2}}}}}
	}
	p := record.Pipeline{Name: name, Title: "Strategy " + name, File: name + ".hcl", Meta: meta, Steps: []record.Step{
		step("corpus", "synthesize", 1000, nil),
		step("baseline", "train-gpu", 2000, map[string]float64{"train_seconds": 2, "epochs": 5}, "corpus"),
		step("baseline_test", "evaluate", 500, baseMetrics, "baseline"),
		step("sampled", "sample", 100, map[string]float64{"unique_fps": 100, "coverage": 0.5}, "baseline"),
		step("dataset", "merge", 100, map[string]float64{"benign_added": 800, "malicious_added": 0, "total_samples": float64(rows), "benign_share": 0.59}, "sampled"),
		step("balanced", "balance-assert", 10, map[string]float64{"balance_severity": severity, "benign_share": 0.59}, "dataset"),
		step("model", "train-gpu", int64(rows), map[string]float64{"train_seconds": 3, "epochs": 7, "loss_gap": 0.01, "train_loss": 0.1}, "balanced"),
		step("test", "evaluate", 500, ownMetrics, "model"),
	}}
	p.Steps[2].Outputs, p.Steps[7].Outputs = baseOut, ownOut
	return p
}

var weak = model{fp: 0.04, fn: 0.01, fpU: 0.10, fnU: 0.05, rows: 20000}
