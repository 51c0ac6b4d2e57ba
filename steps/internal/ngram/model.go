package ngram

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Model is the classifier's weights, row-major.
type Model struct {
	Config
	Classes   int
	Embedding []float32 // [Buckets, Dim], each row already multiplied by its id's weight; row 0 is zero
	IDF       []float32 // [Buckets]: the ids' weights; 0 for an id that no training row had
	W1        []float32 // [Dim, Hidden]
	B1        []float32 // [Hidden]
	W2        []float32 // [Hidden, Classes]
	B2        []float32 // [Classes]
	Linear    Linear    // added to the logits of all classes but the first
}

// NewModel draws initial weights; equal seeds give equal models. The embedding begins at zero, so that an n-gram that training never sees
// adds nothing. It still learns, because the layers above it begin with random weights.
func NewModel(cfg Config, classes int, seed int64) *Model {
	m := &Model{Config: cfg, Classes: classes,
		Embedding: make([]float32, cfg.Buckets*cfg.Dim), IDF: make([]float32, cfg.Buckets),
		W1: make([]float32, cfg.Dim*cfg.Hidden), B1: make([]float32, cfg.Hidden),
		W2: make([]float32, cfg.Hidden*classes), B2: make([]float32, classes), Linear: NewLinear(cfg)}
	rng := rand.New(rand.NewPCG(uint64(seed), 0x6e6772616d))
	uniform := func(w []float32, limit float64) {
		for i := range w {
			w[i] = float32((2*rng.Float64() - 1) * limit)
		}
	}
	uniform(m.W1, math.Sqrt(6/float64(cfg.Dim+cfg.Hidden)))
	uniform(m.W2, math.Sqrt(6/float64(cfg.Hidden+classes)))
	return m
}

// wordWeight is the factor of a word's features against its character n-grams, of which there are about six times as many. Without it, the
// n-grams would drown the words.
const wordWeight = 2

// tiny replaces the squared norm of a row that has no weighted id.
const tiny = 1e-30

// Weigh gives a weight to each id that has none yet, from the number of the corpus's rows that have the id.
func (m *Model) Weigh(c *Corpus) {
	rows := make([]int32, m.Buckets)
	for _, id := range c.ids {
		rows[id]++
	}
	for id, n := range rows {
		if n > 0 && m.IDF[id] == 0 {
			m.IDF[id] = float32(1 + math.Log(float64(1+c.Len())/float64(1+n)))
			if id < m.half() {
				m.IDF[id] *= wordWeight
			}
		}
	}
}

// norm is the root of the sum of the squares of the ids' weights, or 1 if no id has a weight.
func (m *Model) norm(ids []int32) float32 {
	squares := float32(0)
	for _, id := range ids {
		w := m.IDF[id]
		squares += w * w
	}
	if squares == 0 {
		return 1
	}
	return float32(math.Sqrt(float64(squares)))
}

// pool writes the sum of the ids' embedding rows, divided by their norm, to dst. A mean would hide the telling n-grams of a long text, and
// a plain sum would turn length itself into a signal. If no id has a weight, the result is zero.
func (m *Model) pool(ids []int32, norm float32, dst []float32) {
	clear(dst)
	sumRows(dst[:m.Dim], m.Embedding, ids)
	for j := range dst {
		dst[j] /= norm
	}
}

// Logits computes a row's logits in plain Go. pooled, hidden and logits are buffers of Dim, Hidden and Classes values; the result is in
// logits.
func (m *Model) Logits(ids []int32, pooled, hidden, logits []float32) {
	norm := m.norm(ids)
	m.pool(ids, norm, pooled)
	copy(hidden, m.B1)
	for i, x := range pooled {
		for j, w := range m.W1[i*m.Hidden:][:m.Hidden] {
			hidden[j] += x * w
		}
	}
	copy(logits, m.B2)
	for i, x := range hidden {
		if x <= 0 {
			continue
		}
		for j, w := range m.W2[i*m.Classes:][:m.Classes] {
			logits[j] += x * w
		}
	}
	score := float32(0)
	for _, id := range ids {
		score += m.Linear.Weights[id]
	}
	score = score/norm + m.Linear.Bias[0]
	for j := range logits[1:] {
		logits[j+1] += score
	}
}

// Softmax turns logits into probabilities, in place.
func Softmax(logits []float32) {
	top, sum := logits[0], float32(0)
	for _, v := range logits {
		top = max(top, v)
	}
	for i, v := range logits {
		e := float32(math.Exp(float64(v - top)))
		logits[i] = e
		sum += e
	}
	for i := range logits {
		logits[i] /= sum
	}
}

// Threat is 1 - P(benign). It is computed as the sum of the other probabilities, which stays exact where P(benign) is almost 1.
func Threat(probs []float32) float32 {
	sum := float32(0)
	for _, p := range probs[1:] {
		sum += p
	}
	return min(sum, 1)
}

// check returns an error if a weight has the wrong size for the Config, or a value that is NaN or infinite.
func (m *Model) check() error {
	for _, w := range m.tensors() {
		size := 1
		for _, d := range w.Shape {
			size *= d
		}
		if len(w.Data) != size {
			return fmt.Errorf("weights %s: %d values, want %d (%v)", w.Name, len(w.Data), size, w.Shape)
		}
		for i, v := range w.Data {
			if v != v || math.IsInf(float64(v), 0) {
				return fmt.Errorf("weights %s: value %d is %v", w.Name, i, v)
			}
		}
	}
	return nil
}
