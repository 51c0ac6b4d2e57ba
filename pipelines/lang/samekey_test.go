package lang

import (
	"strings"
	"testing"

	"rein/engine"
)

// A chain that is written once runs once for each key, or once where the keys are null; locals go with the instance.
func TestSameKey(t *testing.T) {
	files := map[string]string{
		"base.hcl": `
variable "folds" { default = 0 }
locals {
  keys  = var.folds == 0 ? null : [for i in range(var.folds) : "f${i + 1}"]
  train = var.folds < 0 ? step.more.rows : local.inner
  inner = step.parts.train
}
step "synthesize" "corpus" {}
step "merge" "more" { base = step.corpus.train }
step "split" "parts" {
  for_each = local.keys
  rows     = step.corpus.train
  by       = each.key == null ? "row" : "source"
}
step "train-gpu" "model" {
  for_each   = local.keys
  rows       = local.train
  validation = step.parts.validation
}
step "merge" "all" {
  base = step.corpus.train
  add  = step.parts[*].pool
}
`,
		"main.hcl": `
pipeline "p" { extends = "base.hcl" }
step "train-gpu" "model" { epochs = 3 }
`}
	inputs := func(n *engine.Node) string {
		var out []string
		for _, in := range n.Inputs {
			for _, r := range in.Refs {
				out = append(out, in.Port+"="+r.Node.Name+"."+r.Port)
			}
		}
		return strings.Join(out, " ")
	}
	p := loadFiles(t, files, nil)
	equal(t, "without folds", "rows=parts.train validation=parts.validation", inputs(nodeNamed(t, p, "model")))
	equal(t, "without folds", "base=corpus.train add=parts.pool", inputs(nodeNamed(t, p, "all")))
	p = loadFiles(t, files, func(o *Options) { o.Vars = []string{"folds=2"} })
	for _, k := range []string{`["f1"]`, `["f2"]`} {
		equal(t, "fold "+k, "rows=parts"+k+".train validation=parts"+k+".validation", inputs(nodeNamed(t, p, "model"+k)))
	}
	equal(t, "all folds", `base=corpus.train add=parts["f1"].pool add=parts["f2"].pool`, inputs(nodeNamed(t, p, "all")))

	files["main.hcl"] += `
step "merge" "some" { base = local.train }
`
	o := testOptions(files)
	o.Vars = []string{"folds=2"}
	if _, diags := Load([]string{"main.hcl"}, o); len(diags) != 1 || !strings.Contains(diags[0].Detail, "step.parts has for_each") || !strings.Contains(diags[0].Detail, "for_each = step.parts") {
		t.Errorf("a step without for_each that uses one with it: %v", diags.Errs())
	}
}
