package train

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"rein/steps"
	"rein/steps/internal/hubfiles"
	"rein/steps/internal/threshold"
)

// Config holds the arguments of a training.
type Config struct {
	Epochs         int     `hcl:"epochs" default:"10" key:"extent" doc:"At most; training stops early when validation stops improving."`
	Seed           int     `hcl:"seed" default:"1" doc:"Of initial weights, order and dropout."`
	Seeds          int     `hcl:"seeds" default:"1" doc:"Trainings, each with the next seed: the best on validation rows is kept, mean and spread are reported."`
	CrossFit       int     `hcl:"cross_fit" default:"0" doc:"Train on the validation rows, too: the sources of both sets are dealt into so many groups, a model is trained without each, and its scores of that group's rows choose epochs and threshold; the model that is kept is trained on all rows, for the mean of those epochs. 0: validation rows are held out."`
	ThresholdFolds int     `hcl:"threshold_folds" default:"0" doc:"For threshold_for new_sources, without cross_fit: the sources that train are dealt into so many groups, and a model is trained without each, for the epochs of the model that is kept; its scores of that group's benign rows, as they came, choose the threshold beside those of the validation rows. So it rests on more sources, at the cost of so many more trainings. 0: on validation rows alone."`
	BatchSize      int     `hcl:"batch_size" default:"0" doc:"Rows in an update. 0: 256 for n-grams, 16 for an encoder or a graph."`
	RowsAtOnce     int     `hcl:"rows_at_once" default:"0" key:"-" doc:"Rows of an update that go through an encoder or a graph at a time; the gradients are added up. 0: as many as memory takes. Not in the key: it changes no more than rounding."`
	Precision      string  `hcl:"precision" default:"fp32" enum:"fp32,bf16" doc:"What an encoder's matrices are multiplied in, where the device is XLA: bf16 is fast on a GPU; weights and sums stay fp32."`
	LearningRate   float64 `hcl:"learning_rate" default:"0" doc:"At its highest: of the n-grams' embedding (AdaGrad), or of an encoder (Adam). 0: 0.01 for n-grams, 0.00005 for an encoder or a graph."`
	HeadRate       float64 `hcl:"head_rate" default:"0" doc:"Learning rate of what is above the n-grams' embedding, or above an encoder that stays as it is, at its highest (Adam). 0: 0.001 for n-grams, 0.003 for an encoder."`
	Schedule       string  `hcl:"schedule" default:"cosine" enum:"constant,linear,cosine" doc:"How the rates fall from their highest."`
	Horizon        int     `hcl:"schedule_epochs" default:"0" doc:"Epochs over which the rates rise and fall; 0: as many as epochs. Where it is set, a training whose epochs are raised goes on from its last one, and ends with the bytes of one that ran through."`
	Warmup         float64 `hcl:"warmup" default:"0.02" doc:"Share of all updates in which the rates rise from 0."`
	Dropout        float64 `hcl:"dropout" default:"0" doc:"Share of the hidden layer that is left out of an update."`
	Decay          float64 `hcl:"weight_decay" default:"0.0001" doc:"Decoupled weight decay."`
	Clip           float64 `hcl:"clip_norm" default:"1" doc:"Largest norm of an encoder's gradients in an update; 0: any."`

	ClassWeights  string             `hcl:"class_weights" default:"none" enum:"none,sqrt,balanced" doc:"How rare classes are weighed up: not, by the square root of their rarity, or fully."`
	SourceWeights string             `hcl:"source_weights" default:"none" enum:"none,sqrt,balanced" doc:"How small sources of a label are weighed up, likewise: so that the largest one is not all that is learnt."`
	MethodWeight  map[string]float64 `hcl:"method_weights,optional" doc:"Weight of rows by the method that made them."`
	Smoothing     float64            `hcl:"label_smoothing" default:"-1" doc:"Share of each target that is spread evenly: over both labels, and over all categories. -1: 0.1 for n-grams, 0 for an encoder or a graph."`
	Category      float64            `hcl:"category_weight" default:"-1" doc:"Weight of telling a malicious row's category beside that of telling benign and malicious apart; at 1 all classes are told apart alike. -1: 0.1 for n-grams, 1 for an encoder or a graph."`
	Linear        float64            `hcl:"linear_weight" default:"0.5" doc:"Of an n-gram model: what its linear part's scores (logistic regression on the same n-grams, fitted before the network is trained) count beside the network's logits; 0: none."`
	Focal         float64            `hcl:"focal_gamma" default:"0" doc:"Gamma of the focal loss; 0 is plain cross-entropy."`
	Energy        float64            `hcl:"energy_penalty" default:"0" doc:"Weight of a penalty on benign rows whose logits exceed energy_margin."`
	Margin        float64            `hcl:"energy_margin" default:"5" doc:"Log-sum-exp of a benign row's logits that costs nothing."`

	Patience         int     `hcl:"patience" default:"2" doc:"Epochs without improvement on validation rows before training stops; 0: never."`
	Watch            string  `hcl:"watch" default:"loss" enum:"loss,auc" doc:"What has to improve on validation rows, and which epoch is kept."`
	Rule             string  `hcl:"threshold_rule" default:"fp_rate" enum:"fp_rate,recall,f1,cost,fixed" doc:"How the threshold is chosen on validation rows: highest recall at a limited FP rate, lowest FP rate at a sufficient recall, highest F1 macro, lowest expected cost of a prompt, or as said."`
	AtMost           float64 `hcl:"fp_rate_at_most" default:"0.01" doc:"For threshold_rule fp_rate: the limit on validation rows."`
	FPRateConfidence float64 `hcl:"fp_rate_confidence" default:"0" doc:"For threshold_rule fp_rate: how sure the validation rows have to make it that the true FP rate keeps the limit (Clopper-Pearson). 0: their own rate has to, so that new rows of their kind exceed it every other time."`
	For              string  `hcl:"threshold_for" default:"own_traffic" enum:"own_traffic,new_sources" doc:"For threshold_rule fp_rate: whose FP rate keeps the limit. own_traffic: that of more rows of the validation rows' sources, taken together. new_sources: that of most sources which nobody has seen yet, by an order statistic over the validation rows' sources, which must be none that trains."`
	Share            float64 `hcl:"new_sources_share" default:"0.85" doc:"For threshold_for new_sources: the share of new sources that has to keep the limit. 0.85 takes 6 sources to choose by, 0.9 takes 9, 0.95 takes 19; each with 99 benign rows, where the limit is 1%. The more, the higher the threshold, and the less is found."`
	AtLeast          float64 `hcl:"recall_at_least" default:"0.95" doc:"For threshold_rule recall: the limit on validation rows."`
	Fixed            float64 `hcl:"threshold" default:"0.5" doc:"For threshold_rule fixed."`
	CostFP           float64 `hcl:"false_positive_cost" default:"1" doc:"For threshold_rule cost: of a benign prompt that is flagged, in any unit."`
	CostMiss         float64 `hcl:"miss_cost" default:"100" doc:"For threshold_rule cost: of a malicious prompt that passes, in the same unit."`
	BaseRate         float64 `hcl:"base_rate" default:"0.01" doc:"For threshold_rule cost: share of malicious prompts in daily traffic."`

	Model  *ModelConfig `hcl:"model,block" doc:"Sizes of the model. None: the built-in n-gram model."`
	Device string       `hcl:"device" default:"auto" key:"-" enum:"auto,cpu,cuda,xla:cpu,go" doc:"Where to train; a device that is not there is replaced by the CPU, with a notice. Not in the key."`
}

// ModelConfig sets the size of the model. The first three fields apply to an n-gram model, the others to an encoder or a user's graph.
type ModelConfig struct {
	Buckets int `hcl:"buckets" default:"262144" doc:"Rows of the embedding: hashed n-grams share them."`
	Dim     int `hcl:"dim" default:"16" doc:"Columns of the embedding."`
	Hidden  int `hcl:"hidden" default:"32" doc:"Units of the hidden layer."`

	MaxTokens int    `hcl:"max_tokens" default:"128" doc:"Tokens of a text that an encoder or a graph sees."`
	Long      string `hcl:"long_text" default:"auto" enum:"auto,max,noisy-or,cut" doc:"How an encoder or a graph reads a text of more than max_tokens: in windows that overlap by a quarter, 64 at most. The highest score of a window is the text's (max), or the text is benign if every window is (noisy-or); auto chooses on the validation rows. cut: the rest isn't read."`
	Frozen    int    `hcl:"frozen_layers" default:"0" doc:"Layers of an encoder, from the first on, that stay as they are, with the embeddings below them. All of them: only the head is trained, and rows are encoded once."`

	Base     string `hcl:"base,optional" doc:"Encoder of the Hugging Face hub to fine-tune, where revision is given: OWNER/NAME."`
	Revision string `hcl:"revision,optional" doc:"The hub encoder's commit: 40 hex digits."`

	Output string `hcl:"output,optional" doc:"Which output of a user's graph to build on: logits [batch, 6], a vector a row or a vector a token. Unset: logits, last_hidden_state, token_embeddings or else the first."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	for _, v := range []struct {
		name    string
		v       float64
		low, up float64
	}{
		{"epochs", float64(c.Epochs), 1, 10000}, {"seeds", float64(c.Seeds), 1, 100}, {"cross_fit", float64(c.CrossFit), 0, 50}, {"threshold_folds", float64(c.ThresholdFolds), 0, 50},
		{"batch_size", float64(c.BatchSize), 0, 1 << 16}, {"rows_at_once", float64(c.RowsAtOnce), 0, 1 << 16},
		{"learning_rate", c.LearningRate, 0, 100}, {"head_rate", c.HeadRate, 0, 10}, {"warmup", c.Warmup, 0, 1},
		{"dropout", c.Dropout, 0, 0.95}, {"weight_decay", c.Decay, 0, 1}, {"label_smoothing", or(c.Smoothing, 0), 0, 0.99}, {"category_weight", or(c.Category, 0), 0, 10},
		{"linear_weight", c.Linear, 0, 10}, {"focal_gamma", c.Focal, 0, 10}, {"energy_penalty", c.Energy, 0, 100}, {"clip_norm", c.Clip, 0, 1e6}, {"patience", float64(c.Patience), 0, 10000},
		{"fp_rate_at_most", c.AtMost, 0, 1}, {"fp_rate_confidence", c.FPRateConfidence, 0, 0.9999}, {"new_sources_share", c.Share, 0, 0.9999}, {"recall_at_least", c.AtLeast, 0, 1}, {"threshold", c.Fixed, 0, 1},
		{"false_positive_cost", c.CostFP, 0, 1e12}, {"miss_cost", c.CostMiss, 0, 1e12}, {"base_rate", c.BaseRate, 0, 1},
	} {
		check.Between(v.name, v.v, v.low, v.up)
	}
	check.Want(c.FPRateConfidence <= 0 || c.AtMost != 0, "fp_rate_confidence: no number of rows shows an FP rate of 0; leave it out, or raise fp_rate_at_most")
	check.Want(c.CrossFit != 1, "cross_fit: 1 group leaves nothing to train on without it; give 2 or more, or 0")
	check.Want(c.ThresholdFolds != 1, "threshold_folds: 1 group leaves nothing to train on without it; give 2 or more, or 0")
	check.Want(c.Horizon == 0 || c.Horizon >= c.Epochs, "schedule_epochs: %d is less than epochs, %d: the rates would have fallen to 0 by then", c.Horizon, c.Epochs)
	for _, m := range slices.Sorted(maps.Keys(c.MethodWeight)) {
		check.Want(c.MethodWeight[m] >= 0, "method_weights: %s: %v is negative", m, c.MethodWeight[m])
	}
	if m := c.Model; m != nil {
		check.Within("model", m.validate())
	}
	check.Within("model", c.ngram().Validate())
	return check.Err()
}

// UsesGPU implements steps.GPUUser. With device auto, an n-gram model of default size doesn't use the GPU.
func (c Config) UsesGPU() bool { return c.Device == "cuda" || c.Device == "auto" && c.Model != nil }

func (m *ModelConfig) validate() error {
	switch {
	case m.Frozen < 0:
		return fmt.Errorf("frozen_layers: %d is negative", m.Frozen)
	case m.Base == "" && m.Revision != "":
		return errors.New("revision: it pins a base of the hub, and there is none")
	case m.Base != "":
		return m.repo().Check("base")
	}
	return nil
}

func (m *ModelConfig) repo() hubfiles.Repo {
	return hubfiles.Repo{Kind: hubfiles.Model, ID: m.Base, Revision: m.Revision}
}

// filled returns c with the defaults that depend on the kind of model.
func (c Config) filled(encoder bool) Config {
	rate, head, batch, smoothing, category := 0.01, 0.001, 256, 0.1, 0.1
	if encoder {
		rate, head, batch, smoothing, category = 5e-5, 0.003, 16, 0, 1
	}
	c.Smoothing, c.Category = or(c.Smoothing, smoothing), or(c.Category, category)
	if c.LearningRate == 0 {
		c.LearningRate = rate
	}
	if c.HeadRate == 0 {
		c.HeadRate = head
	}
	if c.BatchSize == 0 {
		c.BatchSize = batch
	}
	return c
}

// or returns v, or unset if v is -1, which stands for "not set".
func or(v, unset float64) float64 {
	if v == -1 {
		return unset
	}
	return v
}

func (c Config) rule() threshold.Rule {
	r := threshold.Rule{Kind: c.Rule}
	switch c.Rule {
	case "fp_rate":
		r.AtMost, r.Sure = c.AtMost, c.FPRateConfidence
		if c.For == threshold.NewSources {
			r.For, r.Share = c.For, c.Share
		}
	case "recall":
		r.AtLeast = c.AtLeast
	case "fixed":
		r.Fixed = c.Fixed
	case "cost":
		r.Costs = &threshold.Costs{FalsePositive: c.CostFP, Miss: c.CostMiss, BaseRate: c.BaseRate}
	}
	return r
}

func (c Config) frozen() int {
	if c.Model == nil {
		return 0
	}
	return c.Model.Frozen
}

func (c Config) maxTokens() int {
	if c.Model == nil {
		return 128
	}
	return c.Model.MaxTokens
}
