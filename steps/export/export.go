// Package export is the step type "export-onnx": it writes a trained model as ONNX and proves that the graph answers as
// the trained model does.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/seeds"
	"rein/steps/internal/usergraph"
)

// Config is what a pipeline may say of an export.
type Config struct {
	MaxDiff  float64 `hcl:"max_logit_diff" default:"0.001" doc:"Largest difference of a logit between the trained model and the graph that passes."`
	MaxFlips int     `hcl:"max_flipped" default:"0" doc:"Rows whose decision at the threshold may differ."`

	Int8       bool    `hcl:"int8" default:"false" doc:"Quantise the weights to int8, activations on the fly: a quarter of the size. The threshold is chosen anew on rows."`
	Int8Recall float64 `hcl:"int8_recall_loss" default:"0.01" doc:"Recall that int8 may cost on rows."`
	Int8FP     float64 `hcl:"int8_fp_rate_rise" default:"0.005" doc:"FP rate that int8 may add on rows."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if !(c.MaxDiff >= 0) || c.MaxFlips < 0 {
		return fmt.Errorf("max_logit_diff %v, max_flipped %d: must not be negative", c.MaxDiff, c.MaxFlips)
	}
	return nil
}

// Inputs are the model and the rows to prove it on.
type Inputs struct {
	Model artifact.Model `port:"model" doc:"A trained model."`
	Rows  artifact.Rows  `port:"rows,optional" doc:"Rows to compare the graph with the trained model on. None: generated texts."`
}

// Outputs are the model with its graph, and the proof.
type Outputs struct {
	Model artifact.Model `port:"model" doc:"The model's folder with model.onnx."`
}

// Step is the step type.
var Step = steps.New("export-onnx", 1, "Writes a model as an ONNX graph and certifies that it answers as the trained model does.", run,
	steps.Isolated, steps.Example(`
step "export-onnx" "export" {
  model = step.model.model
  rows  = step.parts.validation
}`))

func run(ctx context.Context, env *steps.Env, c Config, in Inputs) (Outputs, error) {
	out := Outputs{artifact.Model{Path: env.Out("model")}}
	m, info, err := load(in.Model)
	if err != nil {
		return out, err
	}
	defer m.close()
	if c.Int8 && info.Kind == usergraph.Kind {
		return out, errors.New("int8: a graph of your own can't be quantised here, only the built-in kinds can; leave int8 out, or give a graph that is quantised already to an exec step")
	}
	if err := write(m, out.Model, info); err != nil {
		return out, err
	}
	if err := errors.Join(leak.Copy(in.Model.Path, out.Model.Path), seeds.Copy(in.Model, out.Model)); err != nil {
		return out, err
	}
	p, err := probes(in.Rows)
	if err != nil {
		return out, err
	}
	cert, err := certify(ctx, env, m, out.Model, p.texts)
	if err != nil {
		return out, err
	}
	cert.report(env)
	if cert.Max > c.MaxDiff || cert.Flipped > c.MaxFlips {
		return out, steps.Verdictf("the ONNX graph differs from the trained model on %d rows: largest logit difference %.3g (limit %g), %d decisions flipped (limit %d)%s",
			cert.Rows, cert.Max, c.MaxDiff, cert.Flipped, c.MaxFlips, cert.examples())
	}
	if c.Int8 {
		if err := quantise(ctx, env, c, m, out.Model, info, p); err != nil {
			return out, err
		}
	}
	st, err := os.Stat(filepath.Join(out.Model.Path, artifact.ModelGraphFile))
	if err != nil {
		return out, err
	}
	env.Metric("model_bytes", float64(st.Size()))
	return out, nil
}

// metadata is what the graph says of itself, so that it can be used without model.json.
func metadata(info artifact.ModelInfo) (map[string]string, error) {
	classes, err := json.Marshal(info.Classes)
	if err != nil {
		return nil, err
	}
	meta := map[string]string{"format": strconv.Itoa(artifact.ModelFormat), "kind": info.Kind, "weights": info.Weights, "classes": string(classes),
		"threshold": strconv.FormatFloat(info.Threshold, 'g', -1, 64), "threshold_rule": info.Rule, "text": string(info.Text)}
	versions := map[string]string{}
	maps.Copy(versions, info.Versions)
	js, err := json.Marshal(versions)
	meta["versions"] = string(js)
	return meta, err
}
