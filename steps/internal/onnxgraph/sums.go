package onnxgraph

import (
	"encoding/binary"
	"slices"
)

// RowSum is an input that replaces a sum: the sum of the rows of Table that a text's ids select.
type RowSum struct {
	Input string
	Table *Weight // Float32, [rows, columns]
}

// CutSums replaces the sums that a graph computes over rows of its tables (ReduceSum over axis 1 of Gather(table, ids)) by inputs [batch,
// columns]. It returns them in the order of Inputs. It removes all outputs except those in keep, and what they don't need. If there is no
// such sum, or the graph also uses the ids otherwise, it returns nil, and the file can't be used any more.
func (f *File) CutSums(ids string, keep ...string) []RowSum {
	f.Outputs = slices.DeleteFunc(f.Outputs, func(v Value) bool { return !slices.Contains(keep, v.Name) })
	makes := map[string]*Op{}
	for _, op := range f.Nodes {
		for _, name := range op.Outputs {
			makes[name] = op
		}
	}
	var out []RowSum
	var inputs []Value
	for _, op := range slices.Clone(f.Nodes) {
		if op.Type != "ReduceSum" || op.Domain != "" || len(op.Inputs) != 2 || op.Int("keepdims", 1) != 0 || !f.isOne(op.Inputs[1]) {
			continue
		}
		g := makes[op.Inputs[0]]
		if g == nil || g.Type != "Gather" || g.Domain != "" || g.Int("axis", 0) != 0 || g.Inputs[1] != ids {
			continue
		}
		table := f.Weight(g.Inputs[0])
		if table == nil || table.Type != Float32 || len(table.Shape) != 2 {
			continue
		}
		name := op.Outputs[0]
		f.Remove(name)
		out = append(out, RowSum{name, table})
		inputs = append(inputs, Value{name, Float32, []Dim{{Name: "batch"}, {Size: table.Shape[1]}}})
	}
	f.Prune()
	if len(out) == 0 || slices.ContainsFunc(f.Nodes, func(op *Op) bool { return slices.Contains(op.Inputs, ids) }) {
		return nil
	}
	f.Inputs = inputs
	return out
}

// isOne tells whether the weight with this name is the single integer 1.
func (f *File) isOne(name string) bool {
	w := f.Weight(name)
	return w != nil && w.Type == Int64 && w.Size() == 1 && binary.LittleEndian.Uint64(w.data) == 1
}
