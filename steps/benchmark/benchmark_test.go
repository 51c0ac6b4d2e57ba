package benchmark

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/stepstest"
)

func prompts(t *testing.T) artifact.Rows {
	t.Helper()
	rows := []artifact.Row{{Text: "short"}, {Text: strings.Repeat("a longer prompt ", 20)}, {Text: strings.Repeat("a very long prompt ", 200)}}
	r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func config() Config {
	return Config{Prompts: 30, Rounds: 2, MaxP95: 1e6, MaxSize: 200, OnBreach: "stop", Seed: 1}
}

func TestBenchmark(t *testing.T) {
	env := stepstest.New(t, "report")
	out, err := run(t.Context(), env.Env, config(), In{ngramtest.Random(t, 0.5, true), prompts(t)})
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
	if !(0 < r.P50.Value && r.P50.Value <= r.P95.Value && r.P95.Value <= r.P99.Value && r.P95.Low <= r.P95.Value && r.P95.Value <= r.P95.High) {
		t.Errorf("percentiles %+v %+v %+v", r.P50, r.P95, r.P99)
	}
	if len(r.ByLength) != 3 || r.ModelBytes == 0 || r.Throughput.Value <= 0 || r.Hardware["cores"] == "" {
		t.Errorf("%+v", r)
	}
	if env.Metrics["latency_p95_ms"] != r.P95.Value || env.Metrics["model_bytes"] != float64(r.ModelBytes) {
		t.Errorf("metrics %v", env.Metrics)
	}
}

func TestLimits(t *testing.T) {
	model := ngramtest.Random(t, 0.5, true)
	for want, edit := range map[string]func(*Config){
		"the limit is 1e-09":     func(c *Config) { c.MaxP95 = 1e-9 },
		"MB, the limit is 0.001": func(c *Config) { c.MaxSize = 0.001 },
	} {
		c := config()
		edit(&c)
		_, err := run(t.Context(), stepstest.New(t, "report").Env, c, In{model, prompts(t)})
		if !steps.IsVerdict(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		c.OnBreach = "record"
		env := stepstest.New(t, "report")
		if _, err := run(t.Context(), env.Env, c, In{model, prompts(t)}); err != nil || !strings.Contains(strings.Join(env.Notes, ""), want) {
			t.Errorf("recorded: %v, notes %q", err, env.Notes)
		}
	}
}

func TestNeedsAnExportedModel(t *testing.T) {
	_, err := run(t.Context(), stepstest.New(t, "report").Env, config(), In{ngramtest.Random(t, 0.5, false), prompts(t)})
	if err == nil || !strings.Contains(err.Error(), "export-onnx") {
		t.Error(err)
	}
}

func TestPercentile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	if percentile(v, 0.5) != 3 || percentile(v, 0.95) != 5 || percentile(v[:1], 0.99) != 5 {
		t.Error(percentile(v, 0.5), percentile(v, 0.95))
	}
}
