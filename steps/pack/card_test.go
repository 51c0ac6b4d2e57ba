package pack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/threshold"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

func report(t *testing.T, v any) artifact.Report {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	r := artifact.Report{Path: filepath.Join(t.TempDir(), "report")}
	if err := os.WriteFile(r.Path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

// The card says what the model was made of, how good it is, how sure that is, and what it isn't for: as the reports have it.
func TestCard(t *testing.T) {
	model := ngramtest.Random(t, 0.5, true)
	info, err := model.Info()
	if err != nil {
		t.Fatal(err)
	}
	info.Training = map[string]string{"epochs": "4", "seed": "7", threshold.ChoiceFact: `{"promise":{"limit":0.01,"sources":41,"probability":0.905},"left_out":30}`}
	info.Data = &artifact.ModelData{Benign: 60, Malicious: 40, Validation: 20, Sources: map[string]int{"forum": 70, "tickets": 30}, Methods: map[string]int{"synonym": 12}}
	if err := model.WriteInfo(info); err != nil {
		t.Fatal(err)
	}
	set := func(fp, recall float64) *stats.Set {
		return &stats.Set{Rows: 300, Benign: stats.Group{Rows: 200}, Malicious: stats.Group{Rows: 100}, ECE: 0.125,
			FPRate: &stats.Interval{Value: fp, Low: fp / 2, High: fp * 2}, Recall: &stats.Interval{Value: recall, Low: recall - 0.01, High: recall + 0.01}}
	}
	unseen := set(0.25, 0.6)
	unseen.Draws = &stats.Draws{Benign: 9, Attacks: 9, Sources: map[string][]float64{"tp_rate": {0.5, 0.7}, "fp_rate": {0.25, 0.25}}} // sources that don't differ show no more than their rows
	evaluation := report(t, stats.Report{Sets: map[string]*stats.Set{"test": set(0.01, 0.95), "unseen": unseen}})
	robustness := report(t, map[string]any{"trials": []any{
		map[string]any{"edit": "letters doubled", "strength": 0.3, "recall": stats.Interval{Value: 0.7, Low: 0.6, High: 0.8}},
		map[string]any{"edit": "words reversed", "strength": 0.6, "recall": stats.Interval{Value: 0.2, Low: 0.1, High: 0.3}}}})
	speed := report(t, map[string]any{"hardware": map[string]string{"cpu": "AMD EPYC"}, "latency": []any{map[string]any{"threads": 1, "p95_ms": stats.Interval{Value: 0.2, Low: 0.1, High: 0.3}}}})
	proof := report(t, map[string]any{"links": []any{map[string]any{"from": "trained", "to": "onnx", "rows": 50, "logit_diff_max": 1e-6, "decisions_flipped": 0}}})
	odd := report(t, map[string]any{"sets": "another step's idea of it"})
	out, err := run(t.Context(), stepstest.New(t, "package").Env, Config{Name: "guard", Strategy: "Sampled and varied."}, In{model, []artifact.Report{evaluation, robustness, speed, proof, odd}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(out.Package.Path, CardFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# guard\n", "threat score of 0.5 or more", "Sampled and varied.", "trained on 100 rows, 60 benign and 40 malicious; 20 others",
		"rests on 41 sources. 30 of them train, too", "; 20 others stopped the training and chose the threshold, with rows of sources that train", "its FP rate is at most 1% with a probability of 90%", "recall 60.00% (25.41-94.59)",
		"88 rows as collected, 12 made: synonym 12", "2 sources, most rows from forum 70, tickets 30", "model: ngram; epochs 4, seed 7",
		"| test | 200, 100 | 1.00% (0.50-2.00) | 95.00% (94.00-96.00) | not measured | not measured |", "| of sources that training never saw | 200, 100 | 25.00% (12.50-50.00)",
		"1 thread of AMD EPYC: 95% within 0.2 ms (0.1-0.3 over rounds)", "trained to onnx, 50 rows: largest difference of a logit 1e-06, 0 decisions differ",
		"never saw the FP rate is 25.00%", "off by 0.125 on average", `recall is 20.00% (10.00-30.00) under "words reversed" at strength 0.6`,
		"first and the last half", "`report-2.json`: robustness", "`report-5.json`: report\n", "`ngram.py`",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the card lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(string(b))
	}
}

func TestCardWithoutReportsSaysSo(t *testing.T) {
	out, err := run(t.Context(), stepstest.New(t, "package").Env, Config{Name: "guard"}, In{Model: ngramtest.Random(t, 0.5, true)})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(out.Package.Path, CardFile)); err != nil || !strings.Contains(string(b), "nothing is known of how good this model is") {
		t.Errorf("%s, %v", b, err)
	}
}

// A package says what its threshold doesn't promise of new sources, and nothing where it keeps what was asked for.
func TestPromiseThatIsNotKeptIsNoted(t *testing.T) {
	for said, want := range map[string]string{
		"": "",
		`{"promise":{"limit":0.01,"sources":30,"probability":0.903,"wanted":0.9,"needs":9}}`: "",
		`{"promise":{"limit":0.01,"sources":8,"probability":0.889,"wanted":0.9,"needs":9}}`:  "since it rests on 8; 90% needs 9",
		`{"promise":{"limit":0.01,"wanted":0.9,"needs":9}}`:                                  "99 benign rows",
	} {
		model := ngramtest.Random(t, 0.5, true)
		info, err := model.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Training = map[string]string{threshold.ChoiceFact: said}; said == "" {
			info.Training = nil
		}
		if err := model.WriteInfo(info); err != nil {
			t.Fatal(err)
		}
		env := stepstest.New(t, "package")
		if _, err := run(t.Context(), env.Env, Config{Name: "l2"}, In{Model: model}); err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(env.Notes, "\n"); (want == "") != (notes == "") || !strings.Contains(notes, want) {
			t.Errorf("%s: %q, want %q", said, notes, want)
		}
	}
}
