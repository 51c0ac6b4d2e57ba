// Package ort runs ONNX graphs with ONNX Runtime. No other package uses its Go binding. This package loads one library and one environment
// per process, and frees everything native.
package ort

import (
	"fmt"
	"runtime"
	"sync"

	native "github.com/yalue/onnxruntime_go"
)

// Options configures a Session.
type Options struct {
	Threads int // threads of one Run; 0 means one, so that callers can run batches on all cores
	// Optimized is the file to which ONNX Runtime writes the graph after optimising it for this machine; "" writes none.
	Optimized string
	// Basic optimises within ONNX's own operators: it folds constants, but doesn't fuse operators into ONNX Runtime's own.
	Basic bool
	// Portable leaves out optimisations that only work on this processor, for a graph that is kept in a file.
	Portable bool
	// Unoptimized runs the graph as it is written.
	Unoptimized bool
}

// Session is a loaded graph. Its methods are safe for concurrent use.
type Session struct {
	s        *native.DynamicAdvancedSession
	inputs   []string
	outputs  []string
	metadata map[string]string
	close    sync.Once
}

// Open loads a graph from memory.
func Open(graph []byte, opt Options) (*Session, error) {
	if err := selfContained(graph); err != nil {
		return nil, fmt.Errorf("ONNX graph: %w", err)
	}
	if err := start(); err != nil {
		return nil, err
	}
	so, err := native.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer so.Destroy()
	if err := opt.apply(so); err != nil {
		return nil, err
	}
	in, out, err := native.GetInputOutputInfoWithONNXData(graph)
	if err != nil {
		return nil, fmt.Errorf("ONNX graph of %d bytes: %w", len(graph), err)
	}
	s := &Session{inputs: names(in), outputs: names(out)}
	if s.s, err = native.NewDynamicAdvancedSessionWithONNXData(graph, s.inputs, s.outputs, so); err != nil {
		return nil, fmt.Errorf("ONNX graph: %w", err)
	}
	if s.metadata, err = metadata(s.s); err != nil {
		s.Close()
		return nil, err
	}
	runtime.SetFinalizer(s, (*Session).Close)
	return s, nil
}

func (o Options) apply(so *native.SessionOptions) error {
	if err := so.SetIntraOpNumThreads(max(o.Threads, 1)); err != nil {
		return err
	}
	if err := so.SetInterOpNumThreads(1); err != nil {
		return err
	}
	if err := so.SetLogSeverityLevel(native.LoggingLevelFatal); err != nil { // errors are returned, so they needn't be logged
		return err
	}
	level := native.GraphOptimizationLevel(native.GraphOptimizationLevelEnableAll)
	if o.Basic {
		level = native.GraphOptimizationLevelEnableBasic
	}
	if o.Portable {
		level = native.GraphOptimizationLevelEnableExtended
	}
	if o.Unoptimized {
		level = native.GraphOptimizationLevelDisableAll
	}
	if err := so.SetGraphOptimizationLevel(level); err != nil {
		return err
	}
	if o.Optimized != "" {
		return so.SetOptimizedModelFilePath(o.Optimized)
	}
	return nil
}

func names(infos []native.InputOutputInfo) []string {
	out := make([]string, len(infos))
	for i, v := range infos {
		out[i] = v.Name
	}
	return out
}

func metadata(s *native.DynamicAdvancedSession) (map[string]string, error) {
	m, err := s.GetModelMetadata()
	if err != nil {
		return nil, err
	}
	defer m.Destroy()
	keys, err := m.GetCustomMetadataMapKeys()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, k := range keys {
		v, _, err := m.LookupCustomMetadataMap(k)
		if err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, nil
}

// Inputs lists the graph's inputs.
func (s *Session) Inputs() []string { return s.inputs }

// Outputs lists the graph's outputs.
func (s *Session) Outputs() []string { return s.outputs }

// Metadata is the graph's custom metadata.
func (s *Session) Metadata() map[string]string { return s.metadata }

// Run runs the graph on int64 inputs of shape [rows, length], in the order of Inputs. It returns the values of each output as a flat list.
func (s *Session) Run(rows, length int, inputs ...[]int64) ([][]float32, error) {
	if len(inputs) != len(s.inputs) {
		return nil, fmt.Errorf("the graph has inputs %q, %d were given", s.inputs, len(inputs))
	}
	in := make([]native.Value, len(inputs))
	out := make([]native.Value, len(s.outputs))
	defer destroy(in)
	defer destroy(out)
	for i, v := range inputs {
		if len(v) != rows*length {
			return nil, fmt.Errorf("input %q: %d values, want %d x %d", s.inputs[i], len(v), rows, length)
		}
		t, err := native.NewTensor(native.NewShape(int64(rows), int64(length)), v)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", s.inputs[i], err)
		}
		in[i] = t
	}
	if err := s.s.Run(in, out); err != nil {
		return nil, fmt.Errorf("ONNX Runtime, %d x %d: %w", rows, length, err)
	}
	values := make([][]float32, len(out))
	for i, v := range out {
		t, ok := v.(*native.Tensor[float32])
		if !ok {
			return nil, fmt.Errorf("output %q isn't a float32 tensor", s.outputs[i])
		}
		values[i] = append([]float32(nil), t.GetData()...) // copy, because the tensor's memory is native
	}
	return values, nil
}

func destroy(values []native.Value) {
	for _, v := range values {
		if v != nil {
			_ = v.Destroy() // fails only if a value was destroyed before
		}
	}
}

// Close frees the session.
func (s *Session) Close() {
	s.close.Do(func() {
		runtime.SetFinalizer(s, nil)
		_ = s.s.Destroy() // fails only if the environment is gone
	})
}
