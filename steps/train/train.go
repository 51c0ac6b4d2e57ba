// Package train is the step type "train-gpu": it trains a classifier on labelled rows, stops by validation rows, and
// chooses the threshold on them. Equal seeds on one machine give equal bytes.
package train

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"strconv"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// Inputs are the rows of a training.
type Inputs struct {
	Rows       artifact.Rows  `port:"rows" doc:"Rows to train on."`
	Validation artifact.Rows  `port:"validation" doc:"Rows that stop the training and choose the threshold; never reported on."`
	Init       artifact.Model `port:"init,optional" doc:"A model to go on from."`
}

// Outputs is the trained model.
type Outputs struct {
	Model artifact.Model `port:"model" doc:"The best epoch's model."`
}

// Step is the step type.
var Step = steps.New("train-gpu", 1, "Trains a classifier of prompts over hashed n-grams.", run,
	steps.Isolated, steps.Fingerprint(versions), steps.Example(`
step "train-gpu" "model" {
  rows       = step.dataset.rows
  validation = step.parts.validation
  epochs     = 10
}`))

// libraries are the modules whose versions can change a model.
var libraries = []string{"github.com/gomlx/gomlx", "github.com/gomlx/compute-onnx", "github.com/k2-fsa/sherpa-onnx-go-linux"}

// versions are the facts of the outside world that decide a model's bytes; the device isn't one of them.
func versions() map[string]string {
	out := map[string]string{"ngram": strconv.Itoa(ngram.Spec)}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, l := range libraries {
				if m.Path == l {
					out[l] = m.Version
				}
			}
		}
	}
	return out
}

func run(ctx context.Context, env *steps.Env, c Config, in Inputs) (Outputs, error) {
	out := Outputs{artifact.Model{Path: env.Out("model")}}
	rows, validation, err := prepare(ctx, env, c, in)
	if err != nil {
		return out, err
	}
	backend, err := mlx.Open(c.Device, false)
	if err != nil {
		return out, err
	}
	defer backend.Close()
	env.Device(backend.Name)
	if backend.Notice != "" {
		env.Notef("%s", backend.Notice)
	}
	model, err := initial(c, in)
	if err != nil {
		return out, err
	}
	net, err := newNetwork(backend, c, model)
	if err != nil {
		return out, err
	}
	defer net.head.Close()
	l := newLoop(env, c, net, rows, validation)
	if err := l.run(ctx); err != nil {
		return out, err
	}
	if err := finish(env, l, out.Model); err != nil {
		return out, err
	}
	return out, leak.Save(ctx, out.Model.Path, in.Init.Path, leak.Use{Side: leak.Trains, Rows: in.Rows}, leak.Use{Side: leak.Chooses, Rows: in.Validation})
}

// prepare reads both sets of rows and extracts their features.
func prepare(ctx context.Context, env *steps.Env, c Config, in Inputs) (rows, validation *dataset, err error) {
	if rows, err = load(ctx, in.Rows, "rows", c.MethodWeight); err != nil {
		return nil, nil, err
	}
	if validation, err = load(ctx, in.Validation, "validation", nil); err != nil {
		return nil, nil, err
	}
	rows.weigh(c.ClassWeights)
	for _, d := range []*dataset{rows, validation} {
		d.corpus = ngram.NewCorpus(c.ngram(), d.texts)
		d.texts = nil
	}
	env.Logf("%d rows to train on, %d to validate", len(rows.class), len(validation.class))
	return rows, validation, ctx.Err()
}

// initial is the model that training starts from.
func initial(c Config, in Inputs) (*ngram.Model, error) {
	if in.Init.Path == "" {
		return fresh(c), nil
	}
	m, info, err := ngram.Load(in.Init)
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	if m.Config != c.ngram() || m.Classes != len(Classes()) {
		return nil, fmt.Errorf("init: model with %+v and classes %q, the training is of %+v and %q", m.Config, info.Classes, c.ngram(), Classes())
	}
	return m, nil
}

// finish chooses the threshold of the best model, reports on it and saves it.
func finish(env *steps.Env, l *loop, dir artifact.Model) error {
	best := l.state.Best
	if best == nil {
		return fmt.Errorf("no epoch improved: validation gave no number")
	}
	v, t := measure(best, l.validation), measure(best, l.rows)
	threshold := choose(l.cfg, v.scores, l.validation.benign)
	fp, tp := rates(v.scores, threshold, l.validation.benign)
	seconds := l.seconds()
	for name, value := range map[string]float64{
		"train_seconds": seconds, "epochs": float64(l.state.Epoch), "best_epoch": float64(l.state.BestAt), "threshold": threshold,
		"train_loss": t.loss, "validation_loss": v.loss, "loss_gap": v.loss - t.loss,
		"train_auc": auc(t.scores, l.rows.benign), "validation_auc": auc(v.scores, l.validation.benign),
		"validation_fp_rate": fp, "validation_tp_rate": tp,
		"train_rows": float64(len(l.rows.class)), "train_rows_per_second": float64(l.state.Epoch*len(l.rows.class)) / seconds,
	} {
		env.Metric(name, value)
	}
	facts := map[string]string{"seed": strconv.Itoa(l.cfg.Seed), "epochs": strconv.Itoa(l.state.BestAt), "rows": strconv.Itoa(len(l.rows.class))}
	return best.Save(dir, artifact.ModelInfo{Classes: Classes(), Threshold: threshold, Rule: l.cfg.rule(), Versions: maps.Clone(versions()), Training: facts})
}

// rule says in words how the threshold is chosen.
func (c Config) rule() string {
	switch c.Rule {
	case "fixed":
		return fmt.Sprintf("fixed at %v", c.Fixed)
	case "f1":
		return "highest F1 macro on validation rows"
	}
	return fmt.Sprintf("highest recall on validation rows with an FP rate of at most %v", c.AtMost)
}

// rates are the shares of benign and of malicious rows at or above the threshold.
func rates(scores []float32, threshold float64, benign func(i int) bool) (fp, tp float64) {
	var negatives, positives float64
	for i, s := range scores {
		flagged := 0.0
		if float64(s) >= threshold {
			flagged = 1
		}
		if benign(i) {
			negatives++
			fp += flagged
		} else {
			positives++
			tp += flagged
		}
	}
	return fp / negatives, tp / positives
}
