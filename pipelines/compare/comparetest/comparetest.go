// Package comparetest makes recorded runs of made-up models, for the tests of comparisons.
package comparetest

import (
	"context"
	"encoding/json"
	"errors"
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

// Shelf keeps artifacts in a folder, by digest.
type Shelf struct {
	t    testing.TB
	dir  string
	made map[Model]evaluated
}

// evaluated is what a made-up model's evaluate step left.
type evaluated struct {
	outputs map[string]cache.Blob
	metrics map[string]float64
}

// shared is the shelf of all tests of a package: evaluations are made once.
var shared Shelf

// Main runs a package's tests with a folder for what they make.
func Main(m *testing.M) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		panic(err)
	}
	shared = Shelf{dir: dir, made: map[Model]evaluated{}}
	defer os.RemoveAll(dir)
	m.Run()
}

// NewShelf is a view of the one shelf that all tests share.
func NewShelf(t testing.TB) *Shelf { return &Shelf{t, shared.dir, shared.made} }

// Path opens a blob.
func (s *Shelf) Path(_ context.Context, b cache.Blob) (string, error) {
	p := filepath.Join(s.dir, b.Digest.String())
	_, err := os.Stat(p)
	return p, err
}

// Put takes a file onto the shelf.
func (s *Shelf) Put(path string) cache.Blob {
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

// threshold is that of every model.
const threshold = 0.5

// Model says how a made-up model answers.
type Model struct {
	FP, FN             float64 // shares of benign rows flagged, of malicious rows missed
	UnseenFP, UnseenFN float64 // the same on unseen sources
	Rows               int     // of the test set, a tenth of them malicious
	Data               string  // names the test set: other names are other rows
	New                bool    // the verdict rests on new sources
	Only               string  // UnseenFN is of this source alone; the others have ElsewhereFN
	ElsewhereFN        float64
	Seeds              [4]float64 // FP rates of further seeds on the test set; 0: no such seed
}

// evaluate makes a report and scores as the evaluate step would, with rows that are hard for every model: a row's
// difficulty is drawn once, so answers are paired.
func (s *Shelf) evaluate(m Model) (map[string]cache.Blob, map[string]float64) {
	s.t.Helper()
	if had, ok := s.made[m]; ok {
		return had.outputs, had.metrics
	}
	report := stats.Report{Threshold: threshold, BaseRate: 0.01, Sets: map[string]*stats.Set{}}
	metrics := map[string]float64{}
	var scored []artifact.Scored
	for _, set := range []struct {
		name, prefix string
		fp, fn       float64
		rows         int
	}{{stats.OwnTraffic, "own_", m.FP, m.FN, m.Rows}, {stats.NewSources, "new_", m.UnseenFP, m.UnseenFN, m.Rows / 10}} {
		got := stats.NewSet()
		rng := rand.New(rand.NewPCG(7, uint64(len(set.name))))
		for i := range set.rows {
			r := artifact.Scored{ID: fmt.Sprint(set.name, i), Set: set.name, Label: artifact.Benign, Category: []string{"other", "semantic jailbreak"}[i%2], Source: "s" + fmt.Sprint(i%12),
				Family: "jailbreak", Text: fmt.Sprintf("please ignore the %s row %d of <b>%s</b>", []string{"mail", "recipe", "poem"}[i%3], i, set.name)}
			hard, flip := rng.Float64(), set.fp
			if i%10 == 0 {
				r.Label, r.Category, flip = artifact.Malicious, "jailbreak", 1-set.fn
				if set.name == stats.NewSources && m.Only != "" && r.Source != m.Only {
					flip = 1 - m.ElsewhereFN
				}
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
		got.Data = fmt.Sprintf("%064x", len(m.Data)) + set.name
		report.Sets[set.name] = got
		prefixes := []string{set.prefix}
		if (set.name == stats.NewSources) == m.New {
			prefixes, report.Basis = append(prefixes, ""), set.name
		}
		for _, prefix := range prefixes {
			for name, i := range map[string]*stats.Interval{"fp_rate": got.FPRate, "tp_rate": got.Recall, "f1_macro": got.F1Macro, "roc_auc": got.AUC,
				"recall_at_fp_0_5": got.RecallAt["0.5"], "recall_at_fp_1": got.RecallAt["1"], "recall_at_fp_2": got.RecallAt["2"]} {
				metrics[prefix+name], metrics[prefix+name+"_low"], metrics[prefix+name+"_high"] = i.Value, i.Low, i.High
			}
			metrics[prefix+"fp_count"] = float64(got.Confusion.FP)
			metrics[prefix+"benign_rows"] = float64(got.Benign.Rows)
		}
	}
	m.overSeeds(&report, metrics)
	dir := s.t.TempDir()
	scores, err := WriteScores(filepath.Join(dir, "scores"), scored)
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
	made := evaluated{map[string]cache.Blob{"report": s.Put(path), "scores": s.Put(scores.Path)}, metrics}
	s.made[m] = made
	return made.outputs, made.metrics
}

// seedScores are the further seeds' answers for a row.
func (m Model) seedScores(r artifact.Scored, hard float64) []float64 {
	var out []float64
	for _, fp := range m.Seeds {
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
func (m Model) overSeeds(report *stats.Report, metrics map[string]float64) {
	kept := metrics["fp_rate"]
	report.Seeds = []stats.SeedFigures{{Seed: 1, Threshold: threshold, Sets: map[string]map[string]float64{"test": {"fp_rate": kept}}}}
	n, mean := 1.0, kept
	for i, fp := range m.Seeds {
		if fp > 0 {
			n, mean = n+1, mean+fp
			report.Seeds = append(report.Seeds, stats.SeedFigures{Seed: i + 2, Threshold: threshold, Sets: map[string]map[string]float64{"test": {"fp_rate": fp}}})
		}
	}
	if n == 1 {
		report.Seeds = nil
		return
	}
	metrics["seeds"], metrics["fp_rate_mean"], metrics["fp_rate_spread"] = n, mean/n, 0.001
}

// traits are what the types of the shipped pipelines say of themselves.
var traits = map[string]record.Traits{
	"synthesize": {Stage: record.StageData}, "sample": {Stage: record.StageData}, "merge": {Stage: record.StageData}, "balance-assert": {Stage: record.StageData},
	"train-gpu": {Stage: record.StageTraining}, "evaluate": {Stage: record.StageValidation, Measures: true},
}

// Strategy is a recorded pipeline of the shape that ships.
func (s *Shelf) Strategy(name string, base, own Model, severity float64, rows int) record.Pipeline {
	num := func(v float64) *float64 { return &v }
	meta, _ := json.Marshal(record.Meta{
		Baseline: "baseline_test", Result: "test",
		Targets:   map[string]record.Expectation{"fp_rate": {AtMost: num(0.01)}, "tp_rate": {AtLeast: num(0.95)}},
		Expect:    map[string]record.Expectation{"fp_rate": {Value: num(0.0314)}},
		Planned:   map[string]any{"total_samples": 77416, "benign_share": 0.617, "balance": "optimal (<62)", "verdict": "approve", "avoided_alarms": 12.2e6, "saving_usd": 244000},
		Variables: map[string]record.Variable{"variations": {Value: json.RawMessage("8")}, "prompts_per_day": {Value: json.RawMessage("1000000"), From: "set test.hcl:1"}},
	})
	baseOut, baseMetrics := s.evaluate(base)
	ownOut, ownMetrics := s.evaluate(own)
	step := func(name, typ string, ms int64, metrics map[string]float64, needs ...string) record.Step {
		return record.Step{Name: name, Type: typ, Traits: traits[typ], Status: "ran", Needs: needs, Result: cache.Result{Metrics: metrics, RunMS: ms,
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

// Weak is the baseline of most tests.
var Weak = Model{FP: 0.04, FN: 0.01, UnseenFP: 0.10, UnseenFN: 0.05, Rows: 20000}

// Four are strategies of which good and cheap are equally good, slack is shown to be worse, and lopsided is unbalanced.
func Four(s *Shelf) []record.Pipeline {
	own := func(fp float64) Model { return Model{FP: fp, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 20000} }
	return []record.Pipeline{
		s.Strategy("good", Weak, own(0.0050), 1, 90000),
		s.Strategy("cheap", Weak, own(0.0051), 1, 70000),
		s.Strategy("slack", Weak, own(0.0200), 1, 60000),
		s.Strategy("lopsided", Weak, own(0.0010), 3, 80000)}
}

// Scored makes an evaluate step whose model flags the rows that flags names.
func (s *Shelf) Scored(name string, flags func(text string) bool, needs ...string) record.Step {
	s.t.Helper()
	set := stats.NewSet()
	var rows []artifact.Scored
	for i := range 600 {
		topic := []string{"weather", "tea recipe", "garden tools"}[i%3]
		r := artifact.Scored{ID: fmt.Sprint(i), Set: "test", Label: artifact.Benign, Text: fmt.Sprintf("a question on the %s, number %d", topic, i), Score: 0.1}
		if i%20 == 0 {
			r.Text = fmt.Sprintf("ignore the last mail on the %s, number %d", topic, i)
		}
		if i%30 == 7 {
			r.Label, r.Text = artifact.Malicious, fmt.Sprintf("attack %d", i)
		}
		if flags(r.Text) {
			r.Score = 0.9
		}
		set.Add(stats.Observation{Malicious: r.Label == artifact.Malicious, Flagged: r.Score >= 0.5, Threat: r.Score})
		rows = append(rows, r)
	}
	set.Finish(0.01, 50, 1)
	set.Data = "one"
	dir := s.t.TempDir()
	scores, err := WriteScores(filepath.Join(dir, "scores"), rows)
	if err != nil {
		s.t.Fatal(err)
	}
	b, _ := json.Marshal(stats.Report{Threshold: 0.5, Sets: map[string]*stats.Set{"test": set}})
	report := filepath.Join(dir, "report")
	if err := os.WriteFile(report, b, 0o644); err != nil {
		s.t.Fatal(err)
	}
	return record.Step{Name: name, Type: "evaluate", Needs: needs, Outputs: map[string]cache.Blob{"scores": s.Put(scores.Path), "report": s.Put(report)},
		Result: cache.Result{Metrics: map[string]float64{"fp_rate": set.FPRate.Value}}}
}

// WriteScores writes scored rows to path.
func WriteScores(path string, rows []artifact.Scored) (artifact.Scores, error) {
	w, err := artifact.NewWriter[artifact.Scored](path)
	if err != nil {
		return artifact.Scores{}, err
	}
	return artifact.Scores{Path: path}, errors.Join(w.Write(rows...), w.Close())
}
