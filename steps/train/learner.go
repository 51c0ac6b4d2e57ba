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
	// begin does the work that comes before the first epoch. rows are the training rows.
	begin(ctx context.Context, rows *dataset) error
	// prepare does the one-off work that an epoch's batches need, such as compiling, so that the measured speed doesn't include it.
	prepare(ctx context.Context, rows *dataset, batches [][]int32) error
	// long says how texts are read that are longer than the model's input.
	long() reading
	// slow says that measuring takes about as long as training.
	slow() bool
	// batches divides an epoch's order of rows into batches. Each batch is one update.
	batches(d *dataset, order []int32, rng *rand.Rand) [][]int32
	// step trains on one batch and returns its loss. The learning rates are their highest values times scale, which the schedule gives.
	step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error)
	// measure computes the threat scores of all rows, and the loss without smoothing, focus and penalty.
	measure(d *dataset) (measured, error)
	// weights returns the model's own arrays, up to date. moments returns those of the optimiser.
	weights() [][]float32
	moments() (values [][]float32, step int)
	// restore copies values that weights and moments returned earlier back into the model. moments may be nil.
	restore(weights, moments [][]float32, step int)
	save(dir artifact.Model, info artifact.ModelInfo) error
	close()
}

// measured is the result of measuring a model on a dataset.
type measured struct {
	loss   float64
	scores []float32 // threat score of each row
}

// judgement adds up a dataset's loss from the logits of its rows.
type judgement struct {
	measured
	losses, weights float64
}

// add adds the loss of row i. It replaces the row's logits by probabilities.
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

// targets writes the targets and weights of a batch in the form of mlx.Loss. Rows that only fill up the batch get weight 0.
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

// dropout fills mask with 0 for dropped values and 1/(1-share) for kept ones.
func (c Config) dropout(mask []float32, rng *rand.Rand) {
	if c.Dropout == 0 {
		for i := range mask {
			mask[i] = 1
		}
		return
	}
	keep := float32(1 / (1 - c.Dropout))
	limit := uint64(c.Dropout * (1 << 16))
	for i := 0; i < len(mask); i += 4 { // one random number serves four values
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

// chunks divides order into batches of at most n rows.
func chunks(order []int32, n int) [][]int32 {
	var out [][]int32
	for from := 0; from < len(order); from += n {
		out = append(out, order[from:min(from+n, len(order))])
	}
	return out
}

// clones returns copies of all slices.
func clones(lists [][]float32) [][]float32 {
	out := make([][]float32, len(lists))
	for i, l := range lists {
		out[i] = append([]float32(nil), l...)
	}
	return out
}

// fill copies the values of src into the slices of dst.
func fill(dst, src [][]float32) {
	for i := range dst {
		copy(dst[i], src[i])
	}
}
