package train

import (
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// newTransformer returns the learner that fine-tunes an encoder.
func newTransformer(env *steps.Env, b *mlx.Backend, c Config, model *encoder.Model, tok *encoder.Tokenizer) (*fineTuned, error) {
	if c.Precision == "bf16" && !b.BFloat16() {
		env.Notef("precision bf16 is XLA's: on %s training is in fp32", b.Name)
	}
	net, err := mlx.NewEncoder(b, model, mlx.EncoderConfig{Frozen: c.frozen(), WeightDecay: c.Decay, Clip: c.Clip, Loss: c.loss(), BFloat16: c.Precision == "bf16"})
	if err != nil {
		return nil, err
	}
	f := &fineTuned{env: env, cfg: c, dev: b, net: net, classes: model.Classes, reading: c.reads(tok, model.MaxTokens),
		encoder: func() func(string, []int32) []int32 {
			return func(text string, dst []int32) []int32 { return tok.Encode(dst, text, model.MaxTokens) }
		},
		look: net.Lookup,
		arrays: func() [][]float32 {
			net.Unpack()
			out := [][]float32{model.Words}
			for _, w := range model.Weights {
				out = append(out, w.Data)
			}
			return out
		},
		write: func(dir artifact.Model, info artifact.ModelInfo) error { return model.Save(dir, info, tok) },
	}
	if c.frozen() == 0 && !net.HoldsWords() {
		f.words = ngram.NewEmbedder(&ngram.Model{Config: ngram.Config{Buckets: model.Vocab, Dim: model.Hidden}, Embedding: model.Words})
	}
	fixed, perRow := mlx.EncoderMemory(model)
	return f.room(model.Hidden, fixed, perRow), nil
}
