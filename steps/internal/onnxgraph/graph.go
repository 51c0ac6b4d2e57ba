// Package onnxgraph writes ONNX models, with named inputs and outputs, dynamic axes and metadata, and reads and edits models of other
// programs. Equal graphs give equal bytes.
package onnxgraph

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	irVersion = 8  // of the file format; ONNX Runtime has read it since 1.10
	opset     = 17 // version of the operators
)

// DType is a tensor's element type, by its number in ONNX.
type DType int

// The element types that rein uses.
const (
	Float32 DType = 1
	Uint8   DType = 2
	Int8    DType = 3
	Int32   DType = 6
	Int64   DType = 7
	Float16 DType = 10
)

// Graph is a model being written. Add the nodes in the order in which they run.
type Graph struct {
	Name     string
	Producer string
	Metadata map[string]string

	nodes, initializers, inputs, outputs [][]byte
	contrib                              bool // uses ONNX Runtime's own operators
}

// Dim is one axis of an input or output. It has a name if its size is dynamic, else a size.
type Dim struct {
	Name string
	Size int
}

// Input declares an input of the model.
func (g *Graph) Input(name string, t DType, dims ...Dim) string {
	g.inputs = append(g.inputs, valueInfo(name, t, dims))
	return name
}

// Output declares an output of the model.
func (g *Graph) Output(name string, t DType, dims ...Dim) {
	g.outputs = append(g.outputs, valueInfo(name, t, dims))
}

// Floats adds a constant tensor.
func (g *Graph) Floats(name string, shape []int, data []float32) string {
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return g.tensor(name, Float32, shape, raw)
}

// Ints adds a constant int64 tensor; a nil shape is a scalar.
func (g *Graph) Ints(name string, shape []int, data ...int64) string {
	raw := make([]byte, 0, 8*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return g.tensor(name, Int64, shape, raw)
}

// Bytes adds a constant tensor of type Int8 or Uint8.
func (g *Graph) Bytes(name string, t DType, shape []int, data []byte) string {
	return g.tensor(name, t, shape, data)
}

func (g *Graph) tensor(name string, t DType, shape []int, raw []byte) string {
	var b, dims []byte
	for _, d := range shape {
		dims = protowire.AppendVarint(dims, uint64(d))
	}
	if len(dims) > 0 {
		b = bytesField(b, 1, dims)
	}
	b = intField(b, 2, int64(t))
	b = stringField(b, 8, name)
	b = bytesField(b, 9, raw)
	g.initializers = append(g.initializers, b)
	return name
}

// Node adds an operator with one output, which it returns. It isn't inlined, because graphs are made by hundreds of calls.
//
//go:noinline
func (g *Graph) Node(op, output string, inputs []string, attrs ...Attr) string {
	g.Op(op, "", []string{output}, inputs, attrs...)
	return output
}

// Op adds an operator. domain is "" for ONNX's own operators, Microsoft for ONNX Runtime's.
func (g *Graph) Op(op, domain string, outputs, inputs []string, attrs ...Attr) {
	var b []byte
	for _, s := range inputs {
		b = stringField(b, 1, s)
	}
	for _, s := range outputs {
		b = stringField(b, 2, s)
	}
	b = stringField(b, 3, op+" "+outputs[0])
	b = stringField(b, 4, op)
	for _, a := range attrs {
		b = bytesField(b, 5, a.encode())
	}
	if domain != "" {
		b = stringField(b, 7, domain)
		g.contrib = true
	}
	g.nodes = append(g.nodes, b)
}

// Microsoft is the domain of ONNX Runtime's own operators.
const Microsoft = "com.microsoft"

// Encode returns the content of the model's file.
func (g *Graph) Encode() []byte {
	var graph []byte
	for _, n := range g.nodes {
		graph = bytesField(graph, 1, n)
	}
	graph = stringField(graph, 2, g.Name)
	for _, t := range g.initializers {
		graph = bytesField(graph, 5, t)
	}
	for _, v := range g.inputs {
		graph = bytesField(graph, 11, v)
	}
	for _, v := range g.outputs {
		graph = bytesField(graph, 12, v)
	}
	var b []byte
	b = intField(b, 1, irVersion)
	b = stringField(b, 2, g.Producer)
	b = bytesField(b, 7, graph)
	b = bytesField(b, 8, intField(stringField(nil, 1, ""), 2, opset))
	if g.contrib {
		b = bytesField(b, 8, intField(stringField(nil, 1, Microsoft), 2, 1))
	}
	for _, k := range slices.Sorted(maps.Keys(g.Metadata)) {
		b = bytesField(b, 14, stringField(stringField(nil, 1, k), 2, g.Metadata[k]))
	}
	return b
}
