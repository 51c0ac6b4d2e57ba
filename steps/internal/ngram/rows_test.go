package ngram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func random(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

// Assembly and Go give the same bits, so that a model doesn't depend on the processor.
func TestAssemblyEqualsGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim := 8 * rapid.IntRange(1, 9).Draw(t, "dim/8")
		rows := rapid.IntRange(1, 20).Draw(t, "rows")
		ids := rapid.SliceOfN(rapid.Int32Range(0, int32(rows-1)), 1, 30).Draw(t, "ids")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		table, g, start := random(rng, rows*dim), random(rng, dim), random(rng, dim)
		accum, weights := make([]float32, rows), make([]float32, rows)
		for i := range accum {
			accum[i], weights[i] = rng.Float32(), 3*rng.Float32()
		}
		sum, want := slices.Clone(start), slices.Clone(start)
		sumRows(sum, table, ids)
		for _, id := range ids {
			for j := range want {
				want[j] += table[int(id)*dim+j]
			}
		}
		if !slices.Equal(sum, want) {
			t.Fatalf("sum %v, want %v", sum, want)
		}
		table2, accum2 := slices.Clone(table), slices.Clone(accum)
		moveRows(table, accum, weights, g, ids, 0.25, 0.1, 0.99)
		for _, id := range ids {
			accum2[id] += 0.25
			step := float32(float32(0.1)/float32(math.Sqrt(float64(accum2[id])))) * weights[id]
			for j := range g {
				p := &table2[int(id)*dim+j]
				*p = float32(*p*0.99) - float32(step*g[j])
			}
		}
		if !slices.Equal(table, table2) || !slices.Equal(accum, accum2) {
			t.Fatal("moved rows differ")
		}
	})
}

// Rows are added up in groups of four for any number of columns.
func TestSumRowsAddsFours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim, rows := rapid.IntRange(1, 40).Draw(t, "dim"), rapid.IntRange(1, 20).Draw(t, "rows")
		ids := rapid.SliceOfN(rapid.Int32Range(0, int32(rows-1)), 0, 30).Draw(t, "ids")
		ids = ids[:len(ids)/4*4]
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		table, sum, want := random(rng, rows*dim), random(rng, dim), make([]float32, dim)
		SumRows(sum, table, ids)
		for four := range slices.Chunk(ids, 4) {
			for j := range want {
				of := func(i int) float32 { return table[int(four[i])*dim+j] }
				want[j] += ((of(0) + of(1)) + of(2)) + of(3)
			}
		}
		if !slices.Equal(sum, want) {
			t.Fatalf("sum %v, want %v", sum, want)
		}
	})
}

func TestWeightsAreInverseDocumentFrequencies(t *testing.T) {
	m := NewModel(Config{Spec: Spec, Buckets: 6, Dim: 1, Hidden: 1, MaxBytes: 64}, 2, 1)
	m.Weigh(&Corpus{ids: []int32{1, 2, 4, 1, 4, 1}, starts: []int64{0, 3, 5, 6}})
	for id, c := range map[int]struct{ rows, times float64 }{1: {3, 2}, 2: {1, 2}, 4: {2, 1}} { // ids from 3 on are for character n-grams
		want := c.times * (1 + math.Log(4/(1+c.rows)))
		if got := float64(m.IDF[id]); math.Abs(got-want) > 1e-5 {
			t.Errorf("id %d, in %v of 3 rows: weight %v, want %v", id, c.rows, got, want)
		}
	}
	if m.IDF[3] != 0 {
		t.Errorf("in no row: weight %v", m.IDF[3])
	}
	old := slices.Clone(m.IDF)
	m.Weigh(&Corpus{ids: []int32{1, 3}, starts: []int64{0, 1, 2}}) // training continues with other rows
	if !slices.Equal(m.IDF[:3], old[:3]) || m.IDF[3] == 0 {
		t.Errorf("weights %v after %v", m.IDF, old)
	}
}

// The table's rows are multiplied by the ids' weights. Training them equals AdaGrad on rows without the weights.
func TestEmbedderTrainsWeightedRows(t *testing.T) {
	cfg := Config{Spec: Spec, Buckets: 6, Dim: 3, Hidden: 1, MaxBytes: 64}
	m := NewModel(cfg, 2, 1)
	m.IDF = []float32{1, 1, 2, 0.5, 4, 3}
	e := NewEmbedder(m)
	corpus := &Corpus{ids: []int32{1, 2, 4, 3, 4}, starts: []int64{0, 3, 5}}
	plain, accum := make([][3]float64, 6), make([]float64, 6)
	const rate = 0.1
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		pooled := e.Pool(corpus, []int32{0, 1}, 2)
		grad := random(rng, 6)
		for row := range 2 {
			squares := 0.0
			for _, id := range corpus.Row(row) {
				squares += float64(m.IDF[id]) * float64(m.IDF[id])
			}
			for j := range 3 {
				sum := 0.0
				for _, id := range corpus.Row(row) {
					sum += float64(m.IDF[id]) * plain[id][j]
				}
				if got := float64(pooled[3*row+j]); math.Abs(got-sum/math.Sqrt(squares)) > 1e-4 {
					t.Fatalf("row %d pooled %v, want %v", row, got, sum/math.Sqrt(squares))
				}
			}
		}
		for row := range 2 { // in the order of the batch
			squares, size := 0.0, 0.0
			for _, id := range corpus.Row(row) {
				squares += float64(m.IDF[id]) * float64(m.IDF[id])
			}
			for j := range 3 {
				size += float64(grad[3*row+j]) * float64(grad[3*row+j]) / squares / 3
			}
			for _, id := range corpus.Row(row) {
				w := float64(m.IDF[id])
				accum[id] += w * w * size
				for j := range 3 {
					plain[id][j] -= rate / math.Sqrt(accum[id]) * w * float64(grad[3*row+j]) / math.Sqrt(squares)
				}
			}
		}
		e.Update(corpus, []int32{0, 1}, grad, rate, 0)
	}
}

func TestSetSortsAndEmpties(t *testing.T) {
	s := newSet(10000)
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.Int32Range(0, 9999)).Draw(t, "ids")
		for _, id := range ids {
			s.add(id)
		}
		slices.Sort(ids)
		if got := s.drain(nil); !slices.Equal(got, slices.Compact(ids)) {
			t.Fatalf("got %v", got)
		}
	})
}

func BenchmarkRows(b *testing.B) {
	const dim, rows, n = 16, 1 << 17, 300
	rng := rand.New(rand.NewPCG(1, 1))
	table, accum, g := random(rng, rows*dim), make([]float32, rows), random(rng, dim)
	lists := make([][]int32, 512)
	for i := range lists {
		for range n {
			lists[i] = append(lists[i], int32(rng.IntN(rows)))
		}
	}
	b.Run("sum", func(b *testing.B) {
		for i := range b.N {
			sumRows(g, table, lists[i%len(lists)])
		}
	})
	b.Run("move", func(b *testing.B) {
		for i := range b.N {
			moveRows(table, accum, accum, g, lists[i%len(lists)], 0.1, 0.01, 0.999)
		}
	})
}

// spread returns the default model and rows of about 200 ids. Some ids are in many rows, most are in few.
func spread(rows int) (*Model, *Corpus) {
	m, c, rng := NewModel(Default(), 6, 1), &Corpus{starts: []int64{0}}, rand.New(rand.NewPCG(1, 1))
	for range rows {
		var row []int32
		for range 212 {
			row = append(row, 1+int32(float64(m.Buckets-1)*math.Pow(rng.Float64(), 4)))
		}
		slices.Sort(row)
		c.ids = append(c.ids, slices.Compact(row)...)
		c.starts = append(c.starts, int64(len(c.ids)))
	}
	m.Weigh(c)
	return m, c
}

// Measures an epoch of the embedding alone.
func BenchmarkEmbedder(b *testing.B) {
	const rows, size = 10_000, 250
	m, c := spread(rows)
	e, grad := NewEmbedder(m), random(rand.New(rand.NewPCG(2, 2)), size*m.Dim)
	scratch := make([]float32, len(grad))
	for b.Loop() {
		for from := int32(0); from < rows; from += size {
			var batch []int32
			for i := range int32(size) {
				batch = append(batch, from+i)
			}
			e.Pool(c, batch, size)
			copy(scratch, grad)
			e.Update(c, batch, scratch, 0.01, 0)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
