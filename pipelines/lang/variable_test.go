package lang

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVariablePrecedence(t *testing.T) {
	files := map[string]string{
		"base.hcl": "variable \"v\" {\n  default = \"default\"\n}\nstep \"exec\" \"e\" { command = [var.v] }\n",
		"main.hcl": "pipeline \"p\" { extends = \"base.hcl\" }\nset { v = \"set\" }\n",
	}
	value := func(adjust func(*Options)) any {
		return config(t, nodeNamed(t, loadFiles(t, files, adjust), "e"))["command"].([]any)[0]
	}
	overlay := map[string][]byte{"v.hcl": []byte("v = \"hcl file\"\n"), "v.json": []byte(`{"v": "json file"}`)}
	equal(t, "set", "set", value(nil))
	equal(t, "environment", "env", value(func(o *Options) { o.Env = []string{"REIN_VAR_v=env"} }))
	equal(t, "file", "hcl file", value(func(o *Options) {
		o.Env, o.Overlay, o.VarFiles = []string{"REIN_VAR_v=env"}, overlay, []string{"v.json", "v.hcl"}
	}))
	equal(t, "flag", "flag", value(func(o *Options) {
		o.Overlay, o.VarFiles, o.Vars = overlay, []string{"v.json"}, []string{"v=first", "v=flag"}
	}))
}

func TestTypedVariables(t *testing.T) {
	p := loadFiles(t, map[string]string{"main.hcl": `
variable "split" {
  type = object({ train = number, test = optional(number, 0.1), names = optional(list(string), []) })
  default = { train = 0.8 }
}
variable "n" { default = 3 }
variable "names" { type = list(string) }
step "exec" "e" {
  command = [tostring(var.split.train), tostring(var.split.test), tostring(var.n + 1), join("-", var.names)]
}`}, func(o *Options) { o.Vars = []string{"n=4", `names=["a", "b"]`} })
	equal(t, "values", []any{"0.8", "0.1", "5", "a-b"}, config(t, nodeNamed(t, p, "e"))["command"])
}

func TestSensitiveValuesReachTheOpMarked(t *testing.T) {
	p := loadFiles(t, map[string]string{"main.hcl": `
variable "key" { sensitive = true }
step "synthesize" "corpus" {}
step "augment" "a" {
  rows    = step.corpus.train
  api_key = "Bearer ${var.key}"
}
step "exec" "e" {
  command = ["true"]
  env     = { TOKEN = var.key, OTHER = "x" }
}`}, func(o *Options) { o.Env = []string{"REIN_VAR_key=hunter2"} })
	d, err := nodeNamed(t, p, "a").Op.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "sensitive", []string{"api_key"}, d.Sensitive)
	if d, _ = nodeNamed(t, p, "e").Op.Describe(t.Context()); !cmp.Equal(d.Sensitive, []string{"env.TOKEN"}) {
		t.Errorf("in a map: %v", d.Sensitive)
	}
	if strings.Contains(string(p.Meta), "hunter2") {
		t.Errorf("the record has the value: %s", p.Meta)
	}
}

func TestEnvIsReadOnceAndDefaults(t *testing.T) {
	p := loadFiles(t, map[string]string{"main.hcl": `step "exec" "e" { command = [env("A"), env("B", "none"), <<-EOT
  heredoc ${upper("x")}
EOT
] }`}, func(o *Options) { o.Env = []string{"A=1"} })
	equal(t, "command", []any{"1", "none", "heredoc X\n"}, config(t, nodeNamed(t, p, "e"))["command"])
}

func TestSensitivityIsPassedOn(t *testing.T) {
	p := loadFiles(t, map[string]string{"main.hcl": `
variable "key" { sensitive = true }
variable "made" {
  type    = object({ a = string, b = optional(string, "x") })
  default = { a = "${var.key}!" }
}
locals { more = { k = upper(var.made.a), plain = var.made.b } }
step "exec" "e" {
  command = ["true"]
  env     = local.more
}`}, func(o *Options) { o.Env = []string{"REIN_VAR_key=hunter2"} })
	d, err := p.Nodes[0].Op.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "sensitive", []string{"env.k"}, d.Sensitive)
	if strings.Contains(string(p.Meta), "hunter2") || !strings.Contains(string(p.Meta), `"made":{"from":"default main.hcl:5","sensitive":true}`) {
		t.Errorf("the record: %s", p.Meta)
	}
}
