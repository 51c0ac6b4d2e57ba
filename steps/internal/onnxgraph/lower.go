package onnxgraph

// Lower replaces operators that onnx-gomlx or its devices can't handle by common ones: IsNaN, Identity (which has no gradient there), and
// Flatten if the shape of its input is known. The graph's inputs must have fixed sizes. As in WithoutIdentities, an output may change its
// name.
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

// WithoutIdentities removes each Identity operator, and lets the others use its input directly. An output that was the result of an
// Identity gets the name of the Identity's input.
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

// product multiplies the sizes of the axes before the given one.
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

// first returns the name of the operator's first input, or "" if it has none.
func (o *Op) first() string {
	if len(o.Inputs) == 0 {
		return ""
	}
	return o.Inputs[0]
}

var valueByValue = map[string]bool{"Equal": true, "Not": true, "Cast": true, "Identity": true, "And": true, "Or": true, "Add": true,
	"Sub": true, "Mul": true, "Div": true, "Where": true, "Greater": true, "GreaterOrEqual": true, "Less": true, "LessOrEqual": true}

// elementwise returns the shapes of the inputs, of the weights, and of the values that elementwise operators compute from them.
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

// broadcast returns the shape of the result of an elementwise operator.
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
