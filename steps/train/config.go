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
	Epochs         int     `hcl:"epochs" default:"10" key:"extent" doc:"Largest number of epochs; training stops early if validation stops improving."`
	Seed           int     `hcl:"seed" default:"1" doc:"Seed of the initial weights, the order of the rows and dropout."`
	Seeds          int     `hcl:"seeds" default:"1" doc:"Number of trainings, each with the next seed. The best one on the validation rows is kept; the mean and the spread are reported."`
	CrossFit       int     `hcl:"cross_fit" default:"0" doc:"Number of groups for training on the validation rows, too; 0: validation rows are held out. The sources of both sets are dealt into the groups, and a model is trained without each group. Its scores of that group's rows choose epochs and threshold. The model that is kept is trained on all rows, for the mean of those epochs."`
	ThresholdFolds int     `hcl:"threshold_folds" default:"0" doc:"For threshold_for new_sources without cross_fit: number of groups of training sources for the threshold. A model is trained without each group, with as many epochs as the model that is kept. Its scores of that group's benign rows (without variations) choose the threshold together with those of the validation rows. So the threshold is based on more sources, at the cost of one more training for each group. 0: only the validation rows choose."`
	BatchSize      int     `hcl:"batch_size" default:"0" doc:"Number of rows in an update. 0: 256 for n-grams, 16 for an encoder or a graph."`
	RowsAtOnce     int     `hcl:"rows_at_once" default:"0" key:"-" doc:"Number of rows of an update that go through an encoder or a graph together; the gradients are added up. 0: as many as fit into memory. It changes only rounding."`
	Precision      string  `hcl:"precision" default:"fp32" enum:"fp32,bf16" doc:"Number type for an encoder's matrix multiplications on XLA: bf16 is fast on a GPU. Weights and sums stay fp32."`
	LearningRate   float64 `hcl:"learning_rate" default:"0" doc:"Highest learning rate of the n-grams' embedding (AdaGrad) or of an encoder (Adam). 0: 0.01 for n-grams, 0.00005 for an encoder or a graph."`
	HeadRate       float64 `hcl:"head_rate" default:"0" doc:"Highest learning rate (Adam) of the layers above the n-grams' embedding, or above a frozen encoder. 0: 0.001 for n-grams, 0.003 for an encoder."`
	Schedule       string  `hcl:"schedule" default:"cosine" enum:"constant,linear,cosine" doc:"How the learning rates fall from their highest values."`
	Horizon        int     `hcl:"schedule_epochs" default:"0" doc:"Number of epochs in which the learning rates rise and fall; 0: as many as epochs. If it is set and epochs is raised later, training continues from its last epoch, with the same bytes as a training without the break."`
	Warmup         float64 `hcl:"warmup" default:"0.02" doc:"Share of all updates in which the learning rates rise from 0."`
	Dropout        float64 `hcl:"dropout" default:"0" doc:"Share of the hidden layer that is dropped in an update."`
	Decay          float64 `hcl:"weight_decay" default:"0.0001" doc:"Decoupled weight decay."`
	Clip           float64 `hcl:"clip_norm" default:"1" doc:"Largest norm of an encoder's gradients in an update; 0: no limit."`

	ClassWeights  string             `hcl:"class_weights" default:"none" enum:"none,sqrt,balanced" doc:"Higher weights for rows of rare classes. none: all rows weigh the same; sqrt: by the square root of the rarity; balanced: by the rarity."`
	SourceWeights string             `hcl:"source_weights" default:"none" enum:"none,sqrt,balanced" doc:"The same as class_weights, for rows of small sources within a label, so that the model doesn't learn the largest source only."`
	MethodWeight  map[string]float64 `hcl:"method_weights,optional" doc:"Weight of the rows of a method."`
	Smoothing     float64            `hcl:"label_smoothing" default:"-1" doc:"Share of each target that is spread evenly: over both labels, and over all categories. -1: 0.1 for n-grams, 0 for an encoder or a graph."`
	Category      float64            `hcl:"category_weight" default:"-1" doc:"Weight of telling a malicious row's category, relative to telling benign from malicious. With 1, all classes count alike. -1: 0.1 for n-grams, 1 for an encoder or a graph."`
	Linear        float64            `hcl:"linear_weight" default:"0.5" doc:"For an n-gram model: weight of its linear part relative to the network's logits. The linear part is a logistic regression on the same n-grams, fitted before the network is trained. 0: no linear part."`
	Focal         float64            `hcl:"focal_gamma" default:"0" doc:"Gamma of the focal loss; 0 is plain cross-entropy."`
	Energy        float64            `hcl:"energy_penalty" default:"0" doc:"Weight of a penalty on benign rows whose logits exceed energy_margin."`
	Margin        float64            `hcl:"energy_margin" default:"5" doc:"Largest log-sum-exp of a benign row's logits without a penalty."`

	Patience         int     `hcl:"patience" default:"2" doc:"Epochs without improvement on validation rows before training stops; 0: never."`
	Watch            string  `hcl:"watch" default:"loss" enum:"loss,auc" doc:"Figure on the validation rows that has to improve; the epoch with the best value is kept."`
	Rule             string  `hcl:"threshold_rule" default:"fp_rate" enum:"fp_rate,recall,f1,cost,fixed" doc:"How the threshold is chosen on the validation rows. fp_rate: highest recall with a limited FP rate; recall: lowest FP rate with a sufficient recall; f1: highest F1 macro; cost: lowest expected cost of a prompt; fixed: the value of threshold."`
	AtMost           float64 `hcl:"fp_rate_at_most" default:"0.01" doc:"For threshold_rule fp_rate: largest FP rate that is allowed."`
	FPRateConfidence float64 `hcl:"fp_rate_confidence" default:"0" doc:"For threshold_rule fp_rate: confidence with which the validation rows have to show that the true FP rate keeps the limit (Clopper-Pearson). 0: only their own rate has to keep it; then the rate of new rows exceeds it about half of the time."`
	For              string  `hcl:"threshold_for" default:"own_traffic" enum:"own_traffic,new_sources" doc:"For threshold_rule fp_rate: whose FP rate keeps the limit. own_traffic: further rows of the validation rows' sources, taken together. new_sources: each of most sources that nobody has seen yet, by an order statistic over the validation rows' sources. None of these sources may be used for training."`
	Share            float64 `hcl:"new_sources_share" default:"0.85" doc:"For threshold_for new_sources: share of new sources that have to keep the limit. 0.85 needs 6 sources to choose the threshold, 0.9 needs 9, 0.95 needs 19, each with 99 benign rows if the limit is 1%. A larger share gives a higher threshold and a lower recall."`
	AtLeast          float64 `hcl:"recall_at_least" default:"0.95" doc:"For threshold_rule recall: smallest recall on the validation rows."`
	Fixed            float64 `hcl:"threshold" default:"0.5" doc:"For threshold_rule fixed: the threshold."`
	CostFP           float64 `hcl:"false_positive_cost" default:"1" doc:"For threshold_rule cost: cost of a benign prompt that is flagged, in any unit."`
	CostMiss         float64 `hcl:"miss_cost" default:"100" doc:"For threshold_rule cost: cost of a malicious prompt that passes, in the same unit."`
	BaseRate         float64 `hcl:"base_rate" default:"0.01" doc:"For threshold_rule cost: share of malicious prompts in daily traffic."`

	Model  *ModelConfig `hcl:"model,block" doc:"Settings of the model. None: the built-in n-gram model."`
	Device string       `hcl:"device" default:"auto" key:"-" enum:"auto,cpu,cuda,xla:cpu,go" doc:"Device to train on. If it doesn't exist, the CPU is used, with a notice."`
}

// ModelConfig sets the size of the model. The first three fields apply to an n-gram model, the others to an encoder or a user's graph.
type ModelConfig struct {
	Buckets int `hcl:"buckets" default:"262144" doc:"Number of rows of the embedding, which hashed n-grams share."`
	Dim     int `hcl:"dim" default:"16" doc:"Number of columns of the embedding."`
	Hidden  int `hcl:"hidden" default:"32" doc:"Number of units of the hidden layer."`

	MaxTokens int    `hcl:"max_tokens" default:"128" doc:"Largest number of tokens that an encoder or a graph reads at once."`
	Long      string `hcl:"long_text" default:"auto" enum:"auto,max,noisy-or,cut" doc:"How an encoder or a graph reads a text of more than max_tokens: in at most 64 windows that overlap by a quarter. max: the text's score is the highest score of a window; noisy-or: the text is benign if every window is; auto: chooses between these on the validation rows; cut: the rest of the text isn't read."`
	Frozen    int    `hcl:"frozen_layers" default:"0" doc:"Number of layers of an encoder that stay as they are, counted from the first, with the embeddings below them. If all do, only the head is trained, and each row is encoded once."`

	Base     string `hcl:"base,optional" doc:"Encoder of the Hugging Face hub to fine-tune, OWNER/NAME; needs revision."`
	Revision string `hcl:"revision,optional" doc:"Commit of the hub encoder: 40 hex digits."`

	Output string `hcl:"output,optional" doc:"Output of a user's graph to build on: logits [batch, 6], one vector a row, or one vector a token. Default: logits, last_hidden_state, token_embeddings or else the first output."`
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
