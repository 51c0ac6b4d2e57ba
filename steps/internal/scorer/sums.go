package scorer

import (
	"math"
	"math/rand/v2"
	"slices"

	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// bulk is the number of texts from which on splitting an n-gram graph pays.
const bulk = 256

// sums scores rows with an n-gram graph in two parts. Nearly all of the time goes into sums over rows of the graph's tables. ONNX Runtime
// first copies these rows, with padding. Here Go computes the sums without a copy, in the same order, and ONNX Runtime runs the rest of the
// graph, which takes the sums as inputs. The bits are the same; agrees tests that on this machine before the parts are used.
type sums struct {
	rest    *ort.Session
	tables  []table // in the order of the rest's inputs
	classes int
}

type table struct {
	values  []float32
	columns int
}

// split splits the model's graph, if that is allowed and possible.
func (s *Scorer) split() {
	if s.graph != nil {
		s.apart.Store(newSums(s.graph, s.session, len(s.info.Classes)))
		s.graph = nil
	}
}

// newSums splits a graph. It returns nil if that isn't possible, or doesn't give the same bits.
func newSums(graph []byte, whole *ort.Session, classes int) *sums {
	f, err := onnxgraph.Parse(graph)
	if err != nil {
		return nil
	}
	cut := f.CutSums(ngram.InputIDs, ngram.OutputLogits)
	if cut == nil || len(f.Outputs) != 1 {
		return nil
	}
	s := &sums{classes: classes}
	rows := math.MaxInt
	for _, c := range cut {
		t := table{c.Table.Floats(), c.Table.Shape[1]}
		if slices.ContainsFunc(t.values[:t.columns], func(v float32) bool { return v != 0 }) {
			return nil // row 0 is padding, so it has to be zero
		}
		s.tables, rows = append(s.tables, t), min(rows, c.Table.Shape[0])
	}
	if s.rest, err = ort.Open(f.Encode(), ort.Options{}); err != nil {
		return nil
	}
	if !s.agrees(whole, rows) {
		s.close()
		return nil
	}
	return s
}

// agrees compares the parts with the whole graph bit by bit. The lengths of the random rows cover all remainders of the groups in which
// ONNX Runtime adds up, and long texts.
func (s *sums) agrees(whole *ort.Session, rows int) bool {
	rng := rand.New(rand.NewPCG(1, 0x73756d73))
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 31, 64, 100, 257, 1000, 3001} {
		const some = 3
		length := (max(n, 1) + lengthStep - 1) / lengthStep * lengthStep
		padded := make([]int64, some*length)
		var ids []int32
		ends := []int{0}
		for r := range some {
			for j := range n {
				id := rng.IntN(rows)
				padded[r*length+j] = int64(id)
				ids = append(ids, int32(id))
			}
			ends = append(ends, len(ids))
		}
		want, err := run(whole, some, length, padded, s.classes)
		if err != nil {
			return false
		}
		got, err := s.logits(ids, ends)
		if err != nil {
			return false
		}
		for i := range want {
			if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
				return false
			}
		}
	}
	return true
}

// logits returns the logits of rows of ids: row i is all[ends[i]:ends[i+1]].
func (s *sums) logits(all []int32, ends []int) ([]float32, error) {
	n := len(ends) - 1
	out := make([]float32, n*s.classes)
	size := max(min(n, maxRows), leastRows)
	in := make([]ort.Floats, len(s.tables))
	for i, t := range s.tables {
		in[i] = ort.Floats{Data: make([]float32, size*t.columns), Shape: []int{size, t.columns}}
	}
	answer := ort.Floats{Data: make([]float32, size*s.classes), Shape: []int{size, s.classes}}
	bound, err := s.rest.Bind(in, []ort.Floats{answer})
	if err != nil {
		return nil, err
	}
	defer bound.Close()
	var ids []int32
	for from := 0; from < n; from += size {
		some := min(size, n-from)
		for r := range some {
			ids = append(ids[:0], all[ends[from+r]:ends[from+r+1]]...)
			for len(ids)%4 != 0 {
				ids = append(ids, 0)
			}
			for i, t := range s.tables {
				ngram.SumRows(in[i].Data[r*t.columns:][:t.columns], t.values, ids)
			}
		}
		if err := bound.Run(); err != nil {
			return nil, err
		}
		copy(out[from*s.classes:], answer.Data[:some*s.classes])
	}
	return out, nil
}

func (s *sums) close() {
	if s != nil {
		s.rest.Close()
	}
}
