package train

import (
	"context"
	"math"
	"math/rand/v2"

	"rein/steps/artifact"
	"rein/steps/internal/ngram"
)

// learner is a model in training.
type learner interface {
	// encode turns texts into ids.
	encode(texts []string) *ngram.Corpus
	// begin does what comes before the first epoch, on the rows to train on.
	begin(ctx context.Context, rows *dataset) error
	// prepare makes ready what an epoch's batches need, so that their pace is theirs.
	prepare(ctx context.Context, rows *dataset, batches [][]int32) error
	// long is how long texts are read.
	long() reading
	// slow tells that measuring takes about as long as training.
	slow() bool
	// batches cuts an epoch's order of rows into updates.
	batches(d *dataset, order []int32, rng *rand.Rand) [][]int32
	// step trains on one batch and returns its loss; scale is the schedule's share of the highest rates.
	step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error)
	// measure computes the loss (without smoothing, focus and penalty) and the threat scores of all rows.
	measure(d *dataset) (measured, error)
	// weights are the model's own arrays, up to date; moments are the optimiser's.
	weights() [][]float32
	moments() (values [][]float32, step int)
	// restore puts copies of such values back; moments may be nil.
	restore(weights, moments [][]float32, step int)
	save(dir artifact.Model, info artifact.ModelInfo) error
	close()
}

// measured is how a model does on a dataset.
type measured struct {
	loss   float64
	scores []float32 // threat scores by row
}

// judgement adds up a dataset's loss from logits, row by row.
type judgement struct {
	measured
	losses, weights float64
}

// add takes a row's logits, which it turns into probabilities.
func (j *judgement) add(d *dataset, i int, logits []float32, category float64) {
	ngram.Softmax(logits)
	threat := ngram.Threat(logits)
	j.scores[i] = threat
	loss := -math.Log(max(float64(logits[0]), 1e-30))
	if class := d.class[i]; class > 0 {
		label := max(float64(threat), 1e-30)
		loss = -math.Log(label) - category*math.Log(max(float64(logits[class])/label, 1e-30))
	}
	w := float64(d.weight[i])
	j.losses += w * loss
	j.weights += w
}

// targets fills a batch's targets, as mlx.Loss wants them, and weights; rows that fill up the batch have weight 0.
func (c Config) targets(d *dataset, batch []int32, targets, weights []float32) {
	k := len(targets) / len(weights)
	label := float32(c.Smoothing / 2)
	off := float32(c.Category * c.Smoothing / float64(k-1))
	on := off + float32(c.Category*(1-c.Smoothing))
	clear(weights)
	clear(targets)
	for i, b := range batch {
		row := targets[i*k : (i+1)*k]
		weights[i] = d.weight[b]
		if d.class[b] == 0 {
			row[0] = 1 - label
			continue
		}
		for j := range row {
			row[j] = off
		}
		row[0], row[d.class[b]] = label, on
	}
}

// dropout fills a mask with 0 for what is left out and 1/(1-share) for what is kept.
func (c Config) dropout(mask []float32, rng *rand.Rand) {
	if c.Dropout == 0 {
		for i := range mask {
			mask[i] = 1
		}
		return
	}
	keep := float32(1 / (1 - c.Dropout))
	limit := uint64(c.Dropout * (1 << 16))
	for i := 0; i < len(mask); i += 4 { // four of one draw
		r := rng.Uint64()
		for j := i; j < min(i+4, len(mask)); j++ {
			mask[j] = 0
			if r&0xffff >= limit {
				mask[j] = keep
			}
			r >>= 16
		}
	}
}

// chunks cuts an order into batches of at most n rows.
func chunks(order []int32, n int) [][]int32 {
	var out [][]int32
	for from := 0; from < len(order); from += n {
		out = append(out, order[from:min(from+n, len(order))])
	}
	return out
}

// clones copies lists of values.
func clones(lists [][]float32) [][]float32 {
	out := make([][]float32, len(lists))
	for i, l := range lists {
		out[i] = append([]float32(nil), l...)
	}
	return out
}

// fill copies values back into the arrays they came from.
func fill(dst, src [][]float32) {
	for i := range dst {
		copy(dst[i], src[i])
	}
}
