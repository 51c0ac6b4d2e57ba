// Package train is the step type "train-gpu". It trains a classifier on labelled rows; validation rows decide when training stops and which
// threshold is chosen. On a CPU, equal seeds give equal bytes.
package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"strconv"
	"time"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/leak"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
	"rein/steps/internal/ort"
	"rein/steps/internal/threshold"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/usergraph"
)

// Inputs holds the rows of a training and the models that it starts from.
type Inputs struct {
	Rows       artifact.Rows  `port:"rows" doc:"Rows to train on."`
	Validation artifact.Rows  `port:"validation" doc:"Rows that decide when training stops and choose the threshold. They are never reported on. With cross_fit they are also trained on."`
	Threshold  artifact.Rows  `port:"threshold_rows,optional" doc:"For threshold_for new_sources: benign rows of further sources that choose the threshold, too. If a source is also among rows, only its rows from here are used for the threshold, because a selection such as mined rows isn't typical of the source. Such a source needs threshold_folds or cross_fit."`
	Init       artifact.Model `port:"init,optional" doc:"A model to continue training from."`
	Base       artifact.File  `port:"base,optional" in:"model" unless:"revision" missing:"An encoder of the Hugging Face hub needs its revision beside it, in the model block: revision = \"COMMIT\"." doc:"A Hugging Face folder of an encoder to fine-tune: bert, distilbert, roberta, xlm-roberta, camembert or mpnet. With revision, an encoder of the hub. None: the built-in n-gram model."`
	Graph      artifact.File  `port:"graph,optional" in:"model" doc:"An ONNX graph of your own to fine-tune, in place of base: a folder with model.onnx and its tokenizer.json (or vocab.txt), or the file itself together with tokenizer. It takes input_ids (and attention_mask, token_type_ids) and returns logits or hidden states."`
	Tokenizer  artifact.File  `port:"tokenizer,optional" in:"model" doc:"The tokenizer.json of the graph, if graph is a file."`
}

// Outputs holds the trained model.
type Outputs struct {
	Model artifact.Model `port:"model" doc:"The model of the best epoch."`
}

// Step is the "train-gpu" step type.
var Step = steps.New("train-gpu", 12, "Train a classifier of prompts: over hashed n-grams, or a transformer.", run,
	steps.Stage(steps.Training), steps.Fits("rows", "trains on"), steps.Fits("validation", "chooses with"), steps.Fits("threshold_rows", "chooses with"), steps.Pace("model.base"), steps.Isolated, steps.Fingerprint(versions), steps.Example(`
step "train-gpu" "model" {
  rows       = step.dataset.rows
  validation = step.parts.validation
  epochs     = 10
}`))

// libraries lists the modules whose version can change a trained model.
var libraries = []string{"github.com/gomlx/gomlx", "github.com/gomlx/compute-onnx"}

// versions returns the versions that determine a model's bytes. The device isn't one of them.
func versions() map[string]string {
	out := map[string]string{"ngram": strconv.Itoa(ngram.Spec), "onnxruntime": ort.Used()}
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
	if err := in.check(c); err != nil {
		return out, err
	}
	if c.Model != nil && c.Model.Base != "" {
		folder, err := encoder.Fetch(ctx, c.Model.repo(), func(done, total int) { env.Progress(int64(done), int64(total), "files") })
		if err != nil {
			return out, err
		}
		in.Base.Path = folder
	}
	s, err := prepare(ctx, c, in)
	if err != nil {
		return out, err
	}
	env.Logf("%d rows to train on, %d to validate", len(s.rows.class), len(s.validation.class))
	started := time.Now()
	train := trainSeeds
	if c.CrossFit > 0 {
		train = crossFit
	}
	best, err := train(ctx, env, c, in, s, out.Model)
	if err != nil {
		return out, err
	}
	defer best.loop.net.close()
	if err := finish(env, best, time.Since(started).Seconds(), out.Model); err != nil {
		return out, err
	}
	side := leak.Chooses
	if c.CrossFit > 0 {
		side = leak.Trains
	}
	uses := []leak.Use{{Side: leak.Trains, Rows: in.Rows}, {Side: side, Rows: in.Validation}}
	if s.further != nil {
		uses = append(uses, leak.Use{Side: leak.Chooses, Rows: in.Threshold})
	}
	return out, leak.Save(ctx, out.Model.Path, in.Init.Path, uses...)
}

// check refuses inputs that contradict each other.
func (in Inputs) check(c Config) error {
	hub := c.Model != nil && c.Model.Base != ""
	switch {
	case (hub || in.Base.Path != "") && in.Init.Path != "":
		return errors.New("model.base: it is the encoder to start from, and init is another; give one of them")
	case (hub || in.Base.Path != "") && in.Graph.Path != "":
		return errors.New("model.base and model.graph: give one of them")
	case in.Tokenizer.Path != "" && in.Graph.Path == "":
		return errors.New("model.tokenizer: it goes with graph, and there is none")
	case in.Init.Path != "" && in.Graph.Path != "":
		return errors.New("init and model.graph: a training that goes on from a model has its graph in it; give one of them")
	case c.Model != nil && c.Model.Output != "" && in.Graph.Path == "":
		return errors.New("model.output: it names an output of graph, and there is none")
	}
	return nil
}

// prepare reads the rows of all inputs.
func prepare(ctx context.Context, c Config, in Inputs) (s sets, err error) {
	if s.rows, err = load(ctx, in.Rows, "rows", c.MethodWeight); err != nil {
		return s, err
	}
	if s.validation, err = load(ctx, in.Validation, "validation", nil); err != nil {
		return s, err
	}
	if s.further, err = further(ctx, c, in); err != nil {
		return s, err
	}
	s.rows.weigh(c.ClassWeights, c.SourceWeights)
	return s, ctx.Err()
}

// open returns the learner for the inputs, on the device that the config asks for. It also fills in the defaults of c.
func open(env *steps.Env, c *Config, in Inputs) (learner, error) {
	model, tok, err := encoderOf(*c, in)
	if err != nil {
		return nil, err
	}
	graph, files, err := graphOf(*c, in)
	if err != nil {
		return nil, err
	}
	heavy := model != nil || graph != nil
	if !heavy && c.frozen() > 0 {
		return nil, errors.New("model.frozen_layers: the n-gram model has no layers; give base, or an encoder as init")
	}
	*c = c.filled(heavy)
	backend, err := mlx.Open(c.Device, heavy)
	if err != nil {
		return nil, err
	}
	env.Device(backend.Name)
	if backend.Notice != "" {
		env.Notef("%s", backend.Notice)
	}
	switch {
	case model != nil && c.frozen() == model.Layers:
		return newFrozen(env, backend, *c, model, tok)
	case model != nil:
		return newTransformer(env, backend, *c, model, tok)
	case graph != nil:
		return newUserGraph(env, backend, *c, graph, files)
	}
	grams, err := initial(*c, in)
	if err != nil {
		return nil, err
	}
	return newNetwork(backend, *c, grams)
}

// encoderOf returns the encoder to train, which is in the folder base or in init. It returns nil if the model is no encoder.
func encoderOf(c Config, in Inputs) (*encoder.Model, *encoder.Tokenizer, error) {
	switch {
	case in.Init.Path != "":
		info, err := in.Init.Info()
		if err != nil || info.Kind != encoder.Kind {
			return nil, nil, err
		}
		m, _, tok, err := encoder.Load(in.Init)
		if err == nil && m.Classes != len(Classes()) {
			err = fmt.Errorf("init: a model of classes %q, the training is of %q", info.Classes, Classes())
		}
		return m, tok, err
	case in.Base.Path != "":
		m, err := encoder.Read(in.Base.Path, len(Classes()), c.maxTokens(), int64(c.Seed))
		if err != nil {
			return nil, nil, fmt.Errorf("base: %w", err)
		}
		tok, err := m.OpenTokenizer(in.Base.Path)
		return m, tok, err
	}
	return nil, nil, nil
}

// graphOf returns the user's graph to train, which is in the port graph or in init. It returns nil if the model is no user's graph.
func graphOf(c Config, in Inputs) (*usergraph.Model, tokenizer.Files, error) {
	if in.Init.Path != "" {
		info, err := in.Init.Info()
		if err != nil || info.Kind != usergraph.Kind {
			return nil, nil, err
		}
		m, _, files, err := usergraph.Load(in.Init)
		if err == nil && m.Classes != len(Classes()) {
			err = fmt.Errorf("init: a model of classes %q, the training is of %q", info.Classes, Classes())
		}
		return m, files, err
	}
	if in.Graph.Path == "" {
		return nil, nil, nil
	}
	if c.frozen() > 0 {
		return nil, nil, errors.New("model.frozen_layers: a graph doesn't say where its layers are; without it all of its weights are trained")
	}
	output := ""
	if c.Model != nil {
		output = c.Model.Output
	}
	m, files, err := usergraph.Read(usergraph.Source{Path: in.Graph.Path, Tokenizer: in.Tokenizer.Path, Output: output}, len(Classes()), c.maxTokens(), int64(c.Seed))
	if err != nil {
		return nil, nil, fmt.Errorf("graph: %w", err)
	}
	return m, files, nil
}

// initial returns the n-gram model that training starts from.
func initial(c Config, in Inputs) (*ngram.Model, error) {
	if in.Init.Path == "" {
		return ngram.NewModel(c.ngram(), len(Classes()), int64(c.Seed)), nil
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

// finish reports the figures of the best training and saves its model.
func finish(env *steps.Env, r *result, seconds float64, dir artifact.Model) error {
	l := r.loop
	t, err := l.net.measure(l.sample())
	if err != nil {
		return err
	}
	for name, value := range map[string]float64{
		"train_seconds": l.before + seconds, "epochs": float64(l.state.Epoch), "best_epoch": float64(l.state.BestAt), "threshold": r.choice.Threshold, "threshold_own_traffic": r.choice.OwnTraffic,
		"train_loss": t.loss, "validation_loss": r.validation.loss, "loss_gap": r.validation.loss - t.loss,
		"validation_auc": r.auc, "validation_fp_rate": r.fp, "validation_tp_rate": r.tp,
		"train_rows": float64(len(l.rows.class)), "train_rows_per_second": float64(l.state.Epoch*len(l.rows.class)) / l.took,
	} {
		env.Metric(name, value)
	}
	promise(env, r.choice)
	if doubt := l.cfg.rule().Doubt(l.validation.perClass[0]); doubt != "" {
		env.Notef("%s", doubt)
	}
	return r.save(dir)
}

// promise reports what the threshold promises for new sources. If it promises less than was asked for, this isn't noted here: a fold's
// model may get its threshold from elsewhere, and a package says so itself.
func promise(env *steps.Env, c threshold.Choice) {
	p := c.Promise
	if p == nil {
		return
	}
	env.Metric("promise_limit", p.Limit)
	env.Metric("promise_sources", float64(p.Sources))
	env.Metric("promise_probability", p.Probability)
	env.Metric("promise_wanted", p.Wanted)
	env.Logf("the threshold rests on %d sources, %d of them scored by models that were trained without them; it keeps %g%% on %.0f%% of new ones", p.Sources, c.LeftOut, 100*p.Limit, 100*p.Probability)
}

// save writes the model into dir.
func (r *result) save(dir artifact.Model) error {
	l := r.loop
	rule, err := json.Marshal(l.cfg.rule())
	if err != nil {
		return err
	}
	choice, err := json.Marshal(r.choice)
	if err != nil {
		return err
	}
	facts := map[string]string{"threshold": string(rule), threshold.ChoiceFact: string(choice), "seed": strconv.Itoa(l.cfg.Seed), "epochs": strconv.Itoa(l.state.BestAt), "rows": strconv.Itoa(len(l.rows.class))}
	return l.net.save(dir, artifact.ModelInfo{Classes: Classes(), Threshold: r.choice.Threshold, Rule: l.cfg.rule().String(), Versions: maps.Clone(versions()), Training: facts, Windows: l.windows, Data: l.rows.facts(l.validation, l.cfg.CrossFit)})
}
