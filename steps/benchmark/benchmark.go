// Package benchmark measures the speed and the size of an exported model on this machine.
package benchmark

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ort"
	"rein/steps/internal/scorer"
	"rein/steps/internal/text"
)

// Config says how to measure, and what is too slow or too big.
type Config struct {
	Prompts  int     `hcl:"prompts,optional" default:"400" doc:"Number of prompts that each round scores, one at a time."`
	Rounds   int     `hcl:"rounds,optional" default:"5" doc:"Number of rounds, after a warm-up that isn't counted. A figure is the median of the rounds; its interval is their range."`
	Threads  []int   `hcl:"threads,optional" default:"[1]" doc:"Numbers of threads that ONNX Runtime uses for one prompt. Latency is measured with each number, pinned to as many cores. Limits apply to the first."`
	MaxP95   float64 `hcl:"max_p95_ms,optional" default:"10" doc:"Limit for the 95th percentile of one prompt's latency, from text to score, in milliseconds."`
	MaxSize  float64 `hcl:"max_mb,optional" default:"200" doc:"Limit for the model's size, in megabytes (1,000,000 bytes)."`
	OnBreach string  `hcl:"on_breach,optional" default:"stop" enum:"stop,record" doc:"stop: a figure over its limit stops the run (a verdict); record: it is recorded and the run goes on."`
	Long     int     `hcl:"long_prompts,optional" default:"10" doc:"Number of prompts of 4,000 tokens (n-gram models: words) that are measured separately. They are made by joining rows. 0: none."`
	Seed     int     `hcl:"seed,optional" default:"1" doc:"Seed of the choice of prompts."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Prompts >= 20, "prompts: %d; want at least 20", c.Prompts)
	check.Want(c.Rounds >= 1, "rounds: %d; want at least 1", c.Rounds)
	check.Want(len(c.Threads) > 0, "threads: want at least one number, as in [1]")
	check.Want(c.Long >= 0, "long_prompts: %d; want 0 or more", c.Long)
	for i, n := range c.Threads {
		if n < 1 || slices.Contains(c.Threads[:i], n) {
			check.Want(false, "threads: %s; want different numbers from 1 on", steps.Listed(c.Threads))
			break
		}
	}
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Model artifact.Model `port:"model" doc:"an exported model"`
	Rows  artifact.Rows  `port:"rows" doc:"prompts like those that the model will see"`
}

// Out holds the output of the step.
type Out struct {
	Report artifact.Report `port:"report" doc:"the figures, and the hardware that they were measured on"`
}

// facts returns what the figures depend on besides the model and the prompts: the hardware, and the library that runs the graph.
func facts() map[string]string {
	f := Hardware()
	maps.Copy(f, ort.Fingerprint())
	return f
}

// Step is the "benchmark" step type. The hardware is part of its key.
var Step = steps.New("benchmark", 5, "Measure a model's latency, throughput and size on this machine.", run,
	steps.Stage(steps.Export), steps.Measures, steps.Isolated, steps.Exclusive, steps.Nondeterministic, steps.Fingerprint(facts), steps.Example(`step "benchmark" "speed" {
  model      = step.export.model
  rows       = step.corpus.validation
  max_p95_ms = 10
}`))

// Measured is a figure over all rounds: the median, the smallest and the greatest value.
type Measured struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Percentiles are percentiles of the latency of one prompt, in milliseconds.
type Percentiles struct {
	P50 Measured `json:"p50_ms"`
	P95 Measured `json:"p95_ms"`
	P99 Measured `json:"p99_ms"`
}

// Latency is the time that one prompt takes, from text to score, with the given number of threads.
type Latency struct {
	Threads int  `json:"threads"`
	Pinned  bool `json:"pinned"` // to as many cores as threads, if the system allows it
	Percentiles
	ByLength map[string]Percentiles `json:"by_length"` // by number of characters of the prompt
}

// Report is the step's report.
type Report struct {
	Hardware   map[string]string `json:"hardware"` // and the version of the library
	Prompts    int               `json:"prompts"`
	Rounds     int               `json:"rounds"`
	ModelBytes int64             `json:"model_bytes"` // size of model.onnx
	LoadMS     float64           `json:"load_ms"`
	Memory     int64             `json:"memory_bytes,omitempty"` // growth of the process's memory through loading and scoring
	Latency    []Latency         `json:"latency"`                // in the order of the argument threads
	Throughput Measured          `json:"rows_per_second"`        // in batches, on all cores
	Long       *Long             `json:"long,omitempty"`
}

// longTokens is the smallest number of tokens of a long prompt.
const longTokens = 4000

// Long is the time that prompts of about 4,000 tokens take, with as many threads as the first latency.
type Long struct {
	Prompts int `json:"prompts"`
	Tokens  int `json:"tokens"` // of the shortest prompt
	Cut     int `json:"cut"`    // number of prompts that the model doesn't read whole
	Percentiles
	Throughput Measured `json:"rows_per_second"`
}

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	out := Out{artifact.Report{Path: env.Out("report")}}
	if most := slices.Max(c.Threads); most > runtime.NumCPU() {
		return out, fmt.Errorf("threads: %d, this machine has %d cores", most, runtime.NumCPU())
	}
	prompts, err := choose(ctx, in.Rows, c)
	if err != nil {
		return out, err
	}
	r := Report{Hardware: facts(), Prompts: len(prompts), Rounds: c.Rounds}
	st, err := os.Stat(filepath.Join(in.Model.Path, artifact.ModelGraphFile))
	if err != nil {
		return out, fmt.Errorf("the model has no %s: give benchmark the model of an export-onnx step", artifact.ModelGraphFile)
	}
	r.ModelBytes = st.Size()
	if err := r.measure(ctx, env, c, in.Model, prompts); err != nil {
		return out, err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return out, err
	}
	if err := os.WriteFile(out.Report.Path, append(b, '\n'), 0o644); err != nil {
		return out, err
	}
	r.metrics(env)
	return out, c.limits(env, r)
}

// measure measures the latencies and the throughput.
func (r *Report) measure(ctx context.Context, env *steps.Env, c Config, model artifact.Model, prompts []string) error {
	before := resident()
	for i, threads := range c.Threads {
		start := time.Now()
		s, err := scorer.Open(ctx, model, scorer.Options{Threads: threads, Whole: true})
		if err != nil {
			return err
		}
		if i == 0 {
			r.LoadMS = ms(time.Since(start))
			r.Throughput, err = throughput(ctx, env, s, prompts, r.Rounds)
		}
		var l Latency
		if err == nil {
			l, err = latency(ctx, env, s, threads, prompts, r.Rounds)
		}
		if i == 0 && err == nil && c.Long > 0 {
			r.Long, err = long(ctx, env, s, threads, prompts, c)
		}
		if i == 0 {
			r.Memory = max(resident()-before, 0)
		}
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
		r.Latency = append(r.Latency, l)
	}
	return nil
}

// long joins prompts until they have enough tokens, and measures those.
func long(ctx context.Context, env *steps.Env, s *scorer.Scorer, threads int, prompts []string, c Config) (*Long, error) {
	l := &Long{Prompts: c.Long}
	var texts []string
	at := 0
	for range c.Long {
		var parts []string
		for tokens, empty := 0, 0; tokens < longTokens; at++ {
			p := prompts[at%len(prompts)]
			n := s.Tokens(p) - s.Tokens("")
			if parts, tokens = append(parts, p), tokens+n; n > 0 {
				empty = 0
			} else if empty++; empty > len(prompts) {
				return nil, errors.New("rows: no prompt has a word in it")
			}
		}
		text := strings.Join(parts, "\n")
		if n := s.Tokens(text); l.Tokens == 0 || n < l.Tokens {
			l.Tokens = n
		}
		if s.Cut(text) > 0 {
			l.Cut++
		}
		texts = append(texts, text)
	}
	rounds := min(c.Rounds, 3)
	var err error
	if l.Throughput, err = throughput(ctx, env, s, texts, rounds); err != nil {
		return nil, err
	}
	one, err := latency(ctx, env, s, threads, texts, rounds)
	l.Percentiles = one.Percentiles
	return l, err
}

// throughput scores all prompts together, on all cores. The first round is a warm-up.
func throughput(ctx context.Context, env *steps.Env, s *scorer.Scorer, prompts []string, rounds int) (Measured, error) {
	var rates []float64
	for round := range rounds + 1 {
		start := time.Now()
		if _, err := s.Score(ctx, prompts); err != nil {
			return Measured{}, err
		}
		if round > 0 {
			rates = append(rates, float64(len(prompts))/time.Since(start).Seconds())
		}
		env.Progress(int64(round+1), int64(rounds+1), "rounds of all prompts")
	}
	return over(rates), nil
}

// latency scores prompts one by one. The first round is a warm-up.
func latency(ctx context.Context, env *steps.Env, s *scorer.Scorer, threads int, prompts []string, rounds int) (Latency, error) {
	free, pinned := pin(threads)
	defer free()
	l := Latency{Threads: threads, Pinned: pinned}
	const all = ""
	figures := map[string]*[3][]float64{} // percentiles of each round, by length and for all prompts
	for round := range rounds + 1 {
		times := map[string][]float64{}
		for i, p := range prompts {
			start := time.Now()
			if _, err := s.Score(ctx, prompts[i:i+1]); err != nil {
				return l, err
			}
			t, length := ms(time.Since(start)), bucket(utf8.RuneCountInString(p))
			times[all], times[length] = append(times[all], t), append(times[length], t)
		}
		env.Progress(int64(round+1), int64(rounds+1), "rounds of single prompts")
		if round == 0 {
			continue
		}
		for k, v := range times {
			if figures[k] == nil {
				figures[k] = new([3][]float64)
			}
			for i, p := range []float64{0.5, 0.95, 0.99} {
				figures[k][i] = append(figures[k][i], percentile(v, p))
			}
		}
	}
	l.ByLength = map[string]Percentiles{}
	for k, v := range figures {
		p := Percentiles{over(v[0]), over(v[1]), over(v[2])}
		if k == all {
			l.Percentiles = p
		} else {
			l.ByLength[k] = p
		}
	}
	return l, nil
}

func (r Report) metrics(env *steps.Env) {
	env.Metric("model_bytes", float64(r.ModelBytes))
	env.Metric("load_ms", r.LoadMS)
	if r.Memory > 0 {
		env.Metric("memory_bytes", float64(r.Memory))
	}
	figures := map[string]Measured{"score_rows_per_second": r.Throughput}
	if l := r.Long; l != nil {
		figures["long_latency_p50_ms"], figures["long_latency_p95_ms"], figures["long_rows_per_second"] = l.P50, l.P95, l.Throughput
	}
	for i, l := range r.Latency {
		end := ""
		if i > 0 {
			end = fmt.Sprintf("_%d_threads", l.Threads)
		}
		figures["latency_p50_ms"+end], figures["latency_p95_ms"+end], figures["latency_p99_ms"+end] = l.P50, l.P95, l.P99
	}
	for name, m := range figures {
		env.Metric(name, m.Value)
		env.Metric(name+"_low", m.Low)
		env.Metric(name+"_high", m.High)
	}
}

// limits returns a verdict if a figure exceeds its limit.
func (c Config) limits(env *steps.Env, r Report) error {
	var breaches []string
	if mb := float64(r.ModelBytes) / 1e6; mb > c.MaxSize {
		breaches = append(breaches, fmt.Sprintf("the model is %.1f MB, the limit is %g (max_mb)", mb, c.MaxSize))
	}
	if p95 := r.Latency[0].P95; p95.Value > c.MaxP95 {
		breaches = append(breaches, fmt.Sprintf("95%% of prompts are scored within %.2f ms (%.2f-%.2f over the rounds), the limit is %g (max_p95_ms)", p95.Value, p95.Low, p95.High, c.MaxP95))
	}
	breach := strings.Join(breaches, "; ")
	switch {
	case breach == "":
		return nil
	case c.OnBreach == "record":
		env.Notef("%s", breach)
		return nil
	}
	return steps.Verdictf("%s", breach)
}

// choose draws prompts at random without holding all rows. The same seed gives the same prompts. If there are fewer rows than asked for, it
// repeats them.
func choose(ctx context.Context, rows artifact.Rows, c Config) ([]string, error) {
	rng := text.RNG(int64(c.Seed), "benchmark")
	var out []string
	seen := 0
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		seen++
		if len(out) < c.Prompts {
			out = append(out, r.Text)
		} else if at := rng.IntN(seen); at < c.Prompts {
			out[at] = r.Text
		}
	}
	if seen == 0 {
		return nil, errors.New("there are no prompts to measure with")
	}
	for i := 0; len(out) < c.Prompts; i++ {
		out = append(out, out[i])
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out, nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// percentile returns the nearest-rank percentile.
func percentile(v []float64, p float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[max(int(math.Ceil(p*float64(len(s))))-1, 0)]
}

func over(rounds []float64) Measured {
	s := slices.Sorted(slices.Values(rounds))
	return Measured{s[len(s)/2], s[0], s[len(s)-1]}
}

func bucket(n int) string {
	for _, limit := range []int{100, 400, 1600} {
		if n <= limit {
			return fmt.Sprintf("<=%d", limit)
		}
	}
	return ">1600"
}
