package lang

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// genPipeline writes a base and a strategy that overrides some of it, all valid.
func genPipeline(t *rapid.T) map[string]string {
	var base, leaf strings.Builder
	leaf.WriteString("pipeline \"p\" {\n  extends = \"base.hcl\"\n}\n")
	flip := func(what string) bool { return rapid.Bool().Draw(t, what) }
	number := func(what string) int { return rapid.IntRange(1, 99).Draw(t, what) }
	for i := range 3 {
		fmt.Fprintf(&base, "variable \"v%d\" {\n  type = number\n  default = %d\n}\n", i, number("default"))
		if flip("set") {
			fmt.Fprintf(&leaf, "set {\n  v%d = %d\n}\n", i, number("set"))
		}
	}
	value := func() string {
		return rapid.SampledFrom([]string{"3", "var.v0", "var.v1 + 1", "local.n * 2", "length([1, var.v2])", "var.v0 > 50 ? 1 : 2"}).Draw(t, "value")
	}
	base.WriteString("locals {\n  n = var.v0 + var.v1\n}\nstep \"synthesize\" \"corpus\" {\n  seed = " + value() + "\n}\n")
	ports := []string{"step.corpus.train", "step.corpus.pool"}
	port := func() string { return rapid.SampledFrom(ports).Draw(t, "port") }
	for i := range rapid.IntRange(1, 6).Draw(t, "steps") {
		name := fmt.Sprint("s", i)
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			fmt.Fprintf(&base, "step \"augment\" %q {\n  rows = %s\n  variations = %s\n}\n", name, port(), value())
			if flip("override") {
				fmt.Fprintf(&leaf, "step \"augment\" %q {\n  seed = %s\n  avoid = [%s]\n}\n", name, value(), "step.corpus.test")
			}
			ports = append(ports, "step."+name+".rows")
		case 1:
			fmt.Fprintf(&base, "step \"merge\" %q {\n  base = %s\n  add = [%s, %s]\n}\n", name, port(), port(), port())
			if flip("override") {
				fmt.Fprintf(&leaf, "step \"merge\" %q {\n  add = [%s]\n}\n", name, "step.corpus.unseen")
			}
			ports = append(ports, "step."+name+".rows")
		case 2:
			keys := rapid.SampledFrom([]string{`["a", "b"]`, `{ x = 1, y = 2 }`, `toset(["k"])`}).Draw(t, "keys")
			fmt.Fprintf(&base, "step \"augment\" %q {\n  for_each = %s\n  rows = %s\n  size = strlen(each.key) + %s\n}\n", name, keys, port(), value())
			fmt.Fprintf(&base, "step \"merge\" \"all_%s\" {\n  base = %s\n  add = step.%s[*].rows\n}\n", name, port(), name)
		}
	}
	return map[string]string{"main.hcl": leaf.String(), "base.hcl": base.String()}
}

// TestAnyPipelineIsItsResolvedText: what a pipeline is after inheritance, written down, is that pipeline.
func TestAnyPipelineIsItsResolvedText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := genPipeline(rt)
		p, diags := load([]string{"main.hcl"}, testOptions(files))
		if diags.HasErrors() {
			rt.Fatalf("%v\n%s\n%s", diags, files["base.hcl"], files["main.hcl"])
		}
		text := p.Pipelines[0].Resolve().HCL()
		again, diags := load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": string(text)}))
		if diags.HasErrors() {
			rt.Fatalf("%v\n%s", diags, text)
		}
		if d := cmp.Diff(graphText(t, p.Graph.Pipelines[0]), graphText(t, again.Graph.Pipelines[0])); d != "" {
			rt.Fatalf("%s\n%s", d, text)
		}
	})
}

// TestOrderAndLayoutDontMatter: blocks in any order, formatted or not, make the same nodes.
func TestOrderAndLayoutDontMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := genPipeline(rt)
		p, diags := load([]string{"main.hcl"}, testOptions(files))
		if diags.HasErrors() {
			rt.Fatal(diags)
		}
		blocks := strings.SplitAfter(files["base.hcl"], "\n}\n")
		shuffled := rapid.Permutation(blocks).Draw(rt, "order")
		text, _ := Format("base.hcl", []byte("# a comment\n"+strings.Join(shuffled, "\n\n")))
		files["base.hcl"] = string(text)
		q, diags := load([]string{"main.hcl"}, testOptions(files))
		if diags.HasErrors() {
			rt.Fatal(diags)
		}
		if d := cmp.Diff(sortedNodes(graphText(t, p.Graph.Pipelines[0])), sortedNodes(graphText(t, q.Graph.Pipelines[0]))); d != "" {
			rt.Fatal(d)
		}
	})
}

func sortedNodes(text string) []string {
	nodes := strings.Split(strings.ReplaceAll(text, "\n  ", "\t"), "\n")
	slices.Sort(nodes)
	return nodes
}
