package onnxgraph

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Rename renames a value in all operators, inputs, outputs and weights. It returns false if nothing has that name.
func (f *File) Rename(from, to string) bool {
	found := false
	set := func(s *string) {
		if *s == from {
			*s, found = to, true
		}
	}
	for i, op := range f.Nodes {
		if !slices.Contains(op.Inputs, from) && !slices.Contains(op.Outputs, from) {
			continue
		}
		c := *op
		c.Inputs, c.Outputs = slices.Clone(op.Inputs), slices.Clone(op.Outputs)
		for j := range c.Inputs {
			set(&c.Inputs[j])
		}
		for j := range c.Outputs {
			set(&c.Outputs[j])
		}
		c.raw = c.encode()
		f.Nodes[i] = &c
	}
	for i := range f.Inputs {
		set(&f.Inputs[i].Name)
	}
	for i := range f.Outputs {
		set(&f.Outputs[i].Name)
	}
	for _, w := range f.Weights {
		set(&w.Name)
	}
	return found
}

// encode writes the operator's inputs and outputs, then its other fields.
func (o *Op) encode() []byte {
	var b []byte
	for _, s := range o.Inputs {
		b = stringField(b, 1, s)
	}
	for _, s := range o.Outputs {
		b = stringField(b, 2, s)
	}
	_ = fields(o.raw, func(n protowire.Number, raw, _ []byte, _ uint64) error { // it was parsed before, so it has no errors
		if n > 2 {
			b = append(b, raw...)
		}
		return nil
	})
	return b
}

// Remove removes the operator that computes the value named output.
func (f *File) Remove(output string) {
	f.Nodes = slices.DeleteFunc(f.Nodes, func(op *Op) bool { return slices.Contains(op.Outputs, output) })
}

// Append adds the operators and constants of g behind the file's own. The caller has to keep the operators in an order in which they can
// run.
func (f *File) Append(g *Graph) error {
	part, err := Parse(g.Encode())
	if err != nil {
		return err
	}
	f.Nodes, f.Weights = append(f.Nodes, part.Nodes...), append(f.Weights, part.Weights...)
	return nil
}

// Constants adds weights to the graph as operators of type Constant, before all others.
func (f *File) Constants(weights []*Weight) {
	var ops []*Op
	for _, w := range weights {
		attr := stringField(nil, 1, "value")
		attr = intField(bytesField(attr, 5, w.encode()), 20, 4)
		op := &Op{Type: "Constant", Outputs: []string{w.Name}}
		op.raw = bytesField(stringField(stringField(nil, 2, w.Name), 4, op.Type), 5, attr)
		ops = append(ops, op)
	}
	f.Nodes = slices.Concat(ops, f.Nodes)
}

// Fix sets the sizes of the inputs' dynamic axes, by name.
func (f *File) Fix(sizes map[string]int) {
	for i, v := range f.Inputs {
		v.Dims = slices.Clone(v.Dims)
		for j, d := range v.Dims {
			if n, ok := sizes[d.Name]; ok {
				v.Dims[j] = Dim{Size: n}
			}
		}
		f.Inputs[i] = v
	}
}

// Int returns an integer attribute, or value if the operator doesn't have it.
func (o *Op) Int(name string, value int64) int64 {
	if v, ok := o.ints[name]; ok {
		return v
	}
	return value
}

// Prune removes the operators and weights that no output needs. It leaves a graph with control flow as it is, because the branches may use
// any value by its name.
func (f *File) Prune() {
	makes, needed := map[string]*Op{}, map[string]bool{}
	for _, op := range f.Nodes {
		if op.Type == "If" || op.Type == "Loop" || op.Type == "Scan" {
			return
		}
		for _, name := range op.Outputs {
			makes[name] = op
		}
	}
	var visit func(name string)
	visit = func(name string) {
		if needed[name] {
			return
		}
		needed[name] = true
		if op := makes[name]; op != nil {
			for _, in := range op.Inputs {
				visit(in)
			}
		}
	}
	for _, v := range f.Outputs {
		visit(v.Name)
	}
	f.Nodes = slices.DeleteFunc(f.Nodes, func(op *Op) bool {
		return !slices.ContainsFunc(op.Outputs, func(s string) bool { return s != "" && needed[s] })
	})
	f.Weights = slices.DeleteFunc(f.Weights, func(w *Weight) bool { return !needed[w.Name] })
}
