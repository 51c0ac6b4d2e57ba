package lineage

import (
	"slices"
	"strings"
	"testing"

	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/engine"
	"rein/steps"
	"rein/steps/all"
)

// step makes a node of a type that ships; inputs are written "port=node.port" or "port=path".
func step(t *testing.T, nodes map[string]*engine.Node, name, typ, config string, inputs ...string) {
	t.Helper()
	at := slices.IndexFunc(all.Types(), func(x *steps.Type) bool { return x.Name == typ })
	of := all.Types()[at]
	ty, err := ctyjson.ImpliedType([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	args, err := ctyjson.Unmarshal([]byte(config), ty)
	if err != nil {
		t.Fatal(err)
	}
	op, err := of.Op(args)
	if err != nil {
		t.Fatal(err)
	}
	n := &engine.Node{Name: name, Type: typ, Pos: "p.hcl:1", Op: op, Traits: of.Traits(op)}
	for _, p := range of.Out {
		n.Ports = append(n.Ports, engine.Port{Name: p.Name, Kind: p.Kind})
	}
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
func pipeline(t *testing.T, evaluation string, inputs ...string) *engine.Graph {
	nodes := map[string]*engine.Node{}
	step(t, nodes, "own", "dataset", `{}`, "data=/data")
	step(t, nodes, "same", "dataset", `{}`, "data=/data")
	step(t, nodes, "other", "dataset", `{"splits":["test"]}`, "data=/data")
	step(t, nodes, "corpus", "synthesize", `{}`)
	step(t, nodes, "again", "synthesize", `{}`)
	step(t, nodes, "more", "synthesize", `{"seed":2}`)
	step(t, nodes, "parts", "split", `{}`, "rows=own.rows")
	step(t, nodes, "base", "train-gpu", `{}`, "rows=parts.train", "validation=parts.validation")
	step(t, nodes, "fps", "mine", `{}`, "model=base.model", "pool=parts.pool")
	step(t, nodes, "varied", "augment", `{"variations":2}`, "rows=fps.rows")
	step(t, nodes, "merged", "merge", `{}`, "base=parts.train", "add=varied.rows")
	step(t, nodes, "balanced", "balance-assert", `{}`, "rows=merged.rows")
	step(t, nodes, "model", "train-gpu", `{}`, "rows=balanced.rows", "validation=parts.validation", "init=base.model")
	step(t, nodes, "made", "train-gpu", `{}`, "rows=corpus.train", "validation=corpus.validation")
	step(t, nodes, "export", "export-onnx", `{}`, "model=model.model")
	step(t, nodes, "int8", "export-onnx", `{"weights":"int8"}`, "model=model.model", "rows=parts.test")
	step(t, nodes, "fp32", "export-onnx", `{"weights":"fp32"}`, "model=model.model", "rows=parts.test")
	step(t, nodes, "test", "evaluate", evaluation, inputs...)
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
		"chosen again with":  {`{}`, []string{"model=int8.model", "test=parts.test"}, `step "int8" chooses the threshold again with step.parts.test`},
		"certified on":       {`{}`, []string{"model=fp32.model", "test=parts.test"}, ""},
		"not by the first":   {`{}`, []string{"model=base.model", "test=parts.pool"}, ""},
		"before the split":   {`{}`, []string{"model=base.model", "test=own.rows"}, `test is step.own.rows, and step "base" trains on step.parts.train`},
		"the same file":      {`{}`, []string{"model=base.model", "unseen=same.rows"}, `unseen is step.same.rows`},
		"another part of it": {`{}`, []string{"model=base.model", "test=other.rows"}, ""},
		"made again":         {`{}`, []string{"model=made.model", "test=again.train"}, `test is step.again.train, and step "made" trains on step.corpus.train`},
		"another output":     {`{}`, []string{"model=made.model", "test=again.test"}, ""},
		"made otherwise":     {`{}`, []string{"model=made.model", "test=more.train"}, ""},
		"recorded":           {`{"on_leak":"record"}`, []string{"model=export.model", "test=parts.train"}, ""},
	} {
		got, err := Problems(t.Context(), pipeline(t, c.config, c.inputs...))
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
