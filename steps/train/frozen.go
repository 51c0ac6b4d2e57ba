package train

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"rein/cache"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
	"rein/steps/internal/ort"
)

// frozen is an encoder of which only the head is trained. Each row goes through the encoder once; the epochs then only use the pooled
// output and are fast.
type frozen struct {
	reading
	env   *steps.Env
	cfg   Config
	dev   *mlx.Backend
	model *encoder.Model
	tok   *encoder.Tokenizer
	head  *mlx.Head

	pooled, targets, rows, mask []float32 // of one batch
}

func newFrozen(env *steps.Env, b *mlx.Backend, c Config, model *encoder.Model, tok *encoder.Tokenizer) (*frozen, error) {
	hc := mlx.HeadConfig{Batch: c.BatchSize, Dim: model.Hidden, Classes: model.Classes, WeightDecay: c.Decay, Loss: c.loss()}
	f := &frozen{reading: c.reads(tok, model.MaxTokens), env: env, cfg: c, dev: b, model: model, tok: tok, targets: make([]float32, c.BatchSize*model.Classes),
		rows: make([]float32, c.BatchSize), mask: make([]float32, c.BatchSize*model.Hidden), pooled: make([]float32, c.BatchSize*model.Hidden)}
	var err error
	f.head, err = mlx.NewHead(b, hc, f.pack())
	return f, err
}

// arrays returns the head's matrix and bias. The slices are the model's own memory.
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

// begin, prepare and slow implement learner. A head needs no preparation.
func (f *frozen) begin(context.Context, *dataset) error              { return nil }
func (f *frozen) prepare(context.Context, *dataset, [][]int32) error { return nil }
func (f *frozen) slow() bool                                         { return false }

func (f *frozen) encode(texts []string) *ngram.Corpus {
	return ngram.Collect(texts, func() func(string, []int32) []int32 {
		return func(text string, dst []int32) []int32 { return f.tok.Encode(dst, text, f.model.MaxTokens) }
	})
}

func (f *frozen) batches(_ *dataset, order []int32, _ *rand.Rand) [][]int32 {
	return chunks(order, f.cfg.BatchSize)
}

// embed runs the encoder over a dataset. Rows whose ids an earlier training has pooled come from the row memo.
func (f *frozen) embed(d *dataset) error {
	if d.vectors != nil {
		return nil
	}
	graph := f.model.EmbeddingGraph()
	vectors := make([]float32, d.corpus.Len()*f.model.Hidden)
	keys := rowKeys(cache.Sum(graph), d.corpus)
	missing, err := f.remembered(keys, vectors)
	if err != nil {
		return err
	}
	session, err := ort.Open(graph, ort.Options{})
	if err != nil {
		return err
	}
	defer session.Close()
	work := equalLengths(d.corpus, missing)
	var mu sync.Mutex
	var failed error
	done := len(keys) - len(missing)
	ngram.Parallel(len(work), func() func(int) {
		return func(p int) {
			err := f.embedBatch(session, d, keys, work[p], vectors)
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
			done += len(work[p])
			f.env.Progress(int64(done), int64(len(keys)), "rows encoded")
		}
	})
	d.vectors = vectors
	return failed
}

// rowKeys returns the memo keys of the rows' vectors. They depend on the encoder's graph and the row's ids.
func rowKeys(graph cache.Digest, c *ngram.Corpus) []cache.Digest {
	keys := make([]cache.Digest, c.Len())
	for i := range keys {
		b := slices.Clone(graph[:])
		for _, id := range c.Row(i) {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		keys[i] = cache.Sum(b)
	}
	return keys
}

// remembered copies the vectors that the memo has into vectors, and returns the rows that it doesn't have.
func (f *frozen) remembered(keys []cache.Digest, vectors []float32) (missing []int, err error) {
	h := f.model.Hidden
	const chunk = 4096
	for from := 0; from < len(keys); from += chunk {
		values, err := f.env.Memo().GetMany(context.Background(), keys[from:min(from+chunk, len(keys))])
		if err != nil {
			return nil, err
		}
		for r, b := range values {
			if len(b) != 4*h {
				missing = append(missing, from+r)
				continue
			}
			for j := range h {
				vectors[(from+r)*h+j] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*j:]))
			}
		}
	}
	return missing, nil
}

// equalLengths divides rows into batches in which all rows have the same length. In such a batch a row's vector has the same bits as if it
// were computed alone; beside longer rows it would differ slightly. Then the result would depend on which rows are in the memo.
func equalLengths(c *ngram.Corpus, rows []int) [][]int {
	const most = 32
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(len(c.Row(a)), len(c.Row(b))) })
	var out [][]int
	for i, row := range rows {
		if last := len(out) - 1; i > 0 && len(out[last]) < most && len(c.Row(row)) == len(c.Row(rows[i-1])) {
			out[last] = append(out[last], row)
			continue
		}
		out = append(out, []int{row})
	}
	return out
}

func (f *frozen) embedBatch(s *ort.Session, d *dataset, keys []cache.Digest, rows []int, vectors []float32) error {
	length := max(len(d.corpus.Row(rows[0])), 1)
	ids := make([]int64, 0, len(rows)*length)
	for _, i := range rows {
		for _, id := range d.corpus.Row(i) {
			ids = append(ids, int64(id))
		}
		if len(d.corpus.Row(i)) == 0 {
			ids = append(ids, int64(f.model.Pad))
		}
	}
	out, err := s.Run(len(rows), length, ids)
	if err != nil {
		return err
	}
	h := f.model.Hidden
	news, values := make([]cache.Digest, len(rows)), make([][]byte, len(rows))
	for r, i := range rows {
		v := out[0][r*h : (r+1)*h]
		copy(vectors[i*h:], v)
		news[r] = keys[i]
		for _, x := range v {
			values[r] = binary.LittleEndian.AppendUint32(values[r], math.Float32bits(x))
		}
	}
	return f.env.Memo().PutMany(context.Background(), news, values)
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
		j.add(d, i, logits, f.cfg.Category)
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
