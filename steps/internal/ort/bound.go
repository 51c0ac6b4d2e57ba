package ort

import (
	"fmt"

	native "github.com/yalue/onnxruntime_go"
)

// Floats is a float32 tensor in row-major order, with at least one axis.
type Floats struct {
	Data  []float32
	Shape []int
}

// Bound is a session that reads and writes the caller's memory, so that a call neither copies nor allocates. It is not safe for concurrent
// use.
type Bound struct {
	s       *Session
	in, out []native.Value
}

// Bind returns a Bound whose calls read from in and write to out, in the order of the session's Inputs and Outputs.
func (s *Session) Bind(in, out []Floats) (*Bound, error) {
	if len(in) != len(s.inputs) || len(out) != len(s.outputs) {
		return nil, fmt.Errorf("the graph has inputs %q and outputs %q, %d and %d were given", s.inputs, s.outputs, len(in), len(out))
	}
	b := &Bound{s: s}
	for i, f := range append(in[:len(in):len(in)], out...) {
		shape := make([]int64, len(f.Shape))
		for axis, n := range f.Shape {
			shape[axis] = int64(n)
		}
		t, err := native.NewTensor(native.NewShape(shape...), f.Data)
		if err != nil {
			b.Close()
			return nil, fmt.Errorf("tensor %d, %v: %w", i, f.Shape, err)
		}
		if i < len(in) {
			b.in = append(b.in, t)
		} else {
			b.out = append(b.out, t)
		}
	}
	return b, nil
}

// Run computes the outputs from the current values of the inputs.
func (b *Bound) Run() error {
	if err := b.s.s.Run(b.in, b.out); err != nil {
		return fmt.Errorf("ONNX Runtime: %w", err)
	}
	return nil
}

// Close frees the native tensors. The session and the caller's memory stay.
func (b *Bound) Close() {
	destroy(b.in)
	destroy(b.out)
}
