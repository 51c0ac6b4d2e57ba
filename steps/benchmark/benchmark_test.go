package benchmark

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/ort"
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
	return Config{Prompts: 30, Rounds: 2, Threads: []int{1}, MaxP95: 1e6, MaxSize: 200, OnBreach: "stop", Seed: 1}
}

func TestBenchmark(t *testing.T) {
	env := stepstest.New(t, "report")
	c := config()
	c.Long = 3
	if runtime.NumCPU() > 1 {
		c.Threads = []int{1, 2}
	}
	out, err := run(t.Context(), env.Env, c, In{ngramtest.Random(t, 0.5, true), prompts(t)})
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
	if len(r.Latency) != len(c.Threads) {
		t.Fatalf("%+v", r)
	}
	for i, l := range r.Latency {
		if !(0 < l.P50.Value && l.P50.Value <= l.P95.Value && l.P95.Value <= l.P99.Value && l.P95.Low <= l.P95.Value && l.P95.Value <= l.P95.High) {
			t.Errorf("percentiles %+v", l.Percentiles)
		}
		if l.Threads != c.Threads[i] || l.Pinned != (runtime.GOOS == "linux") || len(l.ByLength) != 3 || l.ByLength[">1600"].P50.Value <= 0 {
			t.Errorf("%+v", l)
		}
	}
	if l := r.Long; l == nil || l.Prompts != 3 || l.Tokens < longTokens || l.Tokens > 2*longTokens || l.Cut != 3 || l.P95.Value < l.P50.Value || l.Throughput.Value <= 0 ||
		env.Metrics["long_latency_p95_ms"] != l.P95.Value {
		t.Errorf("long prompts: %+v", l)
	}
	if r.ModelBytes == 0 || r.Throughput.Value <= 0 || r.Hardware["cores"] == "" {
		t.Errorf("%+v", r)
	}
	if m := env.Metrics; len(c.Threads) > 1 && m["latency_p99_ms_2_threads"] != r.Latency[1].P99.Value {
		t.Errorf("metrics %v", m)
	}
	if env.Metrics["latency_p95_ms"] != r.Latency[0].P95.Value || env.Metrics["model_bytes"] != float64(r.ModelBytes) {
		t.Errorf("metrics %v", env.Metrics)
	}
}

func TestLimits(t *testing.T) {
	model := ngramtest.Random(t, 0.5, true)
	for want, edit := range map[string]func(*Config){
		"the limit is 1e-09":     func(c *Config) { c.MaxP95 = 1e-9 },
		"MB, the limit is 0.001": func(c *Config) { c.MaxSize = 0.001 },
		"(max_mb); 95% of":       func(c *Config) { c.MaxSize, c.MaxP95 = 0.001, 1e-9 },
	} {
		c := config()
		edit(&c)
		_, err := run(t.Context(), stepstest.New(t, "report").Env, c, In{model, prompts(t)})
		if !stepstest.IsVerdict(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		c.OnBreach = "record"
		env := stepstest.New(t, "report")
		if _, err := run(t.Context(), env.Env, c, In{model, prompts(t)}); err != nil || !strings.Contains(strings.Join(env.Notes, ""), want) {
			t.Errorf("recorded: %v, notes %q", err, env.Notes)
		}
	}
}

// A figure must not be reused for another version of the library. A text's length is counted in characters.
func TestFacts(t *testing.T) {
	before := facts()
	t.Setenv(ort.LibraryEnv, "/elsewhere/libonnxruntime.so")
	if after := facts(); maps.Equal(before, after) || after["cores"] != before["cores"] {
		t.Errorf("with another library: %v, before %v", after, before)
	}
	if b := bucket(utf8.RuneCountInString(strings.Repeat("я", 90))); b != "<=100" {
		t.Errorf("90 letters are %s", b)
	}
}

func TestThreads(t *testing.T) {
	for want, threads := range map[string][]int{"want at least one number": {}, "different numbers": {1, 1}, "from 1 on": {0}} {
		c := config()
		c.Threads = threads
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("threads %v: %v", threads, err)
		}
	}
	c := config()
	c.Threads = []int{1, 100000}
	_, err := run(t.Context(), stepstest.New(t, "report").Env, c, In{ngramtest.Random(t, 0.5, true), prompts(t)})
	if err == nil || !strings.Contains(err.Error(), "threads: 100000, this machine has") {
		t.Error(err)
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
