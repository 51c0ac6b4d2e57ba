package onnxgraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

func parseWeight(b []byte, read func(name string) ([]byte, error)) (*Weight, error) {
	w := &Weight{}
	var floats, ints, longs []byte
	outside, at := false, map[string]string{}
	err := fields(b, func(n protowire.Number, raw, v []byte, x uint64) error {
		switch n {
		case 1:
			for _, d := range varints(raw, v, x) {
				w.Shape = append(w.Shape, int(d))
			}
		case 2:
			w.Type = DType(x)
		case 4:
			floats = append(floats, v...) // packed or not, the bytes of fixed 32-bit numbers are the same
		case 5:
			for _, d := range varints(raw, v, x) {
				ints = binary.LittleEndian.AppendUint32(ints, uint32(d))
			}
		case 7:
			for _, d := range varints(raw, v, x) {
				longs = binary.LittleEndian.AppendUint64(longs, d)
			}
		case 8:
			w.Name = string(v)
		case 9:
			w.data = v
		case 13:
			k, s, err := entry(v)
			at[k] = s
			return err
		case 14:
			outside = x == 1
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if outside {
		if w.data, err = outsideData(w.Name, at, read); err != nil {
			return nil, err
		}
	}
	if !w.Type.plain() {
		if outside {
			return nil, fmt.Errorf("weight %q of type %d lies in another file, which is only supported for float32, int32 and int64", w.Name, w.Type)
		}
		return &Weight{Name: w.Name, Type: w.Type, Shape: w.Shape, data: b}, nil // kept in its encoded form
	}
	if w.data == nil {
		switch {
		case w.Type == Float32:
			w.data = floats
		case w.Type == Int64:
			w.data = longs
		default:
			w.data = ints
		}
	}
	size := 4
	if w.Type == Int64 {
		size = 8
	}
	if len(w.data) != size*w.Size() {
		return nil, fmt.Errorf("weight %q: %d bytes for shape %v", w.Name, len(w.data), w.Shape)
	}
	return w, nil
}

// plain tells whether weights of the type are decoded. Weights of other types stay encoded.
func (t DType) plain() bool { return t == Float32 || t == Int64 || t == Int32 }

// varints reads a field of repeated integers, packed or not.
func varints(raw, v []byte, x uint64) []uint64 {
	if _, kind, _ := protowire.ConsumeTag(raw); kind == protowire.VarintType {
		return []uint64{x}
	}
	var out []uint64
	for len(v) > 0 {
		d, n := protowire.ConsumeVarint(v)
		if n < 0 {
			break
		}
		out, v = append(out, d), v[n:]
	}
	return out
}

// Size is the number of values.
func (w *Weight) Size() int {
	n := 1
	for _, d := range w.Shape {
		n *= d
	}
	return n
}

// Floats returns the values of a Float32 weight.
func (w *Weight) Floats() []float32 {
	out := make([]float32, len(w.data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(w.data[4*i:]))
	}
	return out
}

// SetFloats replaces the values of a Float32 weight.
func (w *Weight) SetFloats(values []float32) {
	w.data = make([]byte, 0, 4*len(values))
	for _, v := range values {
		w.data = binary.LittleEndian.AppendUint32(w.data, math.Float32bits(v))
	}
}

// Weight returns the weight with this name, or nil.
func (f *File) Weight(name string) *Weight {
	for _, w := range f.Weights {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// Clone returns a copy whose lists can be changed. It shares the values of the weights.
func (f *File) Clone() *File {
	c := *f
	c.Nodes, c.Weights = slices.Clone(f.Nodes), slices.Clone(f.Weights)
	c.Inputs, c.Outputs, c.Metadata = slices.Clone(f.Inputs), slices.Clone(f.Outputs), maps.Clone(f.Metadata)
	return &c
}

// Wrap puts the nodes of before and after around the file's own. If before declares inputs, they replace the file's; if after declares
// outputs, these do the same.
func (f *File) Wrap(before, after *Graph) error {
	parts := [2]*File{}
	for i, g := range []*Graph{before, after} {
		var err error
		if parts[i], err = Parse(g.Encode()); err != nil {
			return err
		}
		if g.contrib {
			return errors.New("ONNX Runtime's own operators can't be added to a file")
		}
		f.Weights = append(f.Weights, parts[i].Weights...)
	}
	f.Nodes = slices.Concat(parts[0].Nodes, f.Nodes, parts[1].Nodes)
	if len(before.inputs) > 0 {
		f.Inputs = parts[0].Inputs
	}
	if len(after.outputs) > 0 {
		f.Outputs = parts[1].Outputs
	}
	return nil
}

// Encode returns the content of the model's file.
func (f *File) Encode() []byte {
	var g []byte
	for _, n := range f.Nodes {
		g = bytesField(g, graphNode, n.raw)
	}
	g = append(g, f.graph...)
	for _, w := range f.Weights {
		g = bytesField(g, graphWeight, w.encode())
	}
	for _, v := range f.Inputs {
		g = bytesField(g, graphInput, valueInfo(v.Name, v.Type, v.Dims))
	}
	for _, v := range f.Outputs {
		g = bytesField(g, graphOutput, valueInfo(v.Name, v.Type, v.Dims))
	}
	b := bytesField(slices.Clone(f.head), modelGraph, g)
	for _, k := range slices.Sorted(maps.Keys(f.Metadata)) {
		b = bytesField(b, modelMetadata, stringField(stringField(nil, 1, k), 2, f.Metadata[k]))
	}
	return b
}

func (w *Weight) encode() []byte {
	if !w.Type.plain() {
		return w.data
	}
	var b, dims []byte
	for _, d := range w.Shape {
		dims = protowire.AppendVarint(dims, uint64(d))
	}
	if len(dims) > 0 {
		b = bytesField(b, 1, dims)
	}
	return bytesField(stringField(intField(b, 2, int64(w.Type)), 8, w.Name), 9, w.data)
}
