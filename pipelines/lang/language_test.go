package lang

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rein/engine"
)

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

// loadFiles loads main.hcl of several files, and fails on any mistake.
func loadFiles(t *testing.T, files map[string]string, adjust func(*Options)) *engine.Pipeline {
	t.Helper()
	o := testOptions(files)
	if adjust != nil {
		adjust(&o)
	}
	main := "main.hcl"
	if _, ok := files["main.rein.json"]; ok {
		main = "main.rein.json"
	}
	p, diags := Load([]string{main}, o)
	noErrors(t, diags)
	return p.Graph.Pipelines[0]
}

func TestInheritanceOverSeveralLevels(t *testing.T) {
	p := loadFiles(t, map[string]string{
		"lib/base.hcl": `
variable "n" { default = 1 }
locals { rows = step.corpus.train }
step "synthesize" "corpus" { seed = var.n }
step "dataset" "extra" { data = file("extra.csv") }
step "train-gpu" "model" {
  rows       = local.rows
  validation = step.corpus.validation
  epochs     = 3
  seed       = var.n
  model {
    kind    = "ngram"
    buckets = 16
  }
  assert {
    condition     = metric.epochs > 0
    error_message = "none"
  }
  resources { gpu = 1 }
}
expect { fp_rate = 0.1 }
`,
		"mid.hcl": `
pipeline "mid" {
  extends  = "lib/base.hcl"
  abstract = true
}
set { n = 2 }
locals { rows = step.more.rows }
step "merge" "more" {
  base = step.corpus.train
  add  = [step.extra.rows]
}
step "train-gpu" "model" {
  epochs = 4
  model { buckets = 32 }
}
expect { tp_rate = 0.9 }
`,
		"main.hcl": `
pipeline "leaf" { extends = "mid.hcl" }
set { n = 7 }
step "dataset" "extra" { disabled = true }
step "merge" "more" { add = null }
step "train-gpu" "model" {
  seed = 5
  assert {
    condition     = metric.epochs < 9
    error_message = "many"
  }
  resources { cpus = 2 }
}
expect { fp_rate = { at_most = 0.05, by = ["language", "role"] } }
`}, nil)
	m := nodeNamed(t, p, "model")
	equal(t, "rows", []string{"more.rows"}, refsTo(m, "rows"))
	equal(t, "add", []string(nil), refsTo(nodeNamed(t, p, "more"), "add"))
	c := config(t, m)
	equal(t, "config", map[string]any{"epochs": 4.0, "cross_fit": 0.0, "seed": 5.0, "device": "auto", "threshold_rule": "fp_rate", "fp_rate_confidence": 0.0, "threshold_for": "", "new_sources_share": 0.0, "threshold_folds": 0.0, "model": map[string]any{"kind": "ngram", "buckets": 32.0}}, c)
	equal(t, "seed of the corpus", 7.0, config(t, nodeNamed(t, p, "corpus"))["seed"])
	equal(t, "asserts", 2, len(m.Checks))
	equal(t, "resources", engine.Resources{GPU: 1, CPUs: 2}, m.Resources)
	equal(t, "nodes", 3, len(p.Nodes))
	for _, by := range []string{"fp_rate", "fp_rate_by_language", "fp_rate_by_role"} {
		if !strings.Contains(string(p.Meta), `"`+by+`":{"at_most":0.05`) {
			t.Errorf("no limit for %s: %s", by, p.Meta)
		}
	}
	if !strings.Contains(string(p.Meta), `"at_most":0.05`) || !strings.Contains(string(p.Meta), `"tp_rate"`) {
		t.Errorf("expectations are merged by metric: %s", p.Meta)
	}
}

func TestExpectAndPlanWhen(t *testing.T) {
	files := map[string]string{
		"base.hcl": "variable \"own\" { default = \"\" }\nlocals { built_in = var.own == \"\" }\n",
		"main.hcl": "pipeline \"p\" { extends = \"base.hcl\" }\nexpect {\n  when = local.built_in\n  fp_rate = 0.01\n}\nplan {\n  when = local.built_in\n  gpu_hours = 4\n}\n"}
	meta := func(vars ...string) string {
		o := testOptions(files)
		o.Vars = vars
		p, diags := Load([]string{"main.hcl"}, o)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return string(p.Graph.Pipelines[0].Meta)
	}
	if m := meta(); !strings.Contains(m, "fp_rate") || !strings.Contains(m, "gpu_hours") || strings.Contains(m, "when") {
		t.Errorf("when is true: %s", m)
	}
	if m := meta("own=rows.jsonl"); strings.Contains(m, "fp_rate") || strings.Contains(m, "gpu_hours") {
		t.Errorf("when is false: %s", m)
	}
	files["main.hcl"] = "pipeline \"p\" {}\nexpect {\n  when = \"sometimes\"\n  fp_rate = 0.01\n}\n"
	if _, diags := Load([]string{"main.hcl"}, testOptions(files)); !diags.HasErrors() || !strings.Contains(diags.Error(), "when is true or false") {
		t.Errorf("a when that is no truth value: %v", diags)
	}
}

func TestPathsAreRelativeToTheirFile(t *testing.T) {
	files := map[string]string{
		"lib/base.hcl": `
variable "a" {
  type    = path
  default = "a.csv"
}
variable "b" {
  type    = path
  default = "b.csv"
}
variable "all" {
  type    = list(path)
  default = ["x.csv", "/abs/y.csv"]
}
step "dataset" "a" { data = var.a }
step "dataset" "b" { data = var.b }
step "dataset" "c" { data = "c.csv" }
step "dataset" "d" { data = glob("d/*.csv") }
step "dataset" "e" { data = dir("../e") }
step "exec" "f" {
  command = ["true"]
  inputs  = { all = var.all }
}`,
		"main.hcl": `
pipeline "p" { extends = "lib/base.hcl" }
set { b = "own.csv" }
step "dataset" "c" { data = "c2.csv" }
`}
	p := loadFiles(t, files, func(o *Options) { o.Vars = []string{"a=given.csv"}; o.Root = "/repo" })
	for name, want := range map[string]string{"a": "path /project/given.csv", "b": "path /repo/own.csv", "c": "path /repo/c2.csv", "d": "glob /repo/lib/d/*.csv", "e": "dir /repo/e"} {
		equal(t, name, []string{want}, refsTo(nodeNamed(t, p, name), "data"))
	}
	equal(t, "f", []string{"path /repo/lib/x.csv", "path /abs/y.csv"}, refsTo(nodeNamed(t, p, "f"), "all"))
	if text := nodeNamed(t, p, "a").Inputs[0].Refs[0].Path.Text; text != "given.csv" {
		t.Errorf("the path as it was written is %q", text)
	}
	if !strings.Contains(string(p.Meta), `"given.csv"`) || strings.Contains(string(p.Meta), "/project") {
		t.Errorf("records have paths as they were written: %s", p.Meta)
	}
}

func TestForEach(t *testing.T) {
	p := loadFiles(t, map[string]string{"main.hcl": `
variable "sources" { default = { mail = "m.csv", chat = "c.csv" } }
step "dataset" "source" {
  for_each = var.sources
  data     = file(each.value)
}
step "augment" "varied" {
  for_each   = ["chat", "mail"]
  when       = each.key != "mail"
  rows       = step.source[each.key].rows
  variations = strlen(each.value)
}
step "merge" "all" {
  base = step.source["mail"].rows
  add  = concat(step.source[*].rows, [step.varied["chat"].rows])
}
step "exec" "list" {
  command    = ["true"]
  inputs     = { for k in keys(var.sources) : k => step.source[k].rows }
  outputs    = ["out"]
  depends_on = [step.varied, step.source["chat"]]
}`}, nil)
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.Name)
	}
	equal(t, "names", []string{`source["chat"]`, `source["mail"]`, `varied["chat"]`, `varied["mail"]`, "all", "list"}, names)
	equal(t, "splat", []string{`source["chat"].rows`, `source["mail"].rows`, `varied["chat"].rows`}, refsTo(nodeNamed(t, p, "all"), "add"))
	list := nodeNamed(t, p, "list")
	equal(t, "chat", []string{`source["chat"].rows`}, refsTo(list, "chat"))
	equal(t, "dynamic ports", []engine.Port{{Name: "out", Kind: "file"}}, list.Ports)
	equal(t, "after", 2, len(list.After)) // varied["mail"] is not needed
	if !nodeNamed(t, p, `varied["mail"]`).NotNeeded {
		t.Error(`varied["mail"] is needed`)
	}
}

func TestSplatOverSingleStep(t *testing.T) {
	p := loadText(t, `
step "synthesize" "corpus" {}
step "merge" "m" {
  base = step.corpus.train
  add  = step.corpus[*].pool
}`).Graph.Pipelines[0]
	equal(t, "add", []string{"corpus.pool"}, refsTo(nodeNamed(t, p, "m"), "add"))
}

func TestJSONSyntaxIsTheSameLanguage(t *testing.T) {
	p := loadFiles(t, map[string]string{"main.rein.json": `{
  "//": "a comment",
  "pipeline": { "json": { "title": "From JSON" } },
  "variable": { "n": { "type": "number", "default": 2 } },
  "locals": { "rows": "${step.corpus.train}" },
  "step": {
    "synthesize": { "corpus": { "seed": "${var.n * 2}" } },
    "augment": { "a": {
      "rows": "${local.rows}", "avoid": ["${step.corpus.test}"], "variations": 3,
      "depends_on": ["step.corpus"], "resources": { "gpu": 1, "memory": "1GiB" }
    } }
  },
  "expect": { "fp_rate": { "at_most": 0.01 } },
  "compare": { "result": "step.a", "target": { "fp_rate": { "at_most": 0.02 } } },
  "output": { "o": { "value": "${step.a.rows}", "path": "out.parquet" } }
}`}, nil)
	equal(t, "title", "From JSON", p.Title)
	a := nodeNamed(t, p, "a")
	equal(t, "rows", []string{"corpus.train"}, refsTo(a, "rows"))
	equal(t, "avoid", []string{"corpus.test"}, refsTo(a, "avoid"))
	equal(t, "resources", engine.Resources{GPU: 1, Memory: 1 << 30}, a.Resources)
	equal(t, "after", 1, len(a.After))
	equal(t, "seed", 4.0, config(t, nodeNamed(t, p, "corpus"))["seed"])
	equal(t, "outputs", "/project/out.parquet", p.Outputs[0].Path)
	if !strings.Contains(string(p.Meta), `"result":"a"`) || !strings.Contains(string(p.Meta), `"at_most":0.02`) {
		t.Errorf("meta: %s", p.Meta)
	}
}

func TestMetaArguments(t *testing.T) {
	p := loadText(t, `
variable "big" { default = true }
step "synthesize" "corpus" {
  retries = 2
  timeout = "90s"
  resources {
    gpu    = var.big ? 1 : 0
    cpus   = 1.5
    memory = "1.5 GiB"
  }
}
step "synthesize" "other" { depends_on = [step.corpus] }
output "o" {
  value = step.other.train
  path  = "out/train"
}`).Graph.Pipelines[0]
	n := nodeNamed(t, p, "corpus")
	equal(t, "resources", engine.Resources{GPU: 1, CPUs: 1.5, Memory: 3 << 29}, n.Resources)
	equal(t, "retries", 2, n.Retries)
	equal(t, "timeout", 90*time.Second, n.Timeout)
	if after := nodeNamed(t, p, "other").After; len(after) != 1 || after[0] != n {
		t.Errorf("depends_on: %v", after)
	}
	equal(t, "output", "train", p.Outputs[0].Ref.Port)
	equal(t, "place of a node", "main.hcl:3", n.Pos)
}

func TestSeveralPipelinesShareABase(t *testing.T) {
	files := map[string]string{"base.hcl": "step \"synthesize\" \"corpus\" {\n  seed = var.n\n}\nvariable \"n\" { default = 1 }\n"}
	for _, n := range []string{"a", "b"} {
		files[n+".hcl"] = "pipeline \"" + n + "\" { extends = \"base.hcl\" }\nset { n = " + map[string]string{"a": "1", "b": "2"}[n] + " }\n"
	}
	files["old.hcl"] = "pipeline \"old\" { abstract = true }\n"
	p, diags := Load([]string{"."}, testOptions(files))
	noErrors(t, diags)
	equal(t, "pipelines", 2, len(p.Graph.Pipelines))
	equal(t, "a", 1.0, config(t, nodeNamed(t, p.Graph.Pipelines[0], "corpus"))["seed"])
	equal(t, "b", 2.0, config(t, nodeNamed(t, p.Graph.Pipelines[1], "corpus"))["seed"])
	equal(t, "files", []string{"a.hcl", "b.hcl", "base.hcl", "old.hcl"}, p.Files())
	p, diags = Load([]string{"old.hcl", "base.hcl", "old.hcl"}, testOptions(files)) // named, bases are loaded too
	noErrors(t, diags)
	equal(t, "named bases", []string{"old", "base"}, []string{p.Graph.Pipelines[0].Name, p.Graph.Pipelines[1].Name})
}

func TestAsserts(t *testing.T) {
	n := loadText(t, `
variable "most" { default = 0.65 }
step "synthesize" "corpus" {
  assert {
    condition     = metric.share <= var.most
    error_message = "Share is ${metric.share}, at most ${var.most}."
  }
}`).Graph.Pipelines[0].Nodes[0]
	test := n.Checks[0].Test
	if err := test(map[string]float64{"share": 0.5}); err != nil {
		t.Error(err)
	}
	for want, metrics := range map[string]map[string]float64{
		"assert at main.hcl:4: Share is 0.7, at most 0.65.":                                {"share": 0.7},
		"assert at main.hcl:4: the step has no metric \"share\". Did you mean \"shares\"?": {"shares": 0.7},
	} {
		err := test(metrics)
		if _, ok := err.(*engine.Verdict); !ok || err.Error() != want {
			t.Errorf("got %v, want the verdict %q", err, want)
		}
	}
}

func TestNullTakesAnOverrideBack(t *testing.T) {
	p := loadFiles(t, map[string]string{
		"base.hcl": "step \"dataset\" \"d\" {\n  for_each = [\"a\"]\n  data = \"x\"\n  timeout = \"1s\"\n  retries = 3\n}\nexpect { fp_rate = 1 }\n",
		"main.hcl": "pipeline \"p\" { extends = \"base.hcl\" }\nstep \"dataset\" \"d\" {\n  for_each = null\n  timeout = null\n  retries = null\n}\nexpect { fp_rate = null }\n"}, nil)
	n := nodeNamed(t, p, "d")
	equal(t, "timeout and retries", time.Duration(n.Retries), n.Timeout)
	if strings.Contains(string(p.Meta), "fp_rate") {
		t.Errorf("meta: %s", p.Meta)
	}
}

func TestOverlayReplacesAFile(t *testing.T) {
	o := testOptions(map[string]string{"main.hcl": "broken {"})
	o.Overlay = map[string][]byte{"main.hcl": []byte("step \"synthesize\" \"corpus\" {}\n")}
	p, diags := Load([]string{"main.hcl"}, o)
	noErrors(t, diags)
	equal(t, "nodes", 1, len(p.Graph.Pipelines[0].Nodes))
}
