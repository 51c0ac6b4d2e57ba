package draw

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rein/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// strategy is a small pipeline with everything that is drawn differently.
func strategy() *engine.Graph {
	step := func(typ, name string, ports ...engine.Port) *engine.Node {
		return &engine.Node{Type: typ, Name: name, Pos: "a.hcl:1", Ports: ports}
	}
	rows := engine.Port{Name: "rows", Kind: "rows"}
	own := step("dataset", "own", rows)
	own.Inputs = []engine.Input{{Port: "data", Refs: []engine.Ref{{Path: &engine.Path{Kind: engine.PathGlob, Abs: "/x/data/*.csv", Text: "data/*.csv"}}}}}
	off := step("split", "off & \"on\"", rows)
	off.NotNeeded = true
	train := step("train-gpu", "baseline", engine.Port{Name: "model", Kind: "model"})
	train.Inputs = []engine.Input{{Port: "rows", Refs: []engine.Ref{{Node: own, Port: "rows"}}}, {Port: "validation", Refs: []engine.Ref{{Node: own, Port: "rows"}}}}
	p := &engine.Pipeline{Name: "p", Title: "A <strategy>", Nodes: []*engine.Node{own, off, train}}
	for i := range 12 {
		n := step("evaluate", fmt.Sprintf("test[\"k%d\"]", i), engine.Port{Name: "report", Kind: "report"})
		n.Inputs = []engine.Input{{Port: "model", Refs: []engine.Ref{{Node: train, Port: "model"}}}, {Port: "test", Refs: []engine.Ref{{Node: own, Port: "rows"}}}}
		p.Nodes = append(p.Nodes, n)
	}
	last := step("exec", "last")
	last.After = []*engine.Node{p.Nodes[3]}
	p.Nodes = append(p.Nodes, last)
	return &engine.Graph{Pipelines: []*engine.Pipeline{p}}
}

func TestGolden(t *testing.T) {
	for name, draw := range map[string]func(io.Writer, *engine.Graph) error{"graph.dot": Dot, "graph.mmd": Mermaid, "graph.svg": SVG} {
		var b bytes.Buffer
		if err := draw(&b, strategy()); err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + name
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
}

func TestEmptyGraph(t *testing.T) {
	for _, g := range []*engine.Graph{{}, {Pipelines: []*engine.Pipeline{{Name: "empty"}}}} {
		var b bytes.Buffer
		if err := SVG(&b, g); err != nil || !strings.HasPrefix(b.String(), "<svg") {
			t.Errorf("%v %s", err, b.String())
		}
	}
}

// TestLayout holds for any graph: edges go down, no two nodes of a layer touch, and the SVG is well-formed.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "nodes")
		p := &engine.Pipeline{Name: "p"}
		for i := range n {
			node := &engine.Node{Name: fmt.Sprint("n", i), Type: "t", Ports: []engine.Port{{Name: "o", Kind: "rows"}}}
			for _, j := range rapid.SliceOfN(rapid.IntRange(0, max(0, i-1)), 0, 4).Draw(t, "inputs") {
				if j < i {
					node.Inputs = append(node.Inputs, engine.Input{Port: "i", Refs: []engine.Ref{{Node: p.Nodes[j], Port: "o"}}})
				}
			}
			p.Nodes = append(p.Nodes, node)
		}
		pic := pictureOf(p)
		for _, x := range pic.nodes {
			x.w = 90
		}
		pic.layout()
		for _, e := range pic.edges {
			if e.to.y <= e.from.y {
				t.Fatalf("the edge %s to %s goes up", e.from.name, e.to.name)
			}
		}
		for i, a := range pic.nodes {
			for _, b := range pic.nodes[:i] {
				if a.y == b.y && abs(a.x-b.x) < a.w/2+b.w/2 {
					t.Fatalf("%s and %s overlap: %v %v", a.name, b.name, a.x, b.x)
				}
			}
		}
		var b bytes.Buffer
		if err := SVG(&b, &engine.Graph{Pipelines: []*engine.Pipeline{p}}); err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(&b); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestWideGraph holds that a graph of many steps is drawn at all.
func TestWideGraph(t *testing.T) {
	p := &engine.Pipeline{Name: "wide"}
	src := &engine.Node{Name: "src", Type: "t", Ports: []engine.Port{{Name: "o", Kind: "rows"}}}
	p.Nodes = append(p.Nodes, src)
	last := &engine.Node{Name: "last", Type: "t"}
	for i := range 4000 {
		n := &engine.Node{Name: fmt.Sprint("n", i), Type: "t", Ports: src.Ports, Inputs: []engine.Input{{Port: "i", Refs: []engine.Ref{{Node: src, Port: "o"}}}}}
		last.Inputs = append(last.Inputs, engine.Input{Port: fmt.Sprint(i), Refs: []engine.Ref{{Node: n, Port: "o"}}})
		p.Nodes = append(p.Nodes, n)
	}
	p.Nodes = append(p.Nodes, last)
	var b bytes.Buffer
	if err := SVG(&b, &engine.Graph{Pipelines: []*engine.Pipeline{p}}); err != nil || strings.Count(b.String(), "<rect") != 4002 {
		t.Errorf("%v, %d steps drawn", err, strings.Count(b.String(), "<rect"))
	}
}

func abs(f float64) float64 {
	if f < 0 {
		return -f
	}
	return f
}
