package onnxgraph

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// File is a model written by another program. It is decoded as far as needed to change inputs, outputs, operators and weights. Everything
// else is kept as it is.
type File struct {
	Opset    int64 // version of ONNX's own operators
	Nodes    []*Op
	Weights  []*Weight
	Inputs   []Value // without weights, which older files list as inputs, too
	Outputs  []Value
	Metadata map[string]string
	head     []byte // the model's other fields, encoded
	graph    []byte // the graph's other fields, encoded
}

// Op is one node.
type Op struct {
	Name, Type, Domain string
	Inputs, Outputs    []string
	ints               map[string]int64 // the attributes that are single integers
	raw                []byte
}

// Value is a graph's input or output.
type Value struct {
	Name string
	Type DType
	Dims []Dim // nil if the file doesn't say
}

// Weight is a constant tensor.
type Weight struct {
	Name  string
	Type  DType
	Shape []int
	data  []byte // little-endian values; the encoded weight if its type isn't plain
}

// Numbers of the fields of ONNX's messages that are decoded.
const (
	modelGraph, modelOpset, modelMetadata                                   = 7, 8, 14
	graphNode, graphWeight, graphSparse, graphInput, graphOutput, graphInfo = 1, 5, 15, 11, 12, 13
)

// Parse reads the content of a model's file, which must hold its weights.
func Parse(b []byte) (*File, error) { return ParseWith(b, nil) }

// ParseWith reads the content of a model's file. Its weights may be in other files, which read returns by name. If read is nil, weights in
// other files are an error.
func ParseWith(b []byte, read func(name string) ([]byte, error)) (*File, error) {
	f := &File{Metadata: map[string]string{}}
	var graph []byte
	err := fields(b, func(n protowire.Number, raw, v []byte, _ uint64) error {
		switch n {
		case modelGraph:
			graph = v
			return nil
		case modelMetadata:
			k, s, err := entry(v)
			f.Metadata[k] = s
			return err
		case modelOpset:
			domain, version := "", uint64(0)
			err := fields(v, func(n protowire.Number, _, v []byte, x uint64) error {
				if n == 1 {
					domain = string(v)
				} else if n == 2 {
					version = x
				}
				return nil
			})
			if domain == "" || domain == "ai.onnx" {
				f.Opset = int64(version)
			}
			f.head = append(f.head, raw...)
			return err
		}
		f.head = append(f.head, raw...)
		return nil
	})
	if err == nil && graph == nil {
		err = errors.New("it holds no graph")
	}
	if err == nil {
		err = f.parseGraph(graph, read)
	}
	if err != nil {
		return nil, fmt.Errorf("not an ONNX model: %w", err)
	}
	return f, nil
}

func (f *File) parseGraph(b []byte, read func(name string) ([]byte, error)) error {
	err := fields(b, func(n protowire.Number, raw, v []byte, _ uint64) (err error) {
		switch n {
		case graphNode:
			var op *Op
			op, err = parseOp(v)
			f.Nodes = append(f.Nodes, op)
		case graphWeight:
			var w *Weight
			w, err = parseWeight(v, read)
			f.Weights = append(f.Weights, w)
		case graphInput, graphOutput:
			var value Value
			value, err = parseValue(v)
			if n == graphInput {
				f.Inputs = append(f.Inputs, value)
			} else {
				f.Outputs = append(f.Outputs, value)
			}
		case graphInfo: // drop the shapes of intermediate values: they change with the inputs, and readers infer them
		case graphSparse:
			err = errors.New("sparse weights aren't supported: save them as dense ones")
		default:
			f.graph = append(f.graph, raw...)
		}
		return err
	})
	if err != nil {
		return err
	}
	weights := map[string]bool{}
	for _, w := range f.Weights {
		weights[w.Name] = true
	}
	var inputs []Value
	for _, v := range f.Inputs {
		if !weights[v.Name] {
			inputs = append(inputs, v)
		}
	}
	f.Inputs = inputs
	return nil
}

func parseOp(b []byte) (*Op, error) {
	op := &Op{raw: b, ints: map[string]int64{}}
	return op, fields(b, func(n protowire.Number, _, v []byte, _ uint64) error {
		switch n {
		case 1:
			op.Inputs = append(op.Inputs, string(v))
		case 2:
			op.Outputs = append(op.Outputs, string(v))
		case 3:
			op.Name = string(v)
		case 4:
			op.Type = string(v)
		case 5:
			var name string
			var value uint64
			err := fields(v, func(n protowire.Number, _, v []byte, x uint64) error {
				if n == 1 {
					name = string(v)
				} else if n == 3 {
					value = x
				}
				return nil
			})
			op.ints[name] = int64(value)
			return err
		case 7:
			op.Domain = string(v)
		}
		return nil
	})
}

func parseValue(b []byte) (Value, error) {
	var out Value
	err := fields(b, func(n protowire.Number, _, v []byte, _ uint64) error {
		switch n {
		case 1:
			out.Name = string(v)
		case 2:
			return fields(v, func(n protowire.Number, _, v []byte, _ uint64) error {
				if n != 1 {
					return errors.New("it isn't a tensor")
				}
				return parseTensorType(v, &out)
			})
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("value %q: %w", out.Name, err)
	}
	return out, err
}

func parseTensorType(b []byte, out *Value) error {
	return fields(b, func(n protowire.Number, _, v []byte, x uint64) error {
		switch n {
		case 1:
			out.Type = DType(x)
		case 2:
			out.Dims = []Dim{}
			return fields(v, func(_ protowire.Number, _, v []byte, _ uint64) error {
				var d Dim
				err := fields(v, func(n protowire.Number, _, v []byte, x uint64) error {
					if n == 1 {
						d.Size = int(x)
					} else if n == 2 {
						d.Name = string(v)
					}
					return nil
				})
				out.Dims = append(out.Dims, d)
				return err
			})
		}
		return nil
	})
}

// entry reads a key and its value.
func entry(b []byte) (key, value string, err error) {
	err = fields(b, func(n protowire.Number, _, v []byte, _ uint64) error {
		if n == 1 {
			key = string(v)
		} else if n == 2 {
			value = string(v)
		}
		return nil
	})
	return key, value, err
}

// fields calls do for each field of a message. raw has the field's tag and value, bytes has the value, and number is the value of a varint.
func fields(b []byte, do func(n protowire.Number, raw, bytes []byte, number uint64) error) error {
	for len(b) > 0 {
		n, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(n, kind, b[tag:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		value, number := b[tag:tag+size], uint64(0)
		switch kind {
		case protowire.BytesType:
			value, _ = protowire.ConsumeBytes(value)
		case protowire.VarintType:
			number, _ = protowire.ConsumeVarint(value)
		}
		if err := do(n, b[:tag+size], value, number); err != nil {
			return err
		}
		b = b[tag+size:]
	}
	return nil
}
