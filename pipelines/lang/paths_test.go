package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/pipelines/lang/diag"
)

func TestCheckPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"prompts.csv", "more.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("text\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := testOptions(map[string]string{"main.hcl": `
variable "train" { type = path }
variable "off" { default = false }
step "dataset" "good" { data = "prompts.csv" }
step "dataset" "all" { data = glob("*.parquet") }
step "dataset" "unneeded" {
  when = var.off
  data = "nowhere.csv"
}
step "dataset" "typo" { data = "promts.csv" }
step "dataset" "given" { data = var.train }
step "dataset" "folder" { data = file(".") }
step "dataset" "file" { data = dir("more.csv") }
`})
	o.Dir = dir
	o.Vars = []string{"train=a/b/c.csv"}
	p, diags := Load([]string{"main.hcl"}, o)
	noErrors(t, diags)
	var got []string
	for _, d := range diag.Describe(p.Sources, p.CheckPaths()) {
		got = append(got, strings.ReplaceAll(d.Snippet.Context+": "+d.Summary+": "+d.Detail, dir, "DIR"))
	}
	const rule = " Relative paths count from the folder of the file in which they are written, those of --var from the working folder. Or give a list."
	equal(t, "diagnostics", []string{
		`step "dataset" "typo": There is no such file: promts.csv (DIR/promts.csv) is not there. Did you mean "prompts.csv"?` + rule,
		`step "dataset" "given": There is no such file: a/b/c.csv (DIR/a/b/c.csv) is not there. Of its folders, DIR is the last that is there.` + rule,
		`step "dataset" "folder": Wrong kind of path: . (DIR) is a folder; write dir(...) for it.`,
		`step "dataset" "file": Wrong kind of path: more.csv (DIR/more.csv) is a file; write file(...) for it.`,
	}, got)
}
