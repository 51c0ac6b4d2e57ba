package mlx

import (
	"fmt"
	"sort"

	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/onnx-gomlx/onnx"
	"github.com/gomlx/onnx-gomlx/onnx/parser"

	"rein/steps/internal/onnxgraph"
)

// convert turns an ONNX graph into GoMLX operators and returns its first output. GoMLX expects graph functions to panic, so convert panics
// if an operator can't be converted. The error names the operator.
func convert(graph []byte, gr *g.Graph, inputs map[string]*g.Node) *g.Node {
	m, err := parser.Parse(graph)
	if err != nil {
		panic(err)
	}
	m.DisableFusion() // fused operators have no gradients
	out, err := call(m, gr, inputs)
	if err == nil {
		return out[0]
	}
	panic(culprit(graph, m, gr, inputs, err))
}

func call(m onnx.Model, gr *g.Graph, inputs map[string]*g.Node, outputs ...string) (out []*g.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return m.CallGraph(nil, gr, inputs, outputs...), nil
}

// culprit finds the first operator that can't be converted. It converts the graph's first n operators, and finds the smallest n that fails
// by binary search.
func culprit(graph []byte, m onnx.Model, gr *g.Graph, inputs map[string]*g.Node, err error) error {
	f, parseErr := onnxgraph.Parse(graph)
	if parseErr != nil {
		return err
	}
	last := err
	at := sort.Search(len(f.Nodes), func(n int) bool {
		var outputs []string
		for _, op := range f.Nodes[:n+1] {
			outputs = append(outputs, op.Outputs[0])
		}
		_, err := call(m, gr, inputs, outputs...)
		if err != nil {
			last = err
		}
		return err != nil
	})
	if at == len(f.Nodes) {
		return err
	}
	op := f.Nodes[at]
	return fmt.Errorf("onnx-gomlx can't convert the operator %s of node %q (output %q): %w", op.Type, op.Name, op.Outputs[0], last)
}
