package lang

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/engine"
	"rein/pipelines"
	"rein/pipelines/lang/langtest"
)

// graphText writes down all that two equal pipelines have in common.
func graphText(t *testing.T, p *engine.Pipeline) string {
	t.Helper()
	var b strings.Builder
	for _, n := range p.Nodes {
		fmt.Fprintf(&b, "%s %s needed=%v %+v retries=%d timeout=%v checks=%d after=%d\n", n.Type, n.Name, !n.NotNeeded, n.Resources, n.Retries, n.Timeout, len(n.Checks), len(n.After))
		for _, in := range n.Inputs {
			fmt.Fprintf(&b, "  %s <- %v\n", in.Port, refsTo(n, in.Port))
		}
		if n.Op != nil {
			js, err := json.Marshal(config(t, n))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "  %s\n", js)
		}
	}
	return b.String()
}

func TestResolvedHCLIsTheSamePipeline(t *testing.T) {
	o := testOptions(nil)
	o.FS = pipelines.FS
	p, diags := Load([]string{"hybrid.hcl"}, o)
	noErrors(t, diags)
	text := p.Pipelines[0].Resolve().HCL()
	again := loadText(t, string(text))
	if d := cmp.Diff(graphText(t, p.Graph.Pipelines[0]), graphText(t, again.Graph.Pipelines[0])); d != "" {
		t.Errorf("-resolved from files +from its own text\n%s\n%s", d, text)
	}
	for _, want := range []string{
		"default     = 2500 # set hybrid.hcl:",
		", overridden at hybrid.hcl:",
		"# not needed: `when` is false",
		"= local.validation # step.corpus.validation, reinforce.hcl:",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestResolvedGolden(t *testing.T) {
	o := testOptions(map[string]string{
		"base.hcl": `
variable "key" { sensitive = true }
variable "sizes" {
  type    = object({ train = number, test = optional(number, 1) })
  default = { train = 2 }
}
step "dataset" "source" {
  for_each = ["mail", "chat"]
  data     = "${each.key}.csv"
}
step "synthesize" "gone" {}
step "augment" "a" {
  rows       = step.source["mail"].rows
  variations = var.sizes.train * 2
  methods = {
    swap = 1
  }
  api_key = var.key
  assert {
    condition     = metric.rows > 0
    error_message = "None: ${metric.rows}."
  }
}
`,
		"main.hcl": `
pipeline "p" { extends = "base.hcl" }
step "synthesize" "gone" { disabled = true }
step "augment" "a" {
  avoid      = step.source[*].rows
  depends_on = [step.source]
}
output "rows" {
  value = step.a.rows
  path  = "out/${lower("X")}"
}
expect { fp_rate = { at_most = 0.01 } }
compare { result = step.a }
`})
	o.Env = []string{"REIN_VAR_key=hunter2"}
	p, diags := Load([]string{"main.hcl"}, o)
	noErrors(t, diags)
	r := p.Pipelines[0].Resolve()
	js, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	langtest.Golden(t, "testdata/resolved.hcl", r.HCL())
	langtest.Golden(t, "testdata/resolved.json", append(js, '\n'))
	if strings.Contains(string(r.HCL())+string(js), "hunter2") {
		t.Error("a sensitive value is shown")
	}
}

func TestResolvedFromJSON(t *testing.T) {
	o := testOptions(map[string]string{"a.rein.json": `{
  "locals": { "n": "${1 + 2}", "text": "n is ${local.n}", "list": [1, "x", { "a b": true }] },
  "step": { "synthesize": { "c": { "seed": "${local.n}" } } }
}`})
	p, diags := Load([]string{"a.rein.json"}, o)
	noErrors(t, diags)
	langtest.Golden(t, "testdata/resolved_json.hcl", p.Pipelines[0].Resolve().HCL())
}

func TestResolvedKeepsHeredocsAndTemplates(t *testing.T) {
	text := `
variable "words" { default = ["a", "$${b}"] }
locals {
  script = <<-EOT
    for %{for w in var.words}${w} %{endfor}
      indented "quotes" \n
  EOT
  plain = <<EOT
x
EOT
}
step "exec" "e" {
  command = [
    "sh", # the shell
    "-c",
    local.script,
    <<EOT
inline ${length(var.words)}
EOT
  ]
  env = {
    A = local.plain
    "B C" = "$${not} %%{this}"
  }
  outputs = ["o"]
}
output "o" {
  value = step.e.o
  path  = "${"out"}/x"
}
`
	p := loadText(t, text)
	resolved := p.Pipelines[0].Resolve().HCL()
	again := loadText(t, string(resolved))
	if d := cmp.Diff(graphText(t, p.Graph.Pipelines[0]), graphText(t, again.Graph.Pipelines[0])); d != "" {
		t.Errorf("%s\n%s", d, resolved)
	}
	twice := again.Pipelines[0].Resolve()
	equal(t, "outputs", 1, len(twice.Outputs))
}
