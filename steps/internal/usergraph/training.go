package usergraph

import (
	"os"
	"path/filepath"
	"slices"

	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// sortWeights finds the word table, the weights to train, and the fixed ones. A table that a Gather reads by anything other than the ids
// (positions, token types) is fixed, because its gradient would be added up in a varying order.
func (m *Model) sortWeights() {
	uses, makes := map[string][]*onnxgraph.Op{}, map[string]*onnxgraph.Op{}
	for _, op := range m.file.Nodes {
		for _, name := range op.Inputs {
			uses[name] = append(uses[name], op)
		}
		for _, name := range op.Outputs {
			makes[name] = op
		}
	}
	fromIDs := func(name string) bool {
		for name != ids {
			op := makes[name]
			if op == nil || op.Type != "Cast" && op.Type != "Identity" {
				return false
			}
			name = op.Inputs[0]
		}
		return true
	}
	m.Trained, m.Values, m.fixed, m.Words = nil, nil, nil, nil
	for _, w := range m.file.Weights {
		if w.Type != onnxgraph.Float32 || w.Size() < 2 || len(uses[w.Name]) == 0 {
			continue
		}
		gathers := slices.ContainsFunc(uses[w.Name], func(op *onnxgraph.Op) bool { return op.Type == "Gather" && op.Inputs[0] == w.Name })
		switch use := uses[w.Name][0]; {
		case !gathers:
			m.Trained, m.Values = append(m.Trained, w), append(m.Values, w.Floats())
		case m.Words == nil && len(uses[w.Name]) == 1 && len(w.Shape) == 2 && fromIDs(use.Inputs[1]):
			m.Words = &Table{Weight: w, Vocab: w.Shape[0], Hidden: w.Shape[1], Data: w.Floats(), output: use.Outputs[0]}
		default:
			m.fixed = append(m.fixed, w)
		}
	}
}

// Fixed returns the constants that training doesn't change.
func (m *Model) Fixed() []*onnxgraph.Weight { return m.fixed }

// Dropped tells whether the training graph has a dropout mask [batch, Width] for the head's input.
func (m *Model) Dropped() bool { return m.Body != BodyLogits }

// Training returns the model as a graph whose weights are inputs, so that gradients can be computed for them. The inputs are ids, the word
// vectors if there is a word table, the dropout mask if Dropped, then Trained and Fixed. The output is logits. All sizes are fixed, so that
// ONNX Runtime can fold everything that only depends on them.
func (m *Model) Training(rows, length int) (graph []byte, inputs []string, err error) {
	f := m.file.Clone()
	add := func(name string, t onnxgraph.DType, dims ...onnxgraph.Dim) {
		f.Inputs, inputs = append(f.Inputs, onnxgraph.Value{Name: name, Type: t, Dims: dims}), append(inputs, name)
	}
	f.Inputs = nil
	add(ids, onnxgraph.Int64, batchAndLength...)
	if m.Words != nil {
		f.Remove(m.Words.output)
		add(m.Words.output, onnxgraph.Float32, append(slices.Clone(batchAndLength), onnxgraph.Dim{Size: m.Words.Hidden})...)
	}
	if m.Dropped() {
		f.Remove(features)
		g := &onnxgraph.Graph{}
		g.Node("Mul", features, []string{pooled, drop})
		if err := f.Append(g); err != nil {
			return nil, nil, err
		}
		add(drop, onnxgraph.Float32, batchAndLength[0], onnxgraph.Dim{Size: m.Width})
	}
	inputWeights := map[*onnxgraph.Weight]bool{}
	for _, w := range slices.Concat(m.Trained, m.fixed) {
		inputWeights[w] = true
		var dims []onnxgraph.Dim
		for _, d := range w.Shape {
			dims = append(dims, onnxgraph.Dim{Size: d})
		}
		add(w.Name, onnxgraph.Float32, dims...)
	}
	f.Weights = slices.DeleteFunc(f.Weights, func(w *onnxgraph.Weight) bool {
		return inputWeights[w] || m.Words != nil && w == m.Words.Weight
	})
	f.Outputs = f.Outputs[1:] // the first one is the probabilities
	f.Fix(map[string]int{"batch": rows, "length": length})
	graph, err = simplify(f.Encode())
	return graph, inputs, err
}

// simplify folds constants, and turns those that are left into operators.
func simplify(graph []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "rein-graph-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, ModelName)
	s, err := ort.Open(graph, ort.Options{Basic: true, Optimized: path})
	if err != nil {
		return nil, err
	}
	s.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := onnxgraph.Parse(b)
	if err != nil {
		return nil, err
	}
	if err := f.Lower(); err != nil {
		return nil, err
	}
	weights := f.Weights
	f.Weights = nil
	f.Constants(weights)
	return f.Encode(), nil
}
