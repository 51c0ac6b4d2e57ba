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

// Assembly and Go agree to the bit, so that a model doesn't depend on which ran.
func TestAssemblyEqualsGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim := 8 * rapid.IntRange(1, 9).Draw(t, "dim/8")
		rows := rapid.IntRange(1, 20).Draw(t, "rows")
		ids := rapid.SliceOfN(rapid.Int32Range(0, int32(rows-1)), 1, 30).Draw(t, "ids")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		table, accum, g, start := random(rng, rows*dim), make([]float32, rows), random(rng, dim), random(rng, dim)
		for i := range accum {
			accum[i] = rng.Float32()
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
		moveRows(table, accum, g, ids, 0.25, 0.1, 0.99)
		for _, id := range ids {
			accum2[id] += 0.25
			step := float32(0.1) / float32(math.Sqrt(float64(accum2[id])))
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
			moveRows(table, accum, g, lists[i%len(lists)], 0.1, 0.01, 0.999)
		}
	})
}
