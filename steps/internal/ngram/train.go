package ngram

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Corpus holds the ids of many rows, one row after the other.
type Corpus struct {
	ids    []int32
	starts []int64 // where each row begins, then where the last one ends
}

// Len is the number of rows.
func (c *Corpus) Len() int { return len(c.starts) - 1 }

// Row is the ids of row i.
func (c *Corpus) Row(i int) []int32 { return c.ids[c.starts[i]:c.starts[i+1]] }

// Pick returns a corpus of the rows with these numbers.
func (c *Corpus) Pick(rows []int) *Corpus {
	out := &Corpus{starts: []int64{0}}
	for _, i := range rows {
		out.ids = append(out.ids, c.Row(i)...)
		out.starts = append(out.starts, int64(len(out.ids)))
	}
	return out
}

// NewCorpus extracts the features of all texts, on all cores.
func NewCorpus(cfg Config, texts []string) *Corpus {
	return Collect(texts, func() func(string, []int32) []int32 { return NewExtractor(cfg).Features })
}

// CorpusOf makes a corpus of rows that already are ids.
func CorpusOf(rows [][]int32) *Corpus {
	out := &Corpus{starts: []int64{0}}
	for _, ids := range rows {
		out.ids = append(out.ids, ids...)
		out.starts = append(out.starts, int64(len(out.ids)))
	}
	return out
}

// Collect encodes all texts, on all cores. It calls encoder once for each goroutine; the function that this returns appends a text's ids to
// dst.
func Collect(texts []string, encoder func() func(text string, dst []int32) []int32) *Corpus {
	const chunk = 512
	parts := make([]Corpus, (len(texts)+chunk-1)/chunk)
	Parallel(len(parts), func() func(int) {
		encode := encoder()
		return func(p int) {
			part := &parts[p]
			for _, text := range texts[p*chunk : min((p+1)*chunk, len(texts))] {
				part.ids = encode(text, part.ids)
				part.starts = append(part.starts, int64(len(part.ids)))
			}
			part.ids = slices.Clip(part.ids)
		}
	})
	all, total := &Corpus{starts: make([]int64, 1, len(texts)+1)}, 0
	for i := range parts {
		total += len(parts[i].ids)
	}
	all.ids = make([]int32, 0, total)
	for i := range parts {
		base := int64(len(all.ids))
		all.ids = append(all.ids, parts[i].ids...)
		for _, s := range parts[i].starts {
			all.starts = append(all.starts, base+s)
		}
		parts[i] = Corpus{}
	}
	return all
}

// Parallel calls work(0) to work(n-1) on all cores. It calls worker once for each goroutine, to get the work function that this goroutine
// uses.
func Parallel(n int, worker func() (work func(i int))) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for work := worker(); ; {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(i)
			}
		})
	}
	wg.Wait()
}

// Embedder trains a Model's embedding. It pools batches, and applies the gradient of the pooled rows to the embedding rows that the batch
// uses, by AdaGrad with one accumulator for each row. Results don't depend on the number of cores, because the table is cut into fixed
// ranges of rows, and each range is updated in the order of the batch.
type Embedder struct {
	m      *Model
	Accum  []float32 // by embedding row
	idf    []float32 // by embedding row: a rare id moves further
	of     *Corpus   // the corpus that prepare saw last
	norms  []float32 // by row of that corpus
	bounds []int32   // [rows of that corpus, ranges+1]: where a row's ids of each range begin
	cuts   []int32   // range s has the ids from cuts[s] up to cuts[s+1]
	pooled []float32
	sizes  []float32 // by row of the batch: mean square of its gradient
}

const ranges = 16

// NewEmbedder returns an Embedder with empty accumulators.
func NewEmbedder(m *Model) *Embedder {
	e := &Embedder{m: m, Accum: make([]float32, m.Buckets), idf: m.IDF}
	if e.idf == nil {
		e.idf = slices.Repeat([]float32{1}, m.Buckets)
	}
	for s := range ranges + 1 {
		e.cuts = append(e.cuts, int32(s*m.Buckets/ranges))
	}
	return e
}

// prepare computes the norms and bounds of a corpus's rows, which every epoch uses.
func (e *Embedder) prepare(c *Corpus) {
	if e.of == c {
		return
	}
	e.of, e.norms, e.bounds = c, make([]float32, c.Len()), make([]int32, c.Len()*(ranges+1))
	const chunk = 512
	Parallel((c.Len()+chunk-1)/chunk, func() func(int) {
		return func(p int) {
			for i := p * chunk; i < min((p+1)*chunk, c.Len()); i++ {
				ids := c.Row(i)
				e.norms[i] = e.m.norm(ids)
				for s, cut := range e.cuts {
					at, _ := slices.BinarySearch(ids, cut)
					e.bounds[i*(ranges+1)+s] = int32(at)
				}
			}
		}
	})
}

// Pool returns the pooled rows of a batch, [size, Dim]. If the batch has fewer rows, the rest is zero. The result is valid until the next
// call.
func (e *Embedder) Pool(c *Corpus, batch []int32, size int) []float32 {
	dim := e.m.Dim
	e.pooled = slices.Grow(e.pooled[:0], size*dim)[:size*dim]
	clear(e.pooled[len(batch)*dim:])
	e.prepare(c)
	const chunk = 32
	Parallel((len(batch)+chunk-1)/chunk, func() func(int) {
		return func(p int) {
			for i := p * chunk; i < min((p+1)*chunk, len(batch)); i++ {
				e.m.pool(c.Row(int(batch[i])), e.norms[batch[i]], e.pooled[i*dim:][:dim])
			}
		}
	})
	return e.pooled
}

// Update applies the gradient [size, Dim] of the batch that Pool saw last, and overwrites grad. decay shrinks the rows that the batch uses
// (decoupled weight decay).
func (e *Embedder) Update(c *Corpus, batch []int32, grad []float32, rate, decay float32) {
	dim := e.m.Dim
	e.sizes = slices.Grow(e.sizes[:0], len(batch))[:len(batch)]
	for i, b := range batch {
		row, sum := grad[i*dim:][:dim], float32(0)
		for j := range row {
			row[j] /= e.norms[b] // the gradient for a feature of weight 1
			sum += row[j] * row[j]
		}
		e.sizes[i] = sum / float32(dim)
	}
	Parallel(ranges, func() func(int) {
		return func(s int) { e.updateRange(c, batch, grad, rate, 1-rate*decay, s) }
	})
}

// updateRange updates the embedding rows of range s.
func (e *Embedder) updateRange(c *Corpus, batch []int32, grad []float32, rate, keep float32, s int) {
	dim := e.m.Dim
	for i, b := range batch {
		if size := e.sizes[i]; size != 0 {
			at := e.bounds[int(b)*(ranges+1)+s:]
			moveRows(e.m.Embedding, e.Accum, e.idf, grad[i*dim:][:dim], c.Row(int(b))[at[0]:at[1]], size, rate, keep)
		}
	}
}

// Scatter applies gradients [len(ids), Dim] to the embedding rows of single ids. It skips ids whose gradient is zero, such as padding. An
// id that comes several times is updated several times. The work is divided into the same ranges as in Update.
func (e *Embedder) Scatter(ids []int32, grad []float32, rate, decay float32) {
	dim := e.m.Dim
	Parallel(ranges, func() func(int) {
		return func(s int) {
			for i, id := range ids {
				if id < e.cuts[s] || id >= e.cuts[s+1] {
					continue
				}
				g := grad[i*dim:][:dim]
				size := float32(0)
				for _, v := range g {
					size += v * v
				}
				if size > 0 {
					moveRows(e.m.Embedding, e.Accum, e.idf, g, ids[i:i+1], size/float32(dim), rate, 1-rate*decay)
				}
			}
		}
	})
}
