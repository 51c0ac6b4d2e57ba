package train

import (
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/usergraph"
)

// newUserGraph returns the learner that fine-tunes a user's ONNX graph.
func newUserGraph(env *steps.Env, b *mlx.Backend, c Config, model *usergraph.Model, files tokenizer.Files) (*fineTuned, error) {
	tok, err := files.Open()
	if err != nil {
		return nil, err
	}
	if c.Precision == "bf16" {
		env.Notef("precision bf16 is for encoders: a graph of your own is trained in fp32")
	}
	f := &fineTuned{env: env, cfg: c, dev: b, classes: model.Classes, reading: c.reads(tok, model.MaxTokens),
		encoder: func() func(string, []int32) []int32 {
			return func(text string, dst []int32) []int32 { return tok.Encode(dst, text, model.MaxTokens) }
		},
		look: func(rows int, ids [][]int32) mlx.EncoderBatch { return mlx.LookupGraph(model, rows, ids) },
		arrays: func() [][]float32 {
			if model.Words == nil {
				return model.Values
			}
			return append([][]float32{model.Words.Data}, model.Values...)
		},
		write: func(dir artifact.Model, info artifact.ModelInfo) error { return model.Save(dir, info, files) },
	}
	if t := model.Words; t != nil {
		f.words = ngram.NewEmbedder(&ngram.Model{Config: ngram.Config{Buckets: t.Vocab, Dim: t.Hidden}, Embedding: t.Data})
	}
	f.room(model.Width, 0, 0)
	f.net, err = mlx.NewUserGraph(b, model, mlx.EncoderConfig{WeightDecay: c.Decay, Clip: c.Clip, Loss: c.loss()}, f.atOnce)
	return f, err
}
