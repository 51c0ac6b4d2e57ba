package lang

import (
	"context"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines"
)

func TestShippedPipelinesLoad(t *testing.T) {
	o := testOptions(nil)
	o.FS = pipelines.FS
	p, diags := Load([]string{"."}, o)
	noErrors(t, diags)
	var names []string
	for _, pl := range p.Graph.Pipelines {
		names = append(names, pl.Name)
	}
	if d := cmp.Diff([]string{"aggressive", "balanced", "conservative", "hybrid"}, names); d != "" {
		t.Error(d)
	}
	h := p.Graph.Pipelines[3]
	if d := cmp.Diff([]string{"variations.rows", "hard_negatives.rows", "attacks.rows"}, refsTo(nodeNamed(t, h, "dataset"), "add")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"corpus.train"}, refsTo(nodeNamed(t, h, "dataset"), "base")); d != "" {
		t.Error(d)
	}
	if !nodeNamed(t, h, "parts").NotNeeded || nodeNamed(t, h, "corpus").NotNeeded {
		t.Error("with the built-in corpus, split is not needed and synthesize is")
	}
	var meta record.Meta
	if err := json.Unmarshal(h.Meta, &meta); err != nil {
		t.Fatal(err)
	}
	if meta.Baseline != "baseline_test" || meta.Result != "test" || *meta.Targets["fp_rate"].AtMost != 0.01 {
		t.Errorf("compare block: %+v", meta)
	}
	if *meta.Expect["fp_rate"].Tolerance != 0.0015 || meta.Planned["gpu_hours"] != 10.0 {
		t.Errorf("expect and plan: %+v", meta)
	}
}

func TestShippedPipelinesLoadWithOwnData(t *testing.T) {
	o := testOptions(nil)
	o.FS = pipelines.FS
	o.Vars = []string{"train=data/mine"}
	p, diags := Load([]string{"."}, o)
	noErrors(t, diags)
	pl := p.Graph.Pipelines[0]
	if d := cmp.Diff([]string{"path /project/data/mine"}, refsTo(nodeNamed(t, pl, "own"), "data")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"parts.pool"}, refsTo(nodeNamed(t, pl, "false_positives"), "pool")); d != "" {
		t.Error(d)
	}
}

// config is the decoded configuration of a node's Op.
func config(t testing.TB, n *engine.Node) map[string]any {
	t.Helper()
	d, err := n.Op.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(d.Config, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPanicIsADiagnostic(t *testing.T) {
	o := testOptions(nil)
	o.FS = brokenFS{}
	_, diags := Load([]string{"main.hcl"}, o)
	if !diags.HasErrors() || diags[0].Summary != "Mistake in rein" {
		t.Errorf("%v", diags)
	}
}

// brokenFS stands for any mistake in a library.
type brokenFS struct{}

func (brokenFS) Open(string) (fs.File, error) { panic("broken") }
