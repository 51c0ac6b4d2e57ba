package train

import (
	"math"
	"math/rand/v2"

	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// network is the n-gram model in training: the embedding in Go, the layers above it in a GoMLX graph.
type network struct {
	cfg   Config
	model *ngram.Model
	emb   *ngram.Embedder
	head  *mlx.Head
	hc    mlx.HeadConfig

	targets, weights, mask []float32
}

func (c Config) ngram() ngram.Config {
	n := ngram.Default()
	if m := c.Model; m != nil {
		n.Buckets, n.Dim, n.Hidden = m.Buckets, m.Dim, m.Hidden
	}
	return n
}

func newNetwork(b *mlx.Backend, c Config, model *ngram.Model) (*network, error) {
	n := &network{cfg: c, model: model, emb: ngram.NewEmbedder(model), hc: mlx.HeadConfig{
		Batch: c.BatchSize, Dim: model.Dim, Hidden: model.Hidden, Classes: model.Classes, WeightDecay: c.Decay,
		Loss: mlx.Loss{Focal: c.Focal, Energy: c.Energy, Margin: c.Margin}}}
	n.targets = make([]float32, c.BatchSize*model.Classes)
	n.weights = make([]float32, c.BatchSize)
	n.mask = make([]float32, c.BatchSize*model.Hidden)
	var err error
	n.head, err = mlx.NewHead(b, n.hc, n.pack())
	return n, err
}

// parts lists the model's weights above the embedding, in the order of mlx.HeadConfig.Params.
func (n *network) parts() [][]float32 {
	return [][]float32{n.model.W1, n.model.B1, n.model.W2, n.model.B2}
}

func (n *network) pack() []float32 {
	var out []float32
	for _, p := range n.parts() {
		out = append(out, p...)
	}
	return out
}

// unpack copies the head's parameters into the model.
func (n *network) unpack() {
	values := n.head.Values()
	for _, p := range n.parts() {
		values = values[copy(p, values):]
	}
}

// step trains on one batch and returns its loss; scale is the schedule's share of the highest rates.
func (n *network) step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error) {
	n.fill(d, batch, rng)
	pooled := n.emb.Pool(d.corpus, batch, n.hc.Batch)
	loss, grad, err := n.head.Step(pooled, n.targets, n.weights, n.mask, n.cfg.HeadRate*scale)
	if err != nil {
		return 0, err
	}
	n.emb.Update(d.corpus, batch, grad, float32(n.cfg.Rate*scale), float32(n.cfg.Decay))
	return loss, nil
}

// fill prepares targets, weights and the dropout mask; rows that fill up the batch have weight 0.
func (n *network) fill(d *dataset, batch []int32, rng *rand.Rand) {
	k := n.hc.Classes
	off := float32(n.cfg.Smoothing / float64(k))
	on := off + float32(1-n.cfg.Smoothing)
	clear(n.weights)
	for i := range n.targets {
		n.targets[i] = off
	}
	for i, b := range batch {
		n.targets[i*k+d.class[b]] = on
		n.weights[i] = d.weight[b]
	}
	if n.cfg.Dropout == 0 {
		for i := range n.mask {
			n.mask[i] = 1
		}
		return
	}
	keep := float32(1 / (1 - n.cfg.Dropout))
	limit := uint32(n.cfg.Dropout * (1 << 16))
	for i := 0; i < len(n.mask); i += 4 { // four masks of one draw
		r := rng.Uint64()
		for j := i; j < min(i+4, len(n.mask)); j++ {
			n.mask[j] = 0
			if uint32(r&0xffff) >= limit {
				n.mask[j] = keep
			}
			r >>= 16
		}
	}
}

// schedule is the share of the highest rates at an update.
func (c Config) schedule(update, total int) float64 {
	warm := c.Warmup * float64(total)
	if u := float64(update) + 1; u < warm {
		return u / warm
	}
	left := 1.0
	if span := float64(total) - warm; span > 0 {
		left = (float64(total) - float64(update)) / span
	}
	switch c.Schedule {
	case "linear":
		return left
	case "cosine":
		return (1 - math.Cos(math.Pi*min(left, 1))) / 2
	}
	return 1
}

// measured is how a model does on a dataset.
type measured struct {
	loss   float64
	scores []float32 // threat scores by row
}

// measure computes the weighted loss (plain cross-entropy) and the scores, in Go, on all cores.
func measure(m *ngram.Model, d *dataset) measured {
	const chunk = 256
	n := d.corpus.Len()
	out := measured{scores: make([]float32, n)}
	losses, weights := make([]float64, (n+chunk-1)/chunk), make([]float64, (n+chunk-1)/chunk)
	ngram.Parallel(len(losses), func() func(int) {
		pooled, hidden, logits := make([]float32, m.Dim), make([]float32, m.Hidden), make([]float32, m.Classes)
		return func(p int) {
			for i := p * chunk; i < min((p+1)*chunk, n); i++ {
				m.Logits(d.corpus.Row(i), pooled, hidden, logits)
				ngram.Softmax(logits)
				out.scores[i] = ngram.Threat(logits)
				w := float64(d.weight[i])
				losses[p] -= w * math.Log(max(float64(logits[d.class[i]]), 1e-30))
				weights[p] += w
			}
		}
	})
	var loss, weight float64
	for p := range losses { // in order: the sum doesn't depend on the cores
		loss += losses[p]
		weight += weights[p]
	}
	out.loss = loss / weight
	return out
}
