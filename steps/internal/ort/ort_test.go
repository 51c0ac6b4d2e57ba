package ort

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/steps/internal/onnxgraph"
)

// sum is a graph that adds up each row of ids as floats.
func sum() []byte {
	g := &onnxgraph.Graph{Name: "sum", Producer: "test", Metadata: map[string]string{"b": "2", "a": "1"}}
	ids := g.Input("ids", onnxgraph.Int64, onnxgraph.Dim{Name: "batch"}, onnxgraph.Dim{Name: "length"})
	real := g.Node("Cast", "real", []string{ids}, onnxgraph.Int("to", int64(onnxgraph.Float32)))
	g.Node("ReduceSum", "sum", []string{real, g.Ints("axis", []int{1}, 1)}, onnxgraph.Int("keepdims", 0))
	g.Output("sum", onnxgraph.Float32, onnxgraph.Dim{Name: "batch"})
	return g.Encode()
}

func TestRun(t *testing.T) {
	s, err := Open(sum(), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		rows, length int
		ids          []int64
		want         []float32
	}{{2, 3, []int64{1, 2, 3, 4, 5, 6}, []float32{6, 15}}, {1, 1, []int64{-7}, []float32{-7}}} {
		out, err := s.Run(c.rows, c.length, c.ids)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]float32{c.want}, out); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, s.Metadata()); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Run(2, 2, []int64{1}); err == nil || !strings.Contains(err.Error(), `"ids": 1 values, want 2 x 2`) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Run(1, 1, []int64{1}, []int64{1}); err == nil || !strings.Contains(err.Error(), "2 were given") {
		t.Errorf("got %v", err)
	}
}

func TestBound(t *testing.T) {
	g := &onnxgraph.Graph{Name: "add", Producer: "test"}
	a, b := g.Input("a", onnxgraph.Float32, onnxgraph.Dim{Size: 2}), g.Input("b", onnxgraph.Float32, onnxgraph.Dim{Size: 2})
	g.Node("Add", "sum", []string{a, b})
	g.Output("sum", onnxgraph.Float32, onnxgraph.Dim{Size: 2})
	s, err := Open(g.Encode(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, y, sum := []float32{1, 2}, []float32{10, 20}, []float32{0, 0}
	two := func(v []float32) Floats { return Floats{v, []int{2}} }
	bound, err := s.Bind([]Floats{two(x), two(y)}, []Floats{two(sum)})
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	for _, first := range []float32{1, 5} {
		x[0] = first
		if err := bound.Run(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]float32{first + 10, 22}, sum); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := s.Bind([]Floats{two(x)}, []Floats{two(sum)}); err == nil || !strings.Contains(err.Error(), `inputs ["a" "b"]`) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Bind([]Floats{two(x), {y, []int{3}}}, []Floats{two(sum)}); err == nil || !strings.Contains(err.Error(), "tensor 1, [3]") {
		t.Errorf("got %v", err)
	}
}

func TestEqualGraphsGiveEqualBytes(t *testing.T) {
	first, again := sum(), sum()
	if !bytes.Equal(first, again) {
		t.Error("one graph, written twice, gave different bytes")
	}
}

func TestBrokenGraphIsAnError(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("not a graph"), sum()[:40]} {
		if s, err := Open(b, Options{}); err == nil {
			s.Close()
			t.Errorf("a graph of %d bytes was opened", len(b))
		}
	}
}

func TestLibrary(t *testing.T) {
	path, err := Library()
	if err != nil || !strings.Contains(filepath.Base(path), "onnxruntime") {
		t.Errorf("library %q, %v", path, err)
	}
	if v, err := Version(); err != nil || v != carried.version && os.Getenv(LibraryEnv) == "" {
		t.Errorf("version %q, %v; the carried one is %q", v, err, carried.version)
	}
	t.Setenv(LibraryEnv, filepath.Join(t.TempDir(), "gone.so"))
	if _, err := Library(); err == nil || !strings.Contains(err.Error(), "gone.so") {
		t.Errorf("got %v", err)
	}
}

// If a link points to another version, the fingerprint changes.
func TestFingerprintFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "libonnxruntime.so")
	t.Setenv(LibraryEnv, link)
	var got []string
	for _, name := range []string{"libonnxruntime.so.1.27.1", "libonnxruntime.so.1.32.0"} {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, name), nil, 0o644), os.RemoveAll(link), os.Symlink(name, link)); err != nil {
			t.Skipf("links can't be made here: %v", err)
		}
		got = append(got, Fingerprint()["onnxruntime"])
	}
	if got[0] == got[1] || !strings.HasSuffix(got[1], "1.32.0") {
		t.Errorf("got %q", got)
	}
}
