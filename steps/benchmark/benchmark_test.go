package benchmark

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/stepstest"
)

func model(t *testing.T, exported bool) artifact.Model {
	t.Helper()
	cfg := ngram.Default()
	cfg.Buckets = 1 << 12
	m := ngram.NewModel(cfg, 3, 4)
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	if err := m.Save(dir, artifact.ModelInfo{Classes: []string{"benign", "jailbreak", "other"}, Threshold: 0.5, Rule: "fixed"}); err != nil {
		t.Fatal(err)
	}
	if exported {
		if err := os.WriteFile(filepath.Join(dir.Path, artifact.ModelGraphFile), m.Graph("test", nil, false), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func prompts(t *testing.T, n int) artifact.Rows {
	t.Helper()
	rows := make([]artifact.Row, n)
	for i := range rows {
		rows[i] = artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("prompt %d %s", i, strings.Repeat("and more of it ", i%40))}
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

var loose = Config{Prompts: 20, Rounds: 3, MaxP95: 1e6, MaxSize: 200, OnBreach: "stop", Seed: 1}

func TestReport(t *testing.T) {
	env := stepstest.New(t, "report")
	m := model(t, true)
	out, err := run(t.Context(), env.Env, loose, In{Model: m, Rows: prompts(t, 100)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out.Report.Path)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(filepath.Join(m.Path, artifact.ModelGraphFile))
	if err != nil {
		t.Fatal(err)
	}
	if r.ModelBytes != st.Size() || r.Prompts != 20 || r.Rounds != 3 || r.LoadMS <= 0 || r.Hardware["cores"] == "" || len(r.ByLength) == 0 {
		t.Errorf("%+v", r)
	}
	if !(0 < r.P50.Value && r.P50.Value <= r.P95.Value && r.P95.Value <= r.P99.Value) {
		t.Errorf("percentiles fall: %v %v %v", r.P50, r.P95, r.P99)
	}
	for name, m := range map[string]Measured{"latency_p50_ms": r.P50, "latency_p95_ms": r.P95, "latency_p99_ms": r.P99, "score_rows_per_second": r.Throughput} {
		if !(0 < m.Low && m.Low <= m.Value && m.Value <= m.High) {
			t.Errorf("%s: %+v", name, m)
		}
		if got := (Measured{env.Metrics[name], env.Metrics[name+"_low"], env.Metrics[name+"_high"]}); got != m {
			t.Errorf("metric %s is %+v, the report says %+v", name, got, m)
		}
	}
	if env.Metrics["model_bytes"] != float64(st.Size()) {
		t.Errorf("metrics %v", env.Metrics)
	}
}

func TestLimits(t *testing.T) {
	in := In{Model: model(t, true), Rows: prompts(t, 30)}
	for want, edit := range map[string]func(*Config){
		"the model is":   func(c *Config) { c.MaxSize = 0.001 },
		"95% of prompts": func(c *Config) { c.MaxP95 = 0 },
	} {
		c := loose
		edit(&c)
		env := stepstest.New(t, "report")
		_, err := run(t.Context(), env.Env, c, in)
		if !steps.IsVerdict(err) || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "the limit is") {
			t.Errorf("%s: %v", want, err)
		}
		if env.Metrics["latency_p95_ms"] == 0 {
			t.Errorf("%s: a breach hides what was measured", want)
		}
		c.OnBreach = "record"
		env = stepstest.New(t, "report")
		if _, err := run(t.Context(), env.Env, c, in); err != nil || len(env.Notes) != 1 || !strings.HasPrefix(env.Notes[0], want) {
			t.Errorf("%s: recorded as %q, %v", want, env.Notes, err)
		}
	}
}

func TestWantsAnExportedModelAndPrompts(t *testing.T) {
	if _, err := run(t.Context(), stepstest.New(t, "report").Env, loose, In{Model: model(t, false), Rows: prompts(t, 3)}); err == nil || !strings.Contains(err.Error(), "export-onnx") {
		t.Errorf("a model without a graph: %v", err)
	}
	if _, err := run(t.Context(), stepstest.New(t, "report").Env, loose, In{Model: model(t, true), Rows: prompts(t, 0)}); err == nil || !strings.Contains(err.Error(), "no prompts") {
		t.Errorf("no rows: %v", err)
	}
}

func TestChoiceOfPrompts(t *testing.T) {
	rows := prompts(t, 300)
	get := func(seed, n int, from artifact.Rows) []string {
		got, err := choose(t.Context(), from, Config{Prompts: n, Seed: seed})
		if err != nil || len(got) != n {
			t.Fatalf("%d prompts, %v; want %d", len(got), err, n)
		}
		return got
	}
	if !slices.Equal(get(1, 50, rows), get(1, 50, rows)) {
		t.Error("the same seed chose others")
	}
	if slices.Equal(get(1, 50, rows), get(2, 50, rows)) {
		t.Error("the seed doesn't matter")
	}
	all := slices.Sorted(slices.Values(get(1, 300, rows)))
	if len(slices.Compact(all)) != 300 {
		t.Error("a prompt is chosen twice while others are left")
	}
	few := slices.Sorted(slices.Values(get(1, 50, prompts(t, 7))))
	if len(slices.Compact(few)) != 7 {
		t.Error("not all of few prompts are used")
	}
}

func TestPercentile(t *testing.T) {
	var v []float64
	for i := 100; i >= 1; i-- {
		v = append(v, float64(i))
	}
	for p, want := range map[float64]float64{0.5: 50, 0.95: 95, 0.99: 99, 1: 100, 0: 1} {
		if got := percentile(v, p); got != want {
			t.Errorf("percentile %v of 1..100 is %v, want %v", p, got, want)
		}
	}
	if got := over([]float64{3, 1, 2}); got != (Measured{2, 1, 3}) {
		t.Errorf("%+v", got)
	}
}

func TestHardwareIsInTheKey(t *testing.T) {
	op, err := Step.Op(cty.EmptyObjectVal)
	if err != nil {
		t.Fatal(err)
	}
	d, err := op.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"os", "arch", "cores", "procs"} {
		if d.Fingerprints[name] == "" {
			t.Errorf("%s is not in the key: %v", name, d.Fingerprints)
		}
	}
	if runtime.GOOS == "linux" && resident() < 1<<20 {
		t.Errorf("a process of %d bytes", resident())
	}
}
