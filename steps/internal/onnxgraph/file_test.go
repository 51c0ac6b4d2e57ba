package onnxgraph

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// sample is a graph with something of everything that Parse decodes.
func sample() *Graph {
	g := &Graph{Name: "sample", Producer: "test", Metadata: map[string]string{"a": "1", "b": ""}}
	x := g.Input("x", Float32, Dim{Name: "batch"}, Dim{Size: 3})
	w := g.Floats("w", []int{3, 2}, []float32{1, 2, 3, 4, 5, 6})
	g.Ints("axis", []int{1}, -1)
	g.Bytes("small", Uint8, []int{2}, []byte{7, 8})
	y := g.Node("MatMul", "product", []string{x, w})
	g.Node("ReduceSum", "unused", []string{y, "axis"}, Int("keepdims", 0))
	g.Node("Identity", "y", []string{g.Node("Identity", "same", []string{y})})
	g.Output("y", Float32, Dim{Name: "batch"}, Dim{Size: 2})
	return g
}

func parsed(t testing.TB, g *Graph) *File {
	t.Helper()
	f, err := Parse(g.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParse(t *testing.T) {
	f := parsed(t, sample())
	if f.Opset != opset || len(f.Nodes) != 4 || f.Nodes[1].Int("keepdims", 1) != 0 || f.Metadata["a"] != "1" || len(f.Metadata) != 2 {
		t.Errorf("%+v", f)
	}
	if w := f.Weight("w"); w == nil || !slices.Equal(w.Shape, []int{3, 2}) || !slices.Equal(w.Floats(), []float32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("%+v", w)
	}
	if v := f.Inputs[0]; v.Name != "x" || v.Type != Float32 || !slices.Equal(v.Dims, []Dim{{Name: "batch"}, {Size: 3}}) {
		t.Errorf("%+v", v)
	}
	again, err := Parse(f.Encode())
	if err != nil || !bytes.Equal(again.Encode(), f.Encode()) || len(again.Weights) != 3 {
		t.Errorf("written and read again it is another: %v", err)
	}
}

func TestEdit(t *testing.T) {
	f := parsed(t, sample())
	c := f.Clone()
	if !c.Rename("product", "p") || c.Rename("nothing", "p") {
		t.Error("Rename tells wrongly whether there was one")
	}
	c.WithoutIdentities()
	c.Prune()
	if len(c.Nodes) != 1 || c.Nodes[0].Type != "MatMul" || len(c.Weights) != 1 || c.Outputs[0].Name != "p" {
		t.Errorf("%+v, %+v", c.Nodes, c.Outputs)
	}
	c.Weight("w").SetFloats([]float32{0, 0, 0, 0, 0, 9})
	c.Fix(map[string]int{"batch": 4})
	c.Constants(c.Weights)
	c.Weights = nil
	again, err := Parse(c.Encode())
	if err != nil || again.Nodes[0].Type != "Constant" || again.Inputs[0].Dims[0].Size != 4 {
		t.Errorf("%+v, %v", again, err)
	}
	if len(f.Nodes) != 4 || f.Nodes[0].Outputs[0] != "product" || f.Inputs[0].Dims[0].Name != "batch" {
		t.Error("the edit of a clone changed the original")
	}
}

// outside is the sample, but the values of w are in another file, from byte 4 on.
func outside() []byte {
	g := sample()
	for i, b := range g.initializers {
		if w, err := parseWeight(b, nil); err != nil || w.Name != "w" {
			continue
		}
		b = intField(nil, 1, 3)
		b = stringField(intField(intField(b, 1, 2), 2, int64(Float32)), 8, "w")
		for _, kv := range [][2]string{{"location", "w.data"}, {"offset", "4"}, {"length", "24"}} {
			b = bytesField(b, 13, stringField(stringField(nil, 1, kv[0]), 2, kv[1]))
		}
		g.initializers[i] = intField(b, 14, 1)
	}
	return g.Encode()
}

func TestWeightsInAnotherFile(t *testing.T) {
	want := parsed(t, sample()).Weight("w")
	data := append([]byte("head"), want.data...)
	f, err := ParseWith(outside(), func(name string) ([]byte, error) { return data, nil })
	if err != nil || !slices.Equal(f.Weight("w").Floats(), want.Floats()) {
		t.Errorf("%v", err)
	}
	for message, read := range map[string]func(string) ([]byte, error){
		`lies in another file, "w.data"`:      nil,
		"is gone":                             func(string) ([]byte, error) { return nil, errors.New("is gone") },
		`bytes 4 to 28 of "w.data", which ha`: func(string) ([]byte, error) { return data[:20], nil },
	} {
		if _, err := ParseWith(outside(), read); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("got %v, want %q", err, message)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample().Encode())
	f.Add(outside())
	f.Add([]byte("not a model"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		m.WithoutIdentities()
		m.Prune()
		if _, err := Parse(m.Encode()); err != nil {
			t.Errorf("what was read can't be read again: %v", err)
		}
	})
}
