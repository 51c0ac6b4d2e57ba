package onnxgraph

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// levels is the largest magnitude of a quantised weight: 7 bits, because processors without VNNI instructions add up
// products of two 8-bit values with saturation.
const levels = 63

// Weights is how a graph keeps its weights.
type Weights string

const (
	FP32 Weights = "" // as they were trained
	FP16 Weights = "fp16"
	// Quantized is int8 with a scale a column (matrices) or a row (tables), and quantises activations on the fly: a quarter of the size.
	Quantized Weights = "int8"
)

// Writer adds weights to a graph. In FP16 its activations are float16, too, except those that the graph turns into float32.
type Writer struct {
	*Graph
	Weights Weights
}

// Type is the activations' type.
func (w Writer) Type() DType {
	if w.Weights == FP16 {
		return Float16
	}
	return Float32
}

// Floats adds a constant tensor of the activations' type.
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

// quantize rounds a matrix to int8, symmetric around 0, with a scale a column or a row.
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
