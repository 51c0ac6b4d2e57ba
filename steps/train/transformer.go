package train

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// transformer is an encoder in training: the word table in Go, all else in a GoMLX graph.
type transformer struct {
	cfg   Config
	dev   *mlx.Backend
	model *encoder.Model
	tok   *encoder.Tokenizer
	net   *mlx.Encoder
	words *ngram.Embedder // the word table's optimiser; nil where it is frozen
	batch mlx.EncoderBatch
}

func newTransformer(b *mlx.Backend, c Config, model *encoder.Model, tok *encoder.Tokenizer) (*transformer, error) {
	t := &transformer{cfg: c, dev: b, model: model, tok: tok}
	var err error
	t.net, err = mlx.NewEncoder(b, model, mlx.EncoderConfig{Rows: c.BatchSize, Frozen: c.frozen(), WeightDecay: c.Decay, Clip: c.Clip, Loss: c.loss()})
	if err != nil {
		return nil, err
	}
	if c.frozen() == 0 {
		t.words = ngram.NewEmbedder(&ngram.Model{Config: ngram.Config{Buckets: model.Vocab, Dim: model.Hidden}, Embedding: model.Words})
	}
	t.batch.Targets, t.batch.Weights = make([]float32, c.BatchSize*model.Classes), make([]float32, c.BatchSize)
	t.batch.Drop = make([]float32, c.BatchSize*model.Hidden)
	return t, nil
}

func (t *transformer) encode(texts []string) *ngram.Corpus {
	return ngram.Collect(texts, func() func(string, []int32) []int32 {
		return func(text string, dst []int32) []int32 { return t.tok.Encode(dst, text, t.model.MaxTokens) }
	})
}

func (t *transformer) batches(d *dataset, order []int32, rng *rand.Rand) [][]int32 {
	return byLength(d, order, rng, t.cfg.BatchSize)
}

// byLength puts rows of about equal length together: within windows of many batches, which come in a random order.
func byLength(d *dataset, order []int32, rng *rand.Rand, size int) [][]int32 {
	const window = 64
	for _, w := range chunks(order, window*size) {
		slices.SortStableFunc(w, func(a, b int32) int {
			return cmp.Compare(len(d.corpus.Row(int(a))), len(d.corpus.Row(int(b))))
		})
	}
	out := chunks(order, size)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// look prepares a batch's token vectors and mask.
func (t *transformer) look(d *dataset, batch []int32) {
	ids := make([][]int32, len(batch))
	for r, row := range batch {
		ids[r] = d.corpus.Row(int(row))
	}
	b := mlx.Lookup(t.model, t.cfg.BatchSize, ids)
	b.Targets, b.Weights, b.Drop = t.batch.Targets, t.batch.Weights, t.batch.Drop
	t.batch = b
}

func (t *transformer) step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error) {
	t.look(d, batch)
	t.cfg.targets(d, batch, t.batch.Targets, t.batch.Weights)
	t.cfg.dropout(t.batch.Drop, rng)
	loss, grad, err := t.net.Step(t.batch, t.cfg.Rate*scale)
	if err != nil {
		return 0, err
	}
	if t.words != nil {
		t.words.Scatter(t.batch.IDs, grad, float32(t.cfg.Rate*scale), 0)
	}
	return loss, nil
}

func (t *transformer) measure(d *dataset) (measured, error) {
	n := len(d.class)
	j := judgement{measured: measured{scores: make([]float32, n)}}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(len(d.corpus.Row(int(a))), len(d.corpus.Row(int(b))))
	})
	for _, batch := range chunks(order, t.cfg.BatchSize) {
		t.look(d, batch)
		logits, err := t.net.Logits(t.batch)
		if err != nil {
			return j.measured, err
		}
		for r, row := range batch {
			j.add(d, int(row), logits[r*t.model.Classes:(r+1)*t.model.Classes])
		}
	}
	j.loss = j.losses / j.weights
	return j.measured, nil
}

func (t *transformer) weights() [][]float32 {
	t.net.Unpack()
	out := [][]float32{t.model.Words}
	for _, w := range t.model.Weights {
		out = append(out, w.Data)
	}
	return out
}

func (t *transformer) moments() ([][]float32, int) {
	values, step := t.net.Moments()
	if t.words != nil {
		values = append(values, t.words.Accum)
	}
	return values, step
}

func (t *transformer) restore(weights, moments [][]float32, step int) {
	fill(t.weights(), weights)
	if t.words != nil && moments != nil {
		last := len(moments) - 1
		copy(t.words.Accum, moments[last])
		moments = moments[:last]
	}
	t.net.Restore(moments, step)
}

func (t *transformer) save(dir artifact.Model, info artifact.ModelInfo) error {
	return t.model.Save(dir, info, t.tok)
}

func (t *transformer) close() {
	t.net.Close()
	t.dev.Close()
}
