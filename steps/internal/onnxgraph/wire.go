package onnxgraph

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Attr is an operator's attribute.
type Attr struct {
	name string
	kind int64
	i    int64
	f    float32
	ints []int64
}

// Int is an integer attribute.
func Int(name string, v int64) Attr { return Attr{name: name, kind: 2, i: v} }

// Float is a float attribute.
func Float(name string, v float32) Attr { return Attr{name: name, kind: 1, f: v} }

// List is an attribute with a list of integers.
func List(name string, v ...int64) Attr { return Attr{name: name, kind: 7, ints: v} }

func (a Attr) encode() []byte {
	b := stringField(nil, 1, a.name)
	switch a.kind {
	case 1:
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(a.f))
	case 2:
		b = intField(b, 3, a.i)
	case 7:
		for _, v := range a.ints {
			b = intField(b, 8, v)
		}
	}
	return intField(b, 20, a.kind)
}

// valueInfo encodes an input or output with its element type and shape. Nil dims mean that the shape isn't known.
func valueInfo(name string, t DType, dims []Dim) []byte {
	var shape []byte
	for _, d := range dims {
		if d.Name != "" {
			shape = bytesField(shape, 1, stringField(nil, 2, d.Name))
		} else {
			shape = bytesField(shape, 1, intField(nil, 1, int64(d.Size)))
		}
	}
	tensor := intField(nil, 1, int64(t))
	if dims != nil {
		tensor = bytesField(tensor, 2, shape)
	}
	return bytesField(stringField(nil, 1, name), 2, bytesField(nil, 1, tensor))
}

func intField(b []byte, n protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
}

func stringField(b []byte, n protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func bytesField(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}
