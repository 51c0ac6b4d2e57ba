package export

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ort"
	"rein/steps/internal/scorer"
)

// optimized reports what ONNX Runtime's optimisation of the graph achieved.
type optimized struct {
	Kept    bool    `json:"kept"`
	Why     string  `json:"why"`
	Load    float64 `json:"load_time_ratio"`   // median of the optimised graph / median of the graph as written; below 1 is faster
	Latency float64 `json:"latency_p50_ratio"` // the same for scoring one text on one thread
	Bytes   float64 `json:"model_bytes_ratio"` // the same for the size of the file
}

// noticeable is the relative difference from which two times differ by more than noise.
const noticeable = 0.05

// optimise lets ONNX Runtime optimise the graph. It keeps the result if the answers are equal and it is faster.
func optimise(ctx context.Context, env *steps.Env, c Config, dir artifact.Model, p probe, before answers) (link, optimized, error) {
	var o optimized
	other := artifact.Model{Path: filepath.Join(env.Scratch(), "optimized")}
	path := filepath.Join(dir.Path, artifact.ModelGraphFile)
	graph, err := os.ReadFile(path)
	if err != nil {
		return link{}, o, err
	}
	if err := os.CopyFS(other.Path, os.DirFS(dir.Path)); err != nil {
		return link{}, o, err
	}
	file := filepath.Join(other.Path, artifact.ModelGraphFile)
	s, err := ort.Open(graph, ort.Options{Optimized: file, Portable: true})
	if err != nil {
		return link{}, o, err
	}
	s.Close()
	after, err := askExported(ctx, env, "optimized", other, p.texts)
	if err != nil {
		return link{}, o, err
	}
	l := compare(p, before, after)
	l.report(env, "optimized_")
	smaller, err := os.ReadFile(file)
	if err != nil {
		return l, o, err
	}
	o.Bytes = float64(len(smaller)) / float64(len(graph))
	if o.Load, o.Latency, err = pace(ctx, env, dir, other, p.texts); err != nil {
		return l, o, err
	}
	switch {
	case l.Max > c.MaxDiff || l.Flipped > c.MaxFlips:
		o.Why = "its answers differ"
	case o.Load > 1+noticeable || o.Latency > 1+noticeable:
		o.Why = "it is slower"
	case o.Load > 1-noticeable && o.Latency > 1-noticeable:
		o.Why = "it is no faster"
	default:
		o.Kept, o.Why = true, "its answers are equal and it is faster"
		if err := os.WriteFile(path, smaller, 0o644); err != nil {
			return l, o, err
		}
	}
	kept := 0.0
	if o.Kept {
		kept = 1
	}
	env.Metric("optimized_kept", kept)
	env.Metric("optimized_load_ratio", o.Load)
	env.Metric("optimized_latency_ratio", o.Latency)
	env.Logf("optimised graph: kept %v, %s: load time %.2f, latency %.2f, size %.2f of the graph as written", o.Kept, o.Why, o.Load, o.Latency, o.Bytes)
	return l, o, nil
}

// pace opens the two models in turns and scores some texts one at a time. It returns the ratios of the medians, b to a.
func pace(ctx context.Context, env *steps.Env, a, b artifact.Model, texts []string) (load, latency float64, err error) {
	const rounds, most = 7, 24
	every := max(len(texts)/most, 1)
	var loads, times [2][]time.Duration
	for round := range rounds {
		for which, dir := range []artifact.Model{a, b} {
			begin := time.Now()
			s, err := scorer.Open(ctx, dir, scorer.Options{Whole: true})
			if err != nil {
				return 0, 0, err
			}
			loads[which] = append(loads[which], time.Since(begin))
			for i := 0; i < len(texts); i += every {
				begin := time.Now()
				if _, err := s.Logits(ctx, texts[i:i+1]); err != nil {
					return 0, 0, errors.Join(err, s.Close())
				}
				if round > 0 { // the first round is a warm-up
					times[which] = append(times[which], time.Since(begin))
				}
			}
			if err := s.Close(); err != nil {
				return 0, 0, err
			}
		}
		env.Progress(int64(round+1), rounds, "rounds of both graphs")
	}
	ratio := func(x [2][]time.Duration) float64 {
		slices.Sort(x[0])
		slices.Sort(x[1])
		if len(x[0]) == 0 || x[0][len(x[0])/2] == 0 {
			return 1
		}
		return float64(x[1][len(x[1])/2]) / float64(x[0][len(x[0])/2])
	}
	return ratio(loads), ratio(times), nil
}
