package lang

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rein/pipelines/lang/diag"
)

func indexOf(t interface{ Fatal(...any) }, files map[string]string) *Index {
	x, err := NewIndex(slices.Sorted(maps.Keys(files)), testOptions(files))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// withEdits applies edits, and checks that each replaces the name that it is about.
func withEdits(t interface{ Fatalf(string, ...any) }, files map[string]string, name string, edits []diag.Edit) map[string]string {
	out := maps.Clone(files)
	slices.SortFunc(edits, func(a, b diag.Edit) int { return b.Range.Start.Byte - a.Range.Start.Byte })
	for _, e := range edits {
		text := out[e.Range.Filename]
		if got := text[e.Range.Start.Byte:e.Range.End.Byte]; got != name {
			t.Fatalf("an edit of %q in %s replaces %q", name, e.Range.Filename, got)
		}
		out[e.Range.Filename] = text[:e.Range.Start.Byte] + e.Text + text[e.Range.End.Byte:]
	}
	return out
}

func linesOf(list []diag.Range) []string {
	var out []string
	for _, r := range list {
		out = append(out, strings.Join([]string{r.Filename, ":", string(rune('0' + r.Start.Line))}, ""))
	}
	return out
}

func TestIndexFindsNamesAcrossFiles(t *testing.T) {
	files := map[string]string{
		"base.hcl":  "variable \"size\" {\n default = 1\n}\nstep \"synthesize\" \"corpus\" {\n  scale = var.size\n}\n",
		"one.hcl":   "pipeline \"one\" {\n  extends = \"base.hcl\"\n}\nset {\n  size = 2\n}\nstep \"merge\" \"own\" { base = step.corpus.train }\n",
		"two.hcl":   "pipeline \"two\" {\n  extends = \"base.hcl\"\n}\nstep \"synthesize\" \"corpus\" {\n  scale = 3\n}\nstep \"merge\" \"own\" { base = step[\"corpus\"].pool }\n",
		"three.hcl": "pipeline \"three\" {}\nstep \"synthesize\" \"corpus\" {}\n",
	}
	x := indexOf(t, files)
	n := x.Named("one.hcl", strings.Index(files["one.hcl"], "corpus"))
	equal(t, "kind", "step", n.Kind)
	equal(t, "declared", "base.hcl:4 two.hcl:4", strings.Join(linesOf(n.Defs), " "))
	equal(t, "used", "one.hcl:7 two.hcl:7", strings.Join(linesOf(n.Refs), " "))
	n = x.Named("base.hcl", strings.Index(files["base.hcl"], "var.size")+5)
	equal(t, "uses of the variable", "base.hcl:5 one.hcl:5", strings.Join(linesOf(n.Refs), " "))
	n = x.Named("one.hcl", strings.Index(files["one.hcl"], "own"))
	equal(t, "each strategy's own step", "one.hcl:7", strings.Join(linesOf(n.Defs), " "))
	equal(t, "the base", "base.hcl:1", strings.Join(linesOf(x.Definition("one.hcl", strings.Index(files["one.hcl"], "base.hcl")+1)), " "))
	equal(t, "pipelines of the base", "one.hcl two.hcl", strings.Join(x.Pipelines("base.hcl"), " "))
	equal(t, "pipelines of a strategy", "two.hcl", strings.Join(x.Pipelines("two.hcl"), " "))
	if n := x.Named("one.hcl", 2); n != nil {
		t.Errorf("a keyword is %+v", n)
	}
}

func TestRenameRefusals(t *testing.T) {
	files := map[string]string{
		"base.hcl":    "variable \"a\" {\n default = 1\n}\nlocals {\n  n = var.a\n}\n",
		"leaf.hcl":    "pipeline \"p\" {\n  extends = \"base.hcl\"\n}\nvariable \"b\" {\n  default = var.undeclared\n}\n",
		"broken.hcl":  "pipeline \"q\" {}\nvariable \"c\" {\n  default = \n}\nlocals { n = var.c }\n",
		"j.rein.json": `{"pipeline": {"j": {}}, "variable": {"d": {"default": 1}}, "locals": {"x": "${var.d}"}, "step": {"augment": {"s": {"size": "\"${var.d}"}}}}`,
	}
	x := indexOf(t, files)
	for _, c := range []struct{ file, at, to, want string }{
		{"leaf.hcl", "b\"", "a", "var.a is named at base.hcl:1 already"},
		{"base.hcl", "a\"", "b", "var.b is named at leaf.hcl:4 already"},
		{"base.hcl", "a\"", "2x", "can't be a name"},
		{"leaf.hcl", "undeclared", "x", "is not declared"},
		{"broken.hcl", "c\"", "x", "syntax error"},
		{"leaf.hcl", "pipeline", "x", "only steps, variables and local values"},
		{"j.rein.json", "d\"", "x", "with escapes at j.rein.json:1"},
	} {
		_, err := x.Rename(c.file, strings.Index(files[c.file], c.at), c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in %s to %s: %v, want %q", c.at, c.file, c.to, err, c.want)
		}
	}
	edits, err := x.Rename("base.hcl", strings.Index(files["base.hcl"], "a\""), "a")
	if err != nil || len(edits) != 2 {
		t.Errorf("to the same name: %v, %v", edits, err)
	}
}

func TestRenameInJSON(t *testing.T) {
	files := map[string]string{
		"base.hcl":    "variable \"d\" {\n default = 1\n}\n",
		"j.rein.json": `{"pipeline": {"j": {"extends": "base.hcl"}}, "set": {"d": 2}, "step": {"synthesize": {"s": {"scale": "${var.d}"}}}}`,
	}
	edits, err := indexOf(t, files).Rename("base.hcl", strings.Index(files["base.hcl"], "d\""), "daily")
	if err != nil {
		t.Fatal(err)
	}
	got := withEdits(t, files, "d", edits)
	equal(t, "JSON", `{"pipeline": {"j": {"extends": "base.hcl"}}, "set": {"daily": 2}, "step": {"synthesize": {"s": {"scale": "${var.daily}"}}}}`, got["j.rein.json"])
}

// TestAnyRenameKeepsTheGraph renames anything anywhere in any project: it must load to the same graph, except the name
// of a step, and renaming back must give the old text.
func TestAnyRenameKeepsTheGraph(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := genPipeline(rt)
		files["other.hcl"] = "pipeline \"other\" {\n  extends = \"base.hcl\"\n}\n" +
			rapid.SampledFrom([]string{"", "set {\n  v1 = 4\n}\n", "locals {\n  n = var.v2\n}\n", "step \"synthesize\" \"corpus\" {\n  seed = local.n\n}\n"}).Draw(rt, "other")
		x := indexOf(rt, files)
		file := rapid.SampledFrom(slices.Sorted(maps.Keys(files))).Draw(rt, "file")
		mentions := x.of(file)
		if len(mentions) == 0 {
			return
		}
		m := rapid.SampledFrom(mentions).Draw(rt, "place")
		edits, err := x.Rename(file, m.rng.Start.Byte, "renamed")
		if err != nil {
			rt.Fatal(err)
		}
		after := withEdits(rt, files, m.name, edits)
		paths := []string{"main.hcl", "other.hcl"}
		was, diags := load(paths, testOptions(files))
		if diags.HasErrors() {
			rt.Fatal(diags)
		}
		is, diags := load(paths, testOptions(after))
		if diags.HasErrors() {
			rt.Fatalf("%s.%s: %v\n%s\n%s", m.root, m.name, diags, after["base.hcl"], after["main.hcl"])
		}
		for i := range was.Graph.Pipelines {
			for _, n := range was.Graph.Pipelines[i].Nodes {
				if m.root == "step" && (n.Name == m.name || strings.HasPrefix(n.Name, m.name+"[")) {
					n.Name = "renamed" + strings.TrimPrefix(n.Name, m.name)
				}
			}
			if d := cmp.Diff(graphText(t, was.Graph.Pipelines[i]), graphText(t, is.Graph.Pipelines[i])); d != "" {
				rt.Fatalf("%s.%s: %s", m.root, m.name, d)
			}
		}
		first := edits[len(edits)-1].Range // nothing before it moved
		back, err := indexOf(rt, after).Rename(first.Filename, first.Start.Byte, m.name)
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(files, withEdits(rt, after, "renamed", back)); d != "" {
			rt.Fatal(d)
		}
	})
}
