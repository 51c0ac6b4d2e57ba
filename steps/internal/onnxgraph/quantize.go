package onnxgraph

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// levels is the largest magnitude of a quantised weight. It has only 7 bits with the sign, because processors without VNNI instructions
// saturate when they add up products of 8-bit values.
const levels = 63

// Weights is the type in which a graph stores its weights.
type Weights string

const (
	FP32 Weights = "" // the type in which they were trained
	FP16 Weights = "fp16"
	// Quantized is int8, a quarter of the size, with a scale for each column of a matrix and for each row of a table. The graph quantises
	// activations while it runs.
	Quantized Weights = "int8"
)

// Writer adds weights to a graph in one of the types. With FP16, activations are float16, too, unless the graph casts them to float32.
type Writer struct {
	*Graph
	Weights Weights
}

// Type is the element type of the activations.
func (w Writer) Type() DType {
	if w.Weights == FP16 {
		return Float16
	}
	return Float32
}

// Floats adds a constant tensor in the type of the activations.
func (w Writer) Floats(name string, shape []int, data []float32) string {
	if w.Weights != FP16 {
		return w.Graph.Floats(name, shape, data)
	}
	raw := make([]byte, 0, 2*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint16(raw, float16.Fromfloat32(v).Bits())
	}
	return w.tensor(name, Float16, shape, raw)
}

// MatMul multiplies x by a constant matrix [inputs, outputs].
func (w Writer) MatMul(output, x, name string, shape []int, data []float32) string {
	if w.Weights != Quantized {
		return w.Node("MatMul", output, []string{x, w.Floats(name, shape, data)})
	}
	values, scales := quantize(data, shape[0], shape[1], true)
	w.Bytes(name, Int8, shape, values)
	w.Floats(name+"_scale", []int{shape[1]}, scales)
	at := output + "_"
	w.Op("DynamicQuantizeLinear", "", []string{at + "in", at + "in_scale", at + "in_zero"}, []string{x})
	sum := w.Node("MatMulInteger", at+"sum", []string{at + "in", name, at + "in_zero"})
	real := w.Node("Cast", at+"real", []string{sum}, Int("to", int64(Float32)))
	scale := w.Node("Mul", at+"scale", []string{at + "in_scale", name + "_scale"})
	return w.Node("Mul", output, []string{real, scale})
}

// Lookup gathers rows of a constant table [rows, columns] by ids.
func (w Writer) Lookup(output, ids, name string, shape []int, data []float32) string {
	if w.Weights != Quantized {
		return w.Node("Gather", output, []string{w.Floats(name, shape, data), ids}, Int("axis", 0))
	}
	values, scales := quantize(data, shape[0], shape[1], false)
	w.Bytes(name, Int8, shape, values)
	w.Floats(name+"_scale", []int{shape[0], 1}, scales)
	rows := w.Node("Cast", output+"_real", []string{w.Node("Gather", output+"_small", []string{name, ids}, Int("axis", 0))}, Int("to", int64(Float32)))
	scale := w.Node("Gather", output+"_scale", []string{name + "_scale", ids}, Int("axis", 0))
	return w.Node("Mul", output, []string{rows, scale})
}

// quantize rounds a matrix to int8, symmetrically around 0. It also returns the scales, one for each column or row.
func quantize(data []float32, rows, columns int, byColumn bool) (values []byte, scales []float32) {
	n := rows
	if byColumn {
		n = columns
	}
	scales, values = make([]float32, n), make([]byte, len(data))
	of := func(i int) *float32 {
		if byColumn {
			return &scales[i%columns]
		}
		return &scales[i/columns]
	}
	for i, v := range data {
		if s := of(i); v > *s {
			*s = v
		} else if -v > *s {
			*s = -v
		}
	}
	for i := range scales {
		if scales[i] /= levels; scales[i] == 0 {
			scales[i] = 1
		}
	}
	for i, v := range data {
		values[i] = byte(int8(math.RoundToEven(float64(v / *of(i)))))
	}
	return values, scales
}
