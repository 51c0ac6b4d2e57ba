package ngram

import (
	"math"

	"rein/steps/internal/onnxgraph"
)

// LinearPart is the linear part of a model as its graph has it: what each id adds to the log-odds of an attack.
type LinearPart struct {
	Config
	table []float32 // [Buckets, 2]: the weight squared, and the weight in the linear part
}

// ReadLinear takes the linear part out of a model's graph. nil: the graph has none that can be read, as one that ONNX Runtime
// has rewritten. The linear part's bias is in the graph's last layer, and counts as the network's.
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

// Attribution is what parts of a text add to the log-odds of an attack by the linear part, exactly: Parts and Rest add up to Total.
type Attribution struct {
	Total float64
	Parts []float64 // of each part that was given
	Rest  float64   // of n-grams that are in no part and no two neighbours: how long the text is, words of letters that stand apart
}

// Attribute shares out what a text scores. An n-gram that several parts have is shared out evenly among them, and one that lies across
// two neighbours between these.
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
