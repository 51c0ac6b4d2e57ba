package train

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/usergraph"
)

// userGraph is a user's ONNX graph in training: the word table in Go, all else in a GoMLX graph made of it.
type userGraph struct {
	cfg   Config
	dev   *mlx.Backend
	model *usergraph.Model
	files tokenizer.Files
	tok   tokenizer.Tokenizer
	net   *mlx.UserGraph
	words *ngram.Embedder // nil: the graph has no word table that can be trained
	batch mlx.EncoderBatch
}

func newUserGraph(b *mlx.Backend, c Config, model *usergraph.Model, files tokenizer.Files) (*userGraph, error) {
	u := &userGraph{cfg: c, dev: b, model: model, files: files}
	var err error
	if u.tok, err = files.Open(); err != nil {
		return nil, err
	}
	u.net, err = mlx.NewUserGraph(b, model, mlx.EncoderConfig{Rows: c.BatchSize, WeightDecay: c.Decay, Clip: c.Clip, Loss: c.loss()})
	if err != nil {
		return nil, err
	}
	if t := model.Words; t != nil {
		u.words = ngram.NewEmbedder(&ngram.Model{Config: ngram.Config{Buckets: t.Vocab, Dim: t.Hidden}, Embedding: t.Data})
	}
	u.batch.Targets, u.batch.Weights = make([]float32, c.BatchSize*model.Classes), make([]float32, c.BatchSize)
	u.batch.Drop = make([]float32, c.BatchSize*model.Width)
	return u, nil
}

func (u *userGraph) encode(texts []string) *ngram.Corpus {
	return ngram.Collect(texts, func() func(string, []int32) []int32 {
		return func(text string, dst []int32) []int32 { return u.tok.Encode(dst, text, u.model.MaxTokens) }
	})
}

func (u *userGraph) batches(d *dataset, order []int32, rng *rand.Rand) [][]int32 {
	return byLength(d, order, rng, u.cfg.BatchSize)
}

// look prepares a batch's ids and token vectors.
func (u *userGraph) look(d *dataset, batch []int32) {
	ids := make([][]int32, len(batch))
	for r, row := range batch {
		ids[r] = d.corpus.Row(int(row))
	}
	b := mlx.LookupGraph(u.model, u.cfg.BatchSize, ids)
	b.Targets, b.Weights, b.Drop = u.batch.Targets, u.batch.Weights, u.batch.Drop
	u.batch = b
}

func (u *userGraph) step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error) {
	u.look(d, batch)
	u.cfg.targets(d, batch, u.batch.Targets, u.batch.Weights)
	u.cfg.dropout(u.batch.Drop, rng)
	loss, grad, err := u.net.Step(u.batch, u.cfg.Rate*scale)
	if err != nil {
		return 0, err
	}
	if u.words != nil {
		u.words.Scatter(u.batch.IDs, grad, float32(u.cfg.Rate*scale), 0)
	}
	return loss, nil
}

func (u *userGraph) measure(d *dataset) (measured, error) {
	n := len(d.class)
	j := judgement{measured: measured{scores: make([]float32, n)}}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(len(d.corpus.Row(int(a))), len(d.corpus.Row(int(b))))
	})
	for _, batch := range chunks(order, u.cfg.BatchSize) {
		u.look(d, batch)
		logits, err := u.net.Logits(u.batch)
		if err != nil {
			return j.measured, err
		}
		for r, row := range batch {
			j.add(d, int(row), logits[r*u.model.Classes:(r+1)*u.model.Classes])
		}
	}
	j.loss = j.losses / j.weights
	return j.measured, nil
}

func (u *userGraph) weights() [][]float32 {
	if u.model.Words == nil {
		return u.model.Values
	}
	return append([][]float32{u.model.Words.Data}, u.model.Values...)
}

func (u *userGraph) moments() ([][]float32, int) {
	values, step := u.net.Moments()
	if u.words != nil {
		values = append(values, u.words.Accum)
	}
	return values, step
}

func (u *userGraph) restore(weights, moments [][]float32, step int) {
	fill(u.weights(), weights)
	if u.words != nil && moments != nil {
		last := len(moments) - 1
		copy(u.words.Accum, moments[last])
		moments = moments[:last]
	}
	u.net.Restore(moments, step)
}

func (u *userGraph) save(dir artifact.Model, info artifact.ModelInfo) error {
	return u.model.Save(dir, info, u.files)
}

func (u *userGraph) close() {
	u.net.Close()
	u.dev.Close()
}
