package onnxgraph

// Lower puts operators that every reader knows in the place of some that onnx-gomlx or its devices don't: IsNaN, Identity
// (which has no gradient), and Flatten at the last axis, where its input's shape follows from the graph's inputs, which
// are of fixed size. An output that was an Identity has the name of what it was of.
func (f *File) Lower() error {
	f.WithoutIdentities()
	shapes := f.elementwise()
	var nodes []*Op
	for _, op := range f.Nodes {
		g := &Graph{}
		switch shape, known := shapes[op.first()]; {
		case op.Type == "IsNaN":
			g.Node("Not", op.Outputs[0], []string{g.Node("Equal", op.Outputs[0]+"_is_number", []string{op.Inputs[0], op.Inputs[0]})})
		case op.Type == "Flatten" && known:
			to := g.Ints(op.Outputs[0]+"_shape", []int{2}, product(shape, op.Int("axis", 1)), -1)
			g.Node("Reshape", op.Outputs[0], []string{op.Inputs[0], to})
		default:
			nodes = append(nodes, op)
			continue
		}
		part, err := Parse(g.Encode())
		if err != nil {
			return err
		}
		nodes, f.Weights = append(nodes, part.Nodes...), append(f.Weights, part.Weights...)
	}
	f.Nodes = nodes
	return nil
}

// WithoutIdentities lets all speak of what an Identity is of. An output that was one has the name of what it was of.
func (f *File) WithoutIdentities() {
	of := map[string]string{}
	resolve := func(name string) string {
		for of[name] != "" {
			name = of[name]
		}
		return name
	}
	var nodes []*Op
	for _, op := range f.Nodes {
		if op.Type == "Identity" && len(op.Inputs) == 1 && len(op.Outputs) == 1 && resolve(op.Inputs[0]) != op.Outputs[0] {
			of[op.Outputs[0]] = resolve(op.Inputs[0])
			continue
		}
		c := *op
		c.Inputs = make([]string, len(op.Inputs))
		for i, name := range op.Inputs {
			c.Inputs[i] = resolve(name)
		}
		c.raw = c.encode()
		nodes = append(nodes, &c)
	}
	f.Nodes = nodes
	for i := range f.Outputs {
		f.Outputs[i].Name = resolve(f.Outputs[i].Name)
	}
}

// product multiplies the sizes before an axis.
func product(shape []int, axis int64) int64 {
	if axis < 0 {
		axis += int64(len(shape))
	}
	n := int64(1)
	for _, d := range shape[:min(int(axis), len(shape))] {
		n *= int64(d)
	}
	return n
}

// first is the first input; empty: there is none.
func (o *Op) first() string {
	if len(o.Inputs) == 0 {
		return ""
	}
	return o.Inputs[0]
}

var valueByValue = map[string]bool{"Equal": true, "Not": true, "Cast": true, "Identity": true, "And": true, "Or": true, "Add": true,
	"Sub": true, "Mul": true, "Div": true, "Where": true, "Greater": true, "GreaterOrEqual": true, "Less": true, "LessOrEqual": true}

// elementwise lists the shapes of the inputs, the weights and what is made of them value by value.
func (f *File) elementwise() map[string][]int {
	shapes := map[string][]int{}
	for _, w := range f.Weights {
		shapes[w.Name] = w.Shape
	}
	for _, v := range f.Inputs {
		shape := []int{}
		for _, d := range v.Dims {
			shape = append(shape, d.Size)
		}
		shapes[v.Name] = shape
	}
	for _, op := range f.Nodes {
		if !valueByValue[op.Type] {
			continue
		}
		out, known := []int{}, true
		for _, name := range op.Inputs {
			shape, ok := shapes[name]
			out, known = broadcast(out, shape), known && ok
		}
		if known {
			shapes[op.Outputs[0]] = out
		}
	}
	return shapes
}

// broadcast is the shape of two values put together.
func broadcast(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int{}, a...)
	for i, d := range b {
		at := i + len(a) - len(b)
		out[at] = max(out[at], d)
	}
	return out
}
