// Package export is the step type "export-onnx". It writes a trained model as an ONNX graph and proves that the graph gives the same
// answers as the trained model.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/ort"
	"rein/steps/internal/seeds"
)

// Config holds the arguments of the step.
type Config struct {
	MaxDiff  float64 `hcl:"max_logit_diff" default:"0.001" doc:"Largest difference of a logit between the trained model and the graph. A larger one fails the step."`
	MaxFlips int     `hcl:"max_flipped" default:"0" doc:"Largest number of rows that the graph may decide differently at the threshold."`

	Weights    string  `hcl:"weights" default:"fp32" enum:"fp32,int8,fp16" doc:"Number type of the weights. int8: a quarter of the size; activations are quantised while it runs. fp16: half the size, for encoders on a GPU. For both, the threshold is chosen again on rows."`
	RecallLoss float64 `hcl:"max_recall_loss" default:"0.01" doc:"Largest loss of recall on rows that int8 or fp16 weights may cause."`
	FPRise     float64 `hcl:"max_fp_rate_rise" default:"0.005" doc:"Largest rise of the FP rate on rows that int8 or fp16 weights may cause."`
	Optimize   bool    `hcl:"optimize" default:"false" doc:"Whether ONNX Runtime optimises the graph. The result is kept if its answers are equal and it loads or scores faster on this machine. It has operators that only ONNX Runtime knows, and its bytes depend on the measurement."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Between("max_recall_loss", c.RecallLoss, 0, 1)
	check.Between("max_fp_rate_rise", c.FPRise, 0, 1)
	check.Want(c.MaxDiff >= 0, "max_logit_diff: %v is negative", c.MaxDiff)
	check.Want(c.MaxFlips >= 0, "max_flipped: %d is negative", c.MaxFlips)
	return check.Err()
}

// AdjustTraits implements steps.TraitsAdjuster. With full weights the rows don't change the threshold, so the step doesn't fit anything.
func (c Config) AdjustTraits(t *engine.Traits) {
	if c.Weights == "fp32" {
		t.Fits = nil
	}
}

// Inputs holds the model and the rows that the proof uses.
type Inputs struct {
	Model artifact.Model `port:"model" doc:"A trained model."`
	Rows  artifact.Rows  `port:"rows,optional" doc:"Rows on which the graph is compared with the trained model. None: generated texts."`
}

// Outputs holds the model with its graph, and the proof.
type Outputs struct {
	Model       artifact.Model  `port:"model" doc:"The model's folder with model.onnx."`
	Certificate artifact.Report `port:"certificate" doc:"How far the answers of each graph (trained, onnx, int8 or fp16, optimized) differ from those of the graph that it was made from."`
}

// Step is the "export-onnx" step type.
var Step = steps.New("export-onnx", 6, "Write a model as an ONNX graph and certify that the graph gives the same answers as the trained model.", run,
	steps.Stage(steps.Export), steps.Fits("rows", "chooses the threshold again with"), steps.Isolated, steps.Fingerprint(ort.Fingerprint), steps.Example(`
step "export-onnx" "export" {
  model = step.model.model
  rows  = step.parts.validation
}`))

func run(ctx context.Context, env *steps.Env, c Config, in Inputs) (Outputs, error) {
	out := Outputs{artifact.Model{Path: env.Out("model")}, artifact.Report{Path: env.Out("certificate")}}
	m, info, err := load(in.Model)
	if err != nil {
		return out, err
	}
	defer m.close()
	small, err := c.shrinks(info.Kind)
	if err != nil {
		return out, err
	}
	if err := write(m, out.Model, info); err != nil {
		return out, err
	}
	var chooses []leak.Use
	if small && in.Rows.Path != "" {
		chooses = append(chooses, leak.Use{Side: leak.Chooses, Rows: in.Rows})
	}
	if err := errors.Join(leak.Add(ctx, in.Model.Path, out.Model.Path, chooses...), seeds.Copy(in.Model, out.Model)); err != nil {
		return out, err
	}
	p, err := probes(in.Rows)
	if err != nil {
		return out, err
	}
	cert, err := certify(ctx, env, c, m, out.Model, info, small, p)
	if err != nil {
		return out, err
	}
	st, err := os.Stat(filepath.Join(out.Model.Path, artifact.ModelGraphFile))
	if err != nil {
		return out, err
	}
	env.Metric("model_bytes", float64(st.Size()))
	b, err := json.MarshalIndent(cert, "", "  ")
	if err != nil {
		return out, err
	}
	return out, os.WriteFile(out.Certificate.Path, append(b, '\n'), 0o644)
}

// certify compares each graph with the one that it was made from. The chain goes from the trained model to the file that stays in dir.
func certify(ctx context.Context, env *steps.Env, c Config, m trained, dir artifact.Model, info artifact.ModelInfo, small bool, p probe) (certificate, error) {
	var cert certificate
	reference, err := ask(ctx, counted(env, "trained", p.texts), "trained", info.Threshold, p.texts, m.atOnce(), m.logits)
	if err != nil {
		return cert, err
	}
	now, err := askExported(ctx, env, "onnx", dir, p.texts)
	if err != nil {
		return cert, err
	}
	l := compare(p, reference, now)
	l.report(env, "")
	env.Metric("certified_rows", float64(l.Rows))
	cert.Links = append(cert.Links, l)
	if l.Max > c.MaxDiff || l.Flipped > c.MaxFlips {
		return cert, steps.Verdictf("the ONNX graph differs from the trained model on %d rows: largest logit difference %.3g (limit %g), %d decisions flipped (limit %d)%s",
			l.Rows, l.Max, c.MaxDiff, l.Flipped, c.MaxFlips, l.examples())
	}
	if small {
		if now, l, err = shrink(ctx, env, c, m, dir, &info, p, now); err != nil {
			return cert, err
		}
		cert.Links = append(cert.Links, l)
	}
	if c.Optimize {
		l, o, err := optimise(ctx, env, c, dir, p, now)
		if err != nil {
			return cert, err
		}
		cert.Links, cert.Optimized = append(cert.Links, l), &o
	}
	return cert, nil
}

// metadata returns what is written into the graph itself, so that the graph can be used without model.json.
func metadata(info artifact.ModelInfo) (map[string]string, error) {
	classes, err := json.Marshal(info.Classes)
	if err != nil {
		return nil, err
	}
	meta := map[string]string{"format": strconv.Itoa(artifact.ModelFormat), "kind": info.Kind, "weights": info.Weights, "classes": string(classes),
		"threshold": strconv.FormatFloat(info.Threshold, 'g', -1, 64), "threshold_rule": info.Rule, "text": string(info.Text)}
	if info.Windows != nil {
		js, err := json.Marshal(info.Windows)
		if err != nil {
			return nil, err
		}
		meta["windows"] = string(js)
	}
	versions := map[string]string{}
	maps.Copy(versions, info.Versions)
	js, err := json.Marshal(versions)
	meta["versions"] = string(js)
	return meta, err
}
