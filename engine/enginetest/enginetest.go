// Package enginetest gives tests of the engine counting fakes: ops that say how often they ran, and short ways to
// make graphs of them. The store is always a real one.
package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"rein/cache"
	"rein/engine"
)

// Op is a step type that counts its runs. By default it writes to every output its config and all its inputs, so
// that its result changes exactly when its key does.
type Op struct {
	Type    string // "" is "fake"
	Version int    // 0 is 1
	Config  map[string]any
	// Do replaces what the op does; nil is Copy.
	Do func(ctx context.Context, c *engine.Call) error
	// Adjust changes the description: fingerprints, sensitive values, isolation.
	Adjust func(*engine.Description)

	runs atomic.Int64
}

// Runs is how often the op ran.
func (o *Op) Runs() int { return int(o.runs.Load()) }

// Describe implements engine.Op.
func (o *Op) Describe(context.Context) (engine.Description, error) {
	d := engine.Description{Type: o.Type, Version: max(o.Version, 1)}
	if d.Type == "" {
		d.Type = "fake"
	}
	config := o.Config
	if config == nil {
		config = map[string]any{}
	}
	var err error
	d.Config, err = json.Marshal(config)
	if o.Adjust != nil {
		o.Adjust(&d)
	}
	return d, err
}

// Run implements engine.Op.
func (o *Op) Run(ctx context.Context, c *engine.Call) error {
	o.runs.Add(1)
	if o.Do != nil {
		return o.Do(ctx, c)
	}
	return o.Copy(c)
}

// Copy writes the config and all inputs to every output.
func (o *Op) Copy(c *engine.Call) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v", o.Config)
	ports := map[string]bool{}
	for p := range c.Inputs {
		ports[p] = true
	}
	for _, p := range sorted(ports) {
		for _, f := range c.Inputs[p] {
			text, err := os.ReadFile(f.Path)
			if err != nil {
				return err
			}
			if len(text) > 200 { // deep graphs must not double their content in every layer
				text = []byte(f.Digest.String())
			}
			fmt.Fprintf(&b, " %s(%s)", p, text)
		}
	}
	return WriteAll(c, b.String())
}

// WriteAll writes text to every output of a call.
func WriteAll(c *engine.Call, text string) error {
	for _, path := range c.Outputs {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// Step makes a node with one output port, "out".
func Step(name string, op engine.Op, in ...engine.Input) *engine.Node {
	n := &engine.Node{Name: name, Type: "fake", Op: op, Inputs: in, Ports: []engine.Port{{Name: "out", Kind: "file"}}}
	if o, ok := op.(*Op); ok && o.Type != "" {
		n.Type = o.Type
	}
	return n
}

// From is an input fed by other nodes' outputs.
func From(port string, nodes ...*engine.Node) engine.Input {
	in := engine.Input{Port: port}
	for _, n := range nodes {
		in.Refs = append(in.Refs, engine.Ref{Node: n, Port: "out"})
	}
	return in
}

// Path is an input fed by the user's file, folder or glob.
func Path(port string, kind engine.PathKind, abs string) engine.Input {
	return engine.Input{Port: port, Refs: []engine.Ref{{Path: &engine.Path{Kind: kind, Abs: abs, Text: abs}}}}
}

// Graph is one pipeline, "p".
func Graph(nodes ...*engine.Node) *engine.Graph {
	return &engine.Graph{Pipelines: []*engine.Pipeline{Pipeline("p", nodes...)}}
}

// Pipeline names some nodes.
func Pipeline(name string, nodes ...*engine.Node) *engine.Pipeline {
	return &engine.Pipeline{Name: name, File: name + ".hcl", Nodes: nodes}
}

// Store opens a new store that is closed with the test.
func Store(t testing.TB) *cache.Store {
	t.Helper()
	return Open(t, t.TempDir())
}

// Open opens the store in dir until the test ends.
func Open(t testing.TB, dir string) *cache.Store {
	t.Helper()
	s, err := cache.Open(dir, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
