package export

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/scorer"
	"rein/steps/internal/threshold"
	"rein/steps/stats"
)

// weightsInt8 is the artifact.ModelInfo.Weights of a quantised model.
const weightsInt8 = "int8"

// quantise replaces the exported graph by one with int8 weights, chooses its threshold anew on labelled rows, and says
// what changed. Limits that are passed are a verdict.
func quantise(ctx context.Context, env *steps.Env, c Config, m trained, dir artifact.Model, info artifact.ModelInfo, p probe) error {
	before, err := scores(ctx, dir, p.texts)
	if err != nil {
		return err
	}
	info.Weights = weightsInt8
	if err := write(m, dir, info); err != nil {
		return err
	}
	after, err := scores(ctx, dir, p.texts)
	if err != nil {
		return err
	}
	cut, report := info.Threshold, change{}
	if p.labelled() {
		var rule threshold.Rule
		if err := json.Unmarshal([]byte(info.Training["threshold"]), &rule); err == nil {
			cut = rule.Choose(after.threats, p.benignAt)
		}
		report = compare(p, before, info.Threshold, after, cut)
		report.metrics(env)
	}
	diffs := make([]float64, len(p.texts))
	for i := range diffs {
		for j := range before.logits[i] {
			diffs[i] = max(diffs[i], math.Abs(float64(before.logits[i][j]-after.logits[i][j])))
		}
	}
	slices.Sort(diffs)
	if n := len(diffs); n > 0 {
		env.Metric("int8_logit_diff_max", diffs[n-1])
		env.Metric("int8_logit_diff_p999", diffs[min(int(math.Ceil(0.999*float64(n))), n)-1])
	}
	env.Metric("int8_threshold", cut)
	info.Threshold = cut
	if err := write(m, dir, info); err != nil {
		return err
	}
	if report.recall < -c.Int8Recall || report.fp > c.Int8FP {
		return steps.Verdictf("int8 changes too much on %d rows: recall by %+.4f (limit -%g), FP rate by %+.4f (limit %g)%s",
			len(p.texts), report.recall, c.Int8Recall, report.fp, c.Int8FP, report.examples(p, before, after))
	}
	return nil
}

// write puts info and the graph that it describes into the model's folder.
func write(m trained, dir artifact.Model, info artifact.ModelInfo) error {
	meta, err := metadata(info)
	if err != nil {
		return err
	}
	if err := m.save(dir, info); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir.Path, artifact.ModelGraphFile), m.graph(meta, info.Weights == weightsInt8), 0o644)
}

// scored is a graph's answers.
type scored struct {
	logits  [][]float32
	threats []float32
}

func scores(ctx context.Context, dir artifact.Model, texts []string) (scored, error) {
	s, err := scorer.Open(ctx, dir, scorer.Options{})
	if err != nil {
		return scored{}, err
	}
	defer s.Close()
	out := scored{}
	if out.logits, err = s.Logits(ctx, texts); err != nil {
		return out, err
	}
	for _, l := range out.logits {
		p := slices.Clone(l)
		ngram.Softmax(p)
		out.threats = append(out.threats, ngram.Threat(p))
	}
	return out, nil
}

// change is what int8 does to the decisions, each graph at its own threshold.
type change struct {
	recall, fp     float64 // after - before
	recallI, fpI   stats.Interval
	flipped        int
	flippedBenign  []int // rows that are flagged now and weren't
	flippedMissing []int // attacks that are missed now and weren't
}

func compare(p probe, before scored, cut1 float64, after scored, cut2 float64) change {
	var c change
	var n, plus, minus [2]int // by label: rows, flagged only after, flagged only before
	for i := range p.texts {
		label := 1
		if p.benign[i] {
			label = 0
		}
		n[label]++
		was, is := float64(before.threats[i]) >= cut1, float64(after.threats[i]) >= cut2
		switch {
		case is && !was:
			plus[label]++
			if label == 0 {
				c.flippedBenign = append(c.flippedBenign, i)
			}
		case was && !is:
			minus[label]++
			if label == 1 {
				c.flippedMissing = append(c.flippedMissing, i)
			}
		}
	}
	c.flipped = plus[0] + plus[1] + minus[0] + minus[1]
	if n[0] > 0 {
		c.fp, c.fpI = float64(plus[0]-minus[0])/float64(n[0]), stats.PairedDifference(minus[0], plus[0], n[0])
	}
	if n[1] > 0 {
		c.recall, c.recallI = float64(plus[1]-minus[1])/float64(n[1]), stats.PairedDifference(minus[1], plus[1], n[1])
	}
	return c
}

func (c change) metrics(env *steps.Env) {
	env.Metric("int8_decisions_flipped", float64(c.flipped))
	env.Metric("int8_fp_rate_change", c.fp)
	env.Metric("int8_fp_rate_change_low", c.fpI.Low)
	env.Metric("int8_fp_rate_change_high", c.fpI.High)
	env.Metric("int8_tp_rate_change", c.recall)
	env.Metric("int8_tp_rate_change_low", c.recallI.Low)
	env.Metric("int8_tp_rate_change_high", c.recallI.High)
}

// examples lists some rows that got worse, for a message.
func (c change) examples(p probe, before, after scored) string {
	var cert certificate
	for _, i := range append(slices.Clone(c.flippedMissing), c.flippedBenign...) {
		cert.example(before.threats[i], after.threats[i], p.texts[i])
	}
	return cert.examples()
}
