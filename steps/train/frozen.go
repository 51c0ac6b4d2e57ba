package train

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
	"rein/steps/internal/ort"
)

// frozen is an encoder of which nothing but the head is trained: each row goes through the encoder once, and epochs over
// what was pooled take moments.
type frozen struct {
	env   *steps.Env
	cfg   Config
	dev   *mlx.Backend
	model *encoder.Model
	tok   *encoder.Tokenizer
	head  *mlx.Head

	pooled, targets, rows, mask []float32 // of a batch
}

func newFrozen(env *steps.Env, b *mlx.Backend, c Config, model *encoder.Model, tok *encoder.Tokenizer) (*frozen, error) {
	hc := mlx.HeadConfig{Batch: c.BatchSize, Dim: model.Hidden, Classes: model.Classes, WeightDecay: c.Decay, Loss: c.loss()}
	f := &frozen{env: env, cfg: c, dev: b, model: model, tok: tok, targets: make([]float32, c.BatchSize*model.Classes),
		rows: make([]float32, c.BatchSize), mask: make([]float32, c.BatchSize*model.Hidden), pooled: make([]float32, c.BatchSize*model.Hidden)}
	var err error
	f.head, err = mlx.NewHead(b, hc, f.pack())
	return f, err
}

// arrays are the head's matrix and bias, in the model.
func (f *frozen) arrays() [][]float32 {
	at := f.model.Head()
	return [][]float32{f.model.Weights[at].Data, f.model.Weights[at+1].Data}
}

func (f *frozen) pack() []float32 { return slices.Concat(f.arrays()...) }

func (f *frozen) weights() [][]float32 {
	arrays, values := f.arrays(), f.head.Values()
	for _, p := range arrays {
		values = values[copy(p, values):]
	}
	return arrays
}

func (f *frozen) moments() ([][]float32, int) {
	m, v, step := f.head.State()
	return [][]float32{m, v}, step
}

func (f *frozen) restore(weights, moments [][]float32, step int) {
	fill(f.arrays(), weights)
	if moments == nil {
		moments, step = f.moments()
	}
	f.head.Restore(f.pack(), moments[0], moments[1], step)
}

func (f *frozen) encode(texts []string) *ngram.Corpus {
	return ngram.Collect(texts, func() func(string, []int32) []int32 {
		return func(text string, dst []int32) []int32 { return f.tok.Encode(dst, text, f.model.MaxTokens) }
	})
}

func (f *frozen) batches(_ *dataset, order []int32, _ *rand.Rand) [][]int32 {
	return chunks(order, f.cfg.BatchSize)
}

// embed runs the encoder over a dataset, once.
func (f *frozen) embed(d *dataset) error {
	if d.vectors != nil {
		return nil
	}
	session, err := ort.Open(f.model.EmbeddingGraph(), ort.Options{})
	if err != nil {
		return err
	}
	defer session.Close()
	order := make([]int, d.corpus.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(d.corpus.Row(a)), len(d.corpus.Row(b))) })
	vectors := make([]float32, len(order)*f.model.Hidden)
	const rowsAtOnce = 32
	var mu sync.Mutex
	var failed error
	done := 0
	ngram.Parallel((len(order)+rowsAtOnce-1)/rowsAtOnce, func() func(int) {
		return func(p int) {
			part := order[p*rowsAtOnce : min((p+1)*rowsAtOnce, len(order))]
			err := f.embedBatch(session, d, part, vectors)
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
			done += len(part)
			f.env.Progress(int64(done), int64(len(order)), "rows encoded")
		}
	})
	d.vectors = vectors
	return failed
}

func (f *frozen) embedBatch(s *ort.Session, d *dataset, rows []int, vectors []float32) error {
	length := max(len(d.corpus.Row(rows[len(rows)-1])), 1)
	ids := make([]int64, len(rows)*length)
	for i := range ids {
		ids[i] = int64(f.model.Pad)
	}
	for r, i := range rows {
		for j, id := range d.corpus.Row(i) {
			ids[r*length+j] = int64(id)
		}
	}
	out, err := s.Run(len(rows), length, ids)
	if err != nil {
		return err
	}
	h := f.model.Hidden
	for r, i := range rows {
		copy(vectors[i*h:(i+1)*h], out[0][r*h:])
	}
	return nil
}

func (f *frozen) step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error) {
	if err := f.embed(d); err != nil {
		return 0, err
	}
	f.cfg.targets(d, batch, f.targets, f.rows)
	f.cfg.dropout(f.mask, rng)
	h := f.model.Hidden
	clear(f.pooled)
	for r, i := range batch {
		copy(f.pooled[r*h:(r+1)*h], d.vectors[int(i)*h:])
	}
	loss, _, err := f.head.Step(f.pooled, f.targets, f.rows, f.mask, f.cfg.HeadRate*scale)
	return loss, err
}

func (f *frozen) measure(d *dataset) (measured, error) {
	if err := f.embed(d); err != nil {
		return measured{}, err
	}
	w, h, k := f.weights(), f.model.Hidden, f.model.Classes
	j := judgement{measured: measured{scores: make([]float32, len(d.class))}}
	logits := make([]float32, k)
	for i := range d.class {
		copy(logits, w[1])
		for a, x := range d.vectors[i*h : (i+1)*h] {
			for c, v := range w[0][a*k : (a+1)*k] {
				logits[c] += x * v
			}
		}
		j.add(d, i, logits)
	}
	j.loss = j.losses / j.weights
	return j.measured, nil
}

func (f *frozen) save(dir artifact.Model, info artifact.ModelInfo) error {
	return f.model.Save(dir, info, f.tok)
}

func (f *frozen) close() {
	f.head.Close()
	f.dev.Close()
}
