package train

import (
	"context"
	"math/rand/v2"

	"rein/steps/artifact"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// network is the n-gram model in training. Its embedding is computed in Go, the layers above it in a GoMLX graph.
type network struct {
	reading
	cfg   Config
	dev   *mlx.Backend
	model *ngram.Model
	emb   *ngram.Embedder
	head  *mlx.Head
	hc    mlx.HeadConfig

	targets, rows, mask []float32 // of one batch
}

func (c Config) ngram() ngram.Config {
	n := ngram.Default()
	if m := c.Model; m != nil {
		n.Buckets, n.Dim, n.Hidden = m.Buckets, m.Dim, m.Hidden
	}
	return n
}

func newNetwork(b *mlx.Backend, c Config, model *ngram.Model) (*network, error) {
	n := &network{cfg: c, dev: b, model: model, emb: ngram.NewEmbedder(model), hc: mlx.HeadConfig{
		Batch: c.BatchSize, Dim: model.Dim, Hidden: model.Hidden, Classes: model.Classes, WeightDecay: c.Decay, Loss: c.loss()}}
	n.targets, n.rows = make([]float32, c.BatchSize*model.Classes), make([]float32, c.BatchSize)
	n.mask = make([]float32, c.BatchSize*model.Hidden)
	var err error
	n.head, err = mlx.NewHead(b, n.hc, n.pack())
	return n, err
}

// begin fits the model's linear part. The network is then trained independently of it, not on its residuals, so that the two make different
// mistakes. Validation measures both together.
func (n *network) begin(ctx context.Context, d *dataset) error {
	n.model.Weigh(d.corpus)
	return n.model.FitLinear(ctx, d.corpus, ngram.Fit{
		Malicious: func(i int) bool { return !d.benign(i) }, Weights: d.weight, Scale: float32(n.cfg.Linear), Seed: int64(n.cfg.Seed)})
}

func (c Config) loss() mlx.Loss { return mlx.Loss{Focal: c.Focal, Energy: c.Energy, Margin: c.Margin} }

// pack joins the weights above the embedding in the order of mlx.HeadConfig.Params.
func (n *network) pack() []float32 {
	var out []float32
	for _, p := range n.arrays()[1:] {
		out = append(out, p...)
	}
	return out
}

func (n *network) arrays() [][]float32 {
	m := n.model
	return [][]float32{m.Embedding, m.W1, m.B1, m.W2, m.B2}
}

func (n *network) weights() [][]float32 {
	arrays, values := n.arrays(), n.head.Values()
	for _, p := range arrays[1:] {
		values = values[copy(p, values):]
	}
	return arrays
}

func (n *network) moments() ([][]float32, int) {
	m, v, step := n.head.State()
	return [][]float32{n.emb.Accum, m, v}, step
}

func (n *network) restore(weights, moments [][]float32, step int) {
	fill(n.arrays(), weights)
	if moments == nil {
		moments, step = n.moments()
	}
	copy(n.emb.Accum, moments[0])
	n.head.Restore(n.pack(), moments[1], moments[2], step)
}

// prepare and slow implement learner.
func (n *network) prepare(context.Context, *dataset, [][]int32) error { return nil }
func (n *network) slow() bool                                         { return false }

func (n *network) encode(texts []string) *ngram.Corpus {
	return ngram.NewCorpus(n.model.Config, texts)
}

func (n *network) batches(_ *dataset, order []int32, _ *rand.Rand) [][]int32 {
	return chunks(order, n.cfg.BatchSize)
}

func (n *network) step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error) {
	n.cfg.targets(d, batch, n.targets, n.rows)
	n.cfg.dropout(n.mask, rng)
	pooled := n.emb.Pool(d.corpus, batch, n.hc.Batch)
	loss, grad, err := n.head.Step(pooled, n.targets, n.rows, n.mask, n.cfg.HeadRate*scale)
	if err != nil {
		return 0, err
	}
	n.emb.Update(d.corpus, batch, grad, float32(n.cfg.LearningRate*scale), float32(n.cfg.Decay))
	return loss, nil
}

// measure implements learner. It runs in Go, on all cores.
func (n *network) measure(d *dataset) (measured, error) {
	n.weights()
	const chunk = 256
	m := n.model
	scores := make([]float32, d.corpus.Len())
	parts := make([]judgement, (len(scores)+chunk-1)/chunk)
	ngram.Parallel(len(parts), func() func(int) {
		pooled, hidden, logits := make([]float32, m.Dim), make([]float32, m.Hidden), make([]float32, m.Classes)
		return func(p int) {
			parts[p].scores = scores
			for i := p * chunk; i < min((p+1)*chunk, len(scores)); i++ {
				m.Logits(d.corpus.Row(i), pooled, hidden, logits)
				parts[p].add(d, i, logits, n.cfg.Category)
			}
		}
	})
	var loss, weight float64
	for _, p := range parts { // added up in order, so that the sum doesn't depend on the number of cores
		loss += p.losses
		weight += p.weights
	}
	return measured{loss / weight, scores}, nil
}

func (n *network) save(dir artifact.Model, info artifact.ModelInfo) error {
	return n.model.Save(dir, info)
}

func (n *network) close() {
	n.head.Close()
	n.dev.Close()
}
