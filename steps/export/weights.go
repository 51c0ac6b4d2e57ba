package export

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/threshold"
	"rein/steps/internal/usergraph"
)

// shrinks tells whether the config asks for smaller weights than the trained ones. It fails if a model of this kind can't have them.
func (c Config) shrinks(kind string) (bool, error) {
	switch {
	case c.Weights != string(onnxgraph.Quantized) && c.Weights != string(onnxgraph.FP16):
		return false, nil
	case kind == usergraph.Kind:
		return false, errors.New("weights: those of a graph of your own are kept as they are; leave weights out, or give a graph that is " + c.Weights + " already to an exec step")
	case c.Weights == string(onnxgraph.FP16) && kind == ngram.Kind:
		return false, errors.New("weights: fp16 is for encoders on a GPU; the n-gram model can have int8")
	}
	return true, nil
}

// shrink replaces the exported graph by one with smaller weights. It chooses the threshold again on labelled rows and reports what changed.
// If a limit is exceeded, it returns a verdict.
func shrink(ctx context.Context, env *steps.Env, c Config, m trained, dir artifact.Model, info *artifact.ModelInfo, p probe, before answers) (answers, link, error) {
	info.Weights = c.Weights
	if err := write(m, dir, *info); err != nil {
		return answers{}, link{}, err
	}
	after, err := askExported(ctx, env, c.Weights, dir, p.texts)
	if err != nil {
		return after, link{}, err
	}
	var rule threshold.Rule
	switch err := json.Unmarshal([]byte(info.Training["threshold"]), &rule); {
	case err != nil:
		env.Notef("the model doesn't say how its threshold was chosen: %s keeps it", c.Weights)
	case p.mixed():
		trained, err := threshold.ChoiceOf(info.Training)
		if err != nil {
			return after, link{}, err
		}
		choice := rule.Decide(threshold.Rows{Scores: after.threats(), Benign: p.benignAt, Source: func(i int) string { return p.source[i] }})
		if p, b := choice.Promise, trained.Promise; p != nil && b != nil && p.Sources < b.Sources {
			env.Notef("the rows have %d sources to choose the threshold again over, and it rests on %d: %s keeps the trained model's", p.Sources, b.Sources, c.Weights)
			break
		}
		said, err := json.Marshal(choice)
		if err != nil {
			return after, link{}, err
		}
		after.threshold, info.Training[threshold.ChoiceFact] = choice.Threshold, string(said)
	default:
		env.Notef("there are no rows of both labels to choose the threshold again on: %s keeps the trained model's", c.Weights)
	}
	l := compare(p, before, after)
	l.report(env, c.Weights+"_")
	env.Metric(c.Weights+"_threshold", after.threshold)
	info.Threshold = after.threshold
	if err := write(m, dir, *info); err != nil {
		return after, l, err
	}
	if recall, fp := l.Recall.value(), l.FPRate.value(); recall < -c.RecallLoss || fp > c.FPRise {
		return after, l, steps.Verdictf("%s changes too much on %d rows: recall by %+.4f (limit -%g), FP rate by %+.4f (limit %g)%s",
			c.Weights, l.Rows, recall, c.RecallLoss, fp, c.FPRise, l.examples())
	}
	return after, l, nil
}

// value returns the difference, or 0 if there were no rows to measure it on.
func (d *difference) value() float64 {
	if d == nil {
		return 0
	}
	return d.Value
}

// write writes info, and the graph that it describes, into the model's folder.
func write(m trained, dir artifact.Model, info artifact.ModelInfo) error {
	meta, err := metadata(info)
	if err != nil {
		return err
	}
	if err := m.save(dir, info); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir.Path, artifact.ModelGraphFile), m.graph(meta, onnxgraph.Weights(info.Weights)), 0o644)
}
