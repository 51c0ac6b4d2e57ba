package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// askedSections are the how-tos that ask the pipeline, in the order of the text. Their commands are run as they stand there.
var askedSections = []string{"Promote a champion, and never accept less", "Test a strategy", "Sweep a variable", "See a figure over the last commits", "Find the commit that made a figure worse"}

// howToProject is a small project with the names that the how-tos use. The FP rate is what the variables say.
const howToProject = `
-- go.mod --
module x
-- pipelines/reinforce.hcl --
variable "variations" {
  type    = number
  default = 2
}
variable "epochs" {
  type    = number
  default = 6
}
variable "folds" {
  type    = number
  default = 0
}
variable "seed" {
  type    = number
  default = 1
}
step "exec" "baseline" {
  command = ["sh", "-c", "echo baseline > \"$REIN_OUT_model\""]
  outputs = ["model"]
}
step "synthesize" "corpus" {
  scale = 0.01
}
step "sample" "sampled" {
  rows = step.corpus.pool
  size = 5
}
step "augment" "variations" {
  rows       = step.sampled.rows
  variations = var.variations
}
step "exec" "model" {
  command = ["sh", "-c", "cat \"$REIN_IN_base\" > \"$REIN_OUT_model\""]
  inputs  = { rows = step.variations.rows, base = step.baseline.model }
  outputs = ["model"]
}
step "exec" "part" {
  for_each = toset([for i in range(var.folds) : tostring(i)])
  command  = ["sh", "-c", "echo '{\"fp_rate\": 0.0${var.variations}}' > \"$REIN_METRICS\"; echo ${each.key} ${var.seed} ${var.epochs} > \"$REIN_OUT_o\""]
  inputs   = { rows = step.variations.rows }
  outputs  = ["o"]
}
step "exec" "test" {
  command    = ["sh", "-c", "echo '{\"fp_rate\": 0.0${var.variations}, \"tp_rate\": 0.9}' > \"$REIN_METRICS\"; echo ${var.seed} ${var.epochs}"]
  inputs     = { rows = step.variations.rows }
  depends_on = [step.part]
  outputs    = []
}
compare {
  result = step.test
  target { fp_rate = { at_most = 0.5 } }
}
-- pipelines/hybrid.hcl --
pipeline "hybrid" { extends = "reinforce.hcl" }
set {
  variations = 1
}
-- pipelines/balanced.hcl --
pipeline "balanced" { extends = "reinforce.hcl" }
set {
  variations = 1
}
`

func TestHowTosRun(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	text := readDoc(t, "docs/howto.md")
	// What the sections need to be there: two approved strategies and, between two revisions, a change for the worse.
	script := `exec sh -c 'git init -q -b main . && git config user.email a@example.org && git config user.name a && git add go.mod pipelines && git commit -q -m one && git tag v1.2'
exec sh -c 'rein run -q pipelines/balanced.hcl && rein promote pipelines/balanced.hcl'
`
	block := regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```")
	files, commands := "", 0
	for i, title := range askedSections {
		_, section, found := strings.Cut(text, "\n## "+title+"\n")
		if !found {
			t.Fatalf("there is no how-to %q", title)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		if i == len(askedSections)-1 {
			script += "exec sh -c 'sed s/variations.=.1/variations=3/ pipelines/hybrid.hcl > edited && mv edited pipelines/hybrid.hcl && git commit -qam worse'\n"
		}
		for _, m := range block.FindAllStringSubmatch(section, -1) {
			switch {
			case m[1] == "sh":
				for line := range strings.Lines(m[2]) {
					script += "exec sh -c '" + strings.TrimSpace(line) + "'\n"
					commands++
				}
			case strings.HasPrefix(m[2], "run "):
				files += "-- pipelines/hybrid.test.hcl --\n" + m[2]
			case strings.HasPrefix(m[2], "pipeline "):
				files += fmt.Sprintf("-- pipelines/extra%d.hcl --\n%s", i, m[2])
				script += fmt.Sprintf("exec rein compare -q pipelines/extra%d.hcl\n", i)
			}
		}
	}
	if commands < 15 || !strings.Contains(files, "run ") || !strings.Contains(files, "sweep {") {
		t.Fatalf("%d commands, and the files\n%s", commands, files)
	}
	script += "stdout 'variations makes the difference'\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "howto.txtar"), []byte(script+howToProject+files), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir})
}
