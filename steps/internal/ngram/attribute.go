package ngram

import (
	"math"

	"rein/steps/internal/onnxgraph"
)

// LinearPart is a model's linear part as its graph has it: what each id adds to the log-odds of an attack.
type LinearPart struct {
	Config
	table []float32 // [Buckets, 2]: the square of the id's weight, and its weight in the linear part
}

// ReadLinear reads the linear part from a model's ONNX graph. It returns nil if the graph doesn't have it in a readable form, for example
// after ONNX Runtime has optimised it. It leaves out the linear part's bias, which the graph adds to the network's.
func ReadLinear(graph []byte, cfg Config) *LinearPart {
	f, err := onnxgraph.Parse(graph)
	if err != nil {
		return nil
	}
	w := f.Weight("features")
	if w == nil || w.Type != onnxgraph.Float32 || w.Size() != 2*cfg.Buckets {
		return nil
	}
	return &LinearPart{Config: cfg, table: w.Floats()}
}

// Attribution says what each part of a text adds to the log-odds of an attack, by the linear part alone. The values are exact: Parts and
// Rest add up to Total.
type Attribution struct {
	Total float64
	Parts []float64 // by given part
	Rest  float64   // features that neither a part nor two neighbouring parts have, such as the number of words
}

// Attribute divides the linear score of a text among its parts. If several parts have an n-gram, each gets an equal share. An n-gram that
// only appears across two neighbouring parts is divided between these.
func (l *LinearPart) Attribute(text string, parts []string) Attribution {
	x := NewExtractor(l.Config)
	ids := x.Features(text, nil)
	norm := 0.0
	owners := map[int32][]int{}
	for _, id := range ids {
		norm += float64(l.table[2*id+squareAt])
		owners[id] = nil
	}
	norm = math.Sqrt(max(norm, tiny))
	add := func(id int32, part int) {
		if list, in := owners[id]; in && (len(list) == 0 || list[len(list)-1] != part) {
			owners[id] = append(list, part)
		}
	}
	var buf []int32
	for i, p := range parts {
		for _, id := range x.Features(p, buf[:0]) {
			add(id, i)
		}
	}
	alone := map[int32]bool{}
	for id, list := range owners {
		alone[id] = len(list) > 0
	}
	for i := range parts[:max(len(parts)-1, 0)] {
		for _, id := range x.Features(parts[i]+" "+parts[i+1], buf[:0]) {
			if in, known := alone[id]; known && !in {
				add(id, i)
				add(id, i+1)
			}
		}
	}
	out := Attribution{Parts: make([]float64, len(parts))}
	for _, id := range ids {
		v := float64(l.table[2*id+linearAt]) / norm
		out.Total += v
		list := owners[id]
		if len(list) == 0 {
			out.Rest += v
		}
		for _, i := range list {
			out.Parts[i] += v / float64(len(list))
		}
	}
	return out
}
