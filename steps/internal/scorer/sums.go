package scorer

import (
	"math"
	"math/rand/v2"
	"slices"

	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// bulk is from how many texts at a time it pays to take an n-gram graph's sums here.
const bulk = 256

// sums scores rows with an n-gram graph in two parts. Nearly all of its time goes into sums over rows of its tables, which ONNX Runtime takes of a copy
// of these rows, filling included. They are taken in Go, in the same order; the rest of the graph gets them as inputs. Both give the same bits: agrees proves it
// on this machine before it is used.
type sums struct {
	rest    *ort.Session
	tables  []table // in the order of the rest's inputs
	classes int
}

type table struct {
	values  []float32
	columns int
}

// takeApart does so with the model's graph, if it can be and may be.
func (s *Scorer) takeApart() {
	if s.graph != nil {
		s.apart.Store(newSums(s.graph, s.session, len(s.info.Classes)))
		s.graph = nil
	}
}

// newSums takes a graph apart; nil: it can't be, or not with equal answers.
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
			return nil // it fills up rows
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

// agrees compares with the whole graph, bit by bit, on rows of as many ids as come in groups, in tens and in thousands.
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

// logits scores rows of ids; ends has a 0 before where each ends.
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
