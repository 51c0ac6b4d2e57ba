package lineage

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"rein/engine"
)

// op is what the walk asks of a step: its config.
type op string

func (o op) Describe(context.Context) (engine.Description, error) {
	return engine.Description{Config: json.RawMessage(o)}, nil
}
func (o op) Run(context.Context, *engine.Call) error { return nil }

// step makes a node; inputs are written "port=node.port" or "port=path".
func step(nodes map[string]*engine.Node, name, typ, config string, inputs ...string) {
	n := &engine.Node{Name: name, Type: typ, Pos: "p.hcl:1", Op: op(config)}
	for _, in := range inputs {
		port, from, _ := strings.Cut(in, "=")
		ref := engine.Ref{Path: &engine.Path{Abs: from}}
		if node, out, ok := strings.Cut(from, "."); ok {
			ref = engine.Ref{Node: nodes[node], Port: out}
		}
		n.Inputs = append(n.Inputs, engine.Input{Port: port, Refs: []engine.Ref{ref}})
	}
	nodes[name] = n
}

// pipeline is the shipped one in short, with the evaluation's inputs as given.
func pipeline(evaluation string, inputs ...string) *engine.Graph {
	nodes := map[string]*engine.Node{}
	step(nodes, "own", "dataset", `{}`, "data=/data")
	step(nodes, "same", "dataset", `{}`, "data=/data")
	step(nodes, "other", "dataset", `{"splits":["test"]}`, "data=/data")
	step(nodes, "parts", "split", `{}`, "rows=own.rows")
	step(nodes, "base", "train-gpu", `{}`, "rows=parts.train", "validation=parts.validation")
	step(nodes, "fps", "mine", `{}`, "model=base.model", "pool=parts.pool")
	step(nodes, "varied", "augment", `{}`, "rows=fps.rows")
	step(nodes, "merged", "merge", `{}`, "base=parts.train", "add=varied.rows")
	step(nodes, "balanced", "balance-assert", `{}`, "rows=merged.rows")
	step(nodes, "model", "train-gpu", `{}`, "rows=balanced.rows", "validation=parts.validation", "init=base.model")
	step(nodes, "export", "export-onnx", `{}`, "model=model.model")
	step(nodes, "int8", "export-onnx", `{"weights":"int8"}`, "model=model.model", "rows=parts.test")
	step(nodes, "fp32", "export-onnx", `{"weights":"fp32"}`, "model=model.model", "rows=parts.test")
	step(nodes, "test", "evaluate", evaluation, inputs...)
	p := &engine.Pipeline{Name: "p"}
	for _, n := range nodes {
		p.Nodes = append(p.Nodes, n)
	}
	return &engine.Graph{Pipelines: []*engine.Pipeline{p}}
}

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		inputs []string
		want   string
	}{
		"held out":           {`{"on_leak":"stop"}`, []string{"model=export.model", "test=parts.test", "unseen=parts.unseen", "pool=parts.pool"}, ""},
		"trained on":         {`{"on_leak":"stop"}`, []string{"model=export.model", "test=parts.train"}, `test is step.parts.train, and step "model" trains on step.parts.train`},
		"chosen with":        {`{}`, []string{"model=export.model", "test=parts.validation"}, `step "model" chooses with step.parts.validation`},
		"the mined pool":     {`{}`, []string{"model=export.model", "test=parts.pool"}, `step "model" trains on step.parts.pool`},
		"chosen anew with":   {`{}`, []string{"model=int8.model", "test=parts.test"}, `step "int8" chooses the threshold anew with step.parts.test`},
		"certified on":       {`{}`, []string{"model=fp32.model", "test=parts.test"}, ""},
		"not by the first":   {`{}`, []string{"model=base.model", "test=parts.pool"}, ""},
		"before the split":   {`{}`, []string{"model=base.model", "test=own.rows"}, `test is step.own.rows, and step "base" trains on step.parts.train`},
		"the same file":      {`{}`, []string{"model=base.model", "unseen=same.rows"}, `unseen is step.same.rows`},
		"another part of it": {`{}`, []string{"model=base.model", "test=other.rows"}, ""},
		"recorded":           {`{"on_leak":"record"}`, []string{"model=export.model", "test=parts.train"}, ""},
	} {
		got, err := Problems(t.Context(), pipeline(c.config, c.inputs...))
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for _, p := range got {
			text += p.Error() + "\n"
		}
		if !strings.Contains(text, c.want) || (c.want == "") != (text == "") {
			t.Errorf("%s: got %q, want %q", name, text, c.want)
		}
	}
}
