package lang

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/langtest"
)

func TestOverridingAVariableKeepsItsRules(t *testing.T) {
	files := map[string]string{
		"base.hcl": `
variable "n" {
  type    = number
  default = 1
  validation {
    condition     = var.n > 0
    error_message = "Not positive."
  }
}
step "synthesize" "corpus" { seed = var.n }
`,
		"main.hcl": `
pipeline "p" { extends = "base.hcl" }
variable "n" {
  default = "7"
  validation {
    condition     = var.n < 10
    error_message = "Too big."
  }
}
`}
	equal(t, "converted by the base's type", 7.0, config(t, nodeNamed(t, loadFiles(t, files, nil), "corpus"))["seed"])
	for value, want := range map[string]string{"-1": "Not positive.", "11": "Too big."} {
		o := testOptions(files)
		o.Vars = []string{"n=" + value}
		_, diags := Load([]string{"main.hcl"}, o)
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s: %v, want %q", value, diags, want)
		}
	}
}

// An expectation overrides the base's of the same figure, whichever of its names either has: null takes it back.
func TestOverridingAnExpectationByAnotherName(t *testing.T) {
	p := loadFiles(t, map[string]string{
		"base.hcl": "expect { tp_rate = 0.9 }\ncompare {\n  target { tp_rate = 0.9 }\n}\n",
		"main.hcl": "pipeline \"p\" { extends = \"base.hcl\" }\nexpect { recall = null }\ncompare {\n  target { recall = null }\n}\n"}, nil)
	var m record.Meta
	if err := json.Unmarshal(p.Meta, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Expect) > 0 || len(m.Targets) > 0 {
		t.Errorf("expected are %v, targets %v", m.Expect, m.Targets)
	}
}

func TestOverridingBlocks(t *testing.T) {
	p := loadFiles(t, map[string]string{
		"base.hcl": `
step "exec" "e" {
  command = ["true"]
  mount { path = "a" }
  mount { path = "b" }
}
step "exec" "kept" {
  command = ["true"]
  mount { path = "a" }
}
compare {
  result = step.e
  target {
    fp_rate = { at_most = 0.01 }
    tp_rate = { at_least = 0.9 }
  }
}
`,
		"main.hcl": `
pipeline "p" { extends = "base.hcl" }
step "exec" "e" {
  mount {
    path = "c"
    mode = "rw"
  }
}
compare {
  target { fp_rate = { at_most = 0.02 } }
}
`}, nil)
	equal(t, "repeated blocks are replaced", []any{map[string]any{"path": "c", "mode": "rw"}}, config(t, nodeNamed(t, p, "e"))["mount"])
	equal(t, "others are kept", []any{map[string]any{"path": "a", "mode": "ro"}}, config(t, nodeNamed(t, p, "kept"))["mount"])
	for _, want := range []string{`"at_most":0.02`, `"at_least":0.9`, `"result":"e"`} {
		if !strings.Contains(string(p.Meta), want) {
			t.Errorf("targets are merged by metric: no %s in %s", want, p.Meta)
		}
	}
}

func TestTargetAsAnArgument(t *testing.T) {
	p := loadFiles(t, map[string]string{
		"base.hcl": "step \"exec\" \"e\" { command = [\"true\"] }\ncompare {\n  target { tp_rate = 1 }\n}\n",
		"main.hcl": "pipeline \"p\" { extends = \"base.hcl\" }\ncompare { target = { \"fp_rate\" = { at_most = 0.5 } } }\n"}, nil)
	if s := string(p.Meta); !strings.Contains(s, `"at_most":0.5`) || strings.Contains(s, "tp_rate") {
		t.Errorf("an argument replaces the block: %s", s)
	}
}

func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("lib/base.hcl", "step \"dataset\" \"d\" { data = \"rows.csv\" }\n")
	main := write("p/a.hcl", "pipeline \"a\" { extends = \"../lib/base.hcl\" }\n")
	write("p/b.rein.json", `{"pipeline": {"b": {"extends": "../lib/base.hcl"}}}`)
	write("p/data.json", `{"not": "a pipeline"}`)
	write("p/.hidden.hcl", "broken {")
	write("p/backup.hcl~", "broken {")
	o := Options{Types: langtest.Types, Dir: dir, Env: []string{}}
	for _, paths := range [][]string{{"p"}, {"p/a.hcl", "p/b.rein.json"}, {filepath.Join(dir, "p")}} {
		p, diags := Load(paths, o)
		noErrors(t, diags)
		equal(t, "pipelines", 2, len(p.Graph.Pipelines))
		equal(t, "data", []string{"path " + filepath.Join(dir, "lib", "rows.csv")}, refsTo(p.Graph.Pipelines[0].Nodes[0], "data"))
	}
	p, diags := Load([]string{main}, Options{Types: langtest.Types}) // the working folder is the process's
	noErrors(t, diags)
	equal(t, "name", "a", p.Graph.Pipelines[0].Name)
	if err := os.Chmod(main, 0); err == nil && os.Geteuid() != 0 {
		if _, diags := Load([]string{main}, o); !diags.HasErrors() {
			t.Error("an unreadable file was read")
		}
	}
	_, diags = Load([]string{"nowhere"}, o)
	equal(t, "a missing path", "nowhere: there is no such file.", diags[0].Detail)
}

func TestPipelineFileNames(t *testing.T) {
	for name, want := range map[string]bool{"a.hcl": true, "x/a.rein.json": true, "a.hcl.json": true, "a.json": false, ".a.hcl": false, "a.hcl~": false, "a.tf": false} {
		equal(t, name, want, IsPipelineFile(name))
	}
}

func TestConditionalsChooseSteps(t *testing.T) {
	text := `
variable "own" { default = false }
variable "none" { default = true }
step "synthesize" "corpus" { when = !var.own }
step "dataset" "own" {
  when = var.own
  data = "own.csv"
}
locals { rows = var.own ? step.own.rows : step.corpus.train }
step "augment" "a" {
  rows  = local.rows
  avoid = var.own ? [] : [local.rows, step.corpus.test]
}
step "train-gpu" "m" {
  rows       = local.rows
  validation = local.rows
  init       = var.none ? null : step.other.model
}
step "train-gpu" "other" {
  rows       = local.rows
  validation = local.rows
}
step "augment" "fallback" { rows = try(step.own.rows, step.corpus.train) }
`
	o := testOptions(map[string]string{"main.hcl": strings.Replace(text, "step \"augment\" \"fallback\" { rows = try(step.own.rows, step.corpus.train) }\n", "", 1)})
	for _, own := range []string{"false", "true"} {
		o.Vars = []string{"own=" + own}
		p, diags := Load([]string{"main.hcl"}, o)
		noErrors(t, diags)
		pl := p.Graph.Pipelines[0]
		want, avoid := []string{"corpus.train"}, []string{"corpus.train", "corpus.test"}
		if own == "true" {
			want, avoid = []string{"own.rows"}, nil
		}
		equal(t, "rows", want, refsTo(nodeNamed(t, pl, "a"), "rows"))
		equal(t, "avoid", avoid, refsTo(nodeNamed(t, pl, "a"), "avoid"))
		equal(t, "init", []string(nil), refsTo(nodeNamed(t, pl, "m"), "init"))
	}
	// try takes the first that has a value, needed or not: then the mistake is named.
	_, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": text}))
	if len(diags) != 1 || diags[0].Summary != "Step is not needed" {
		t.Errorf("%v", diags)
	}
}

func TestSameStepThroughEveryPath(t *testing.T) {
	p := loadText(t, `
step "synthesize" "corpus" {}
locals {
  all    = { train = step.corpus.train, test = step.corpus.test }
  listed = [for k, v in local.all : v]
}
step "merge" "m" {
  base = local.all["train"]
  add  = [for v in local.listed : v]
}
step "exec" "e" {
  command = ["cat"]
  inputs  = merge(local.all, { dir = dir("x"), both = [step.m.rows, file("y")] })
  outputs = ["o"]
}
step "exec" "f" {
  command = ["cat"]
  inputs  = { in = step.e.o }
}`).Graph.Pipelines[0]
	m, e := nodeNamed(t, p, "m"), nodeNamed(t, p, "e")
	equal(t, "base", []string{"corpus.train"}, refsTo(m, "base"))
	equal(t, "add", []string{"corpus.test", "corpus.train"}, refsTo(m, "add"))
	equal(t, "both", []string{"m.rows", "file /project/y"}, refsTo(e, "both"))
	equal(t, "dir", []string{"dir /project/x"}, refsTo(e, "dir"))
	equal(t, "in", []string{"e.o"}, refsTo(nodeNamed(t, p, "f"), "in"))
	equal(t, "kind", engine.Port{Name: "o", Kind: "file"}, e.Ports[0])
}

func TestForEachOverAStep(t *testing.T) {
	p := loadText(t, `
step "dataset" "source" {
  for_each = ["mail", "chat"]
  data     = "${each.key}.csv"
}
step "augment" "varied" {
  for_each = step.source
  rows     = each.value.rows
}
step "merge" "all" {
  base = step.varied["mail"].rows
  add  = [for k, v in step.varied : v.rows]
}`).Graph.Pipelines[0]
	equal(t, "rows", []string{`source["chat"].rows`}, refsTo(nodeNamed(t, p, `varied["chat"]`), "rows"))
	equal(t, "for over a step", []string{`varied["chat"].rows`, `varied["mail"].rows`}, refsTo(nodeNamed(t, p, "all"), "add"))
}

func TestMisspeltMetricIsAWarning(t *testing.T) {
	p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": "expect {\n  fp_rates = 1\n  my_own_thing = 2\n}\n"}))
	if diags.HasErrors() || len(diags) != 1 {
		t.Fatalf("%v", diags)
	}
	if d := diag.Describe(p.Sources, diags)[0]; d.Severity != "warning" || !strings.Contains(d.Detail, `Did you mean "fp_rate"?`) {
		t.Errorf("%+v", d)
	}
}

// A figure has several names and one of them is canonical; a promise on what nothing measures would never be kept.
func TestMetricsByTheirOtherNames(t *testing.T) {
	load := func(text string) (*Program, hcl.Diagnostics) {
		return Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": text}))
	}
	step := "step \"synthesize\" \"corpus\" {}\n"
	p, diags := load(step + "expect {\n  recall = 0.9\n}\ncompare {\n  target = { \"FP rate\" = { at_most = 0.01 } }\n}\n")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if m := string(p.Graph.Pipelines[0].Meta); !strings.Contains(m, `"expect":{"tp_rate"`) || !strings.Contains(m, `"targets":{"fp_rate"`) {
		t.Errorf("%s", m)
	}
	if _, diags = load(step + "expect {\n  fp_rates = 0.01\n}\n"); !diags.HasErrors() || !strings.Contains(diags.Error(), `Did you mean "fp_rate"?`) {
		t.Errorf("nothing measures it, and no program of the user's could: %v", diags)
	}
	p, diags = load("step \"exec\" \"x\" {\n  command = [\"true\"]\n  outputs = []\n  assert {\n    condition     = metric.recall > 0.9\n    error_message = \"recall is ${metric.recall}\"\n  }\n}\n")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	check := p.Graph.Pipelines[0].Nodes[0].Checks[0]
	if err := check.Test(map[string]float64{"tp_rate": 0.95}); err != nil {
		t.Error(err)
	}
	if err := check.Test(map[string]float64{"tp_rate": 0.5}); err == nil || !strings.Contains(err.Error(), "recall is 0.5") {
		t.Errorf("%v", err)
	}
}
