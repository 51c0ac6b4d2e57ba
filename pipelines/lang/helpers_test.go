package lang

import (
	"testing"

	"github.com/hashicorp/hcl/v2"

	"rein/engine"
	"rein/pipelines/lang/langtest"
)

// testOptions load from memory, in an environment with nothing in it.
func testOptions(files map[string]string) Options {
	return Options{Types: langtest.Types, FS: langtest.Files(files), Dir: "/project", Env: []string{}}
}

// loadText loads one file, and fails on any mistake in it.
func loadText(t testing.TB, text string) *Program {
	t.Helper()
	p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": text}))
	noErrors(t, diags)
	return p
}

func noErrors(t testing.TB, diags hcl.Diagnostics) {
	t.Helper()
	for _, d := range diags {
		t.Errorf("%s", d)
	}
	if diags.HasErrors() {
		t.FailNow()
	}
}

func nodeNamed(t testing.TB, p *engine.Pipeline, name string) *engine.Node {
	t.Helper()
	for _, n := range p.Nodes {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("pipeline %s has no node %s", p.Name, name)
	return nil
}

// refsTo lists what feeds an input, as STEP.PORT or the text of a path.
func refsTo(n *engine.Node, port string) []string {
	var out []string
	for _, in := range n.Inputs {
		if in.Port != port {
			continue
		}
		for _, r := range in.Refs {
			if r.Node != nil {
				out = append(out, r.Node.Name+"."+r.Port)
			} else {
				out = append(out, string(r.Path.Kind)+" "+r.Path.Abs)
			}
		}
	}
	return out
}
