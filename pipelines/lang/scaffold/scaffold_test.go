package scaffold

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"testing/fstest"

	"rein/engine/record"
	"rein/pipelines/lang"
)

// base has the variables of the shipped one.
const base = `
variable "train" {
  type    = path
  default = ""
}
variable "pool" {
  type    = path
  default = ""
}
variable "test" {
  type    = path
  default = ""
}
variable "scale" { default = 1 }
variable "false_positives" { default = 1 }
variable "variations" { default = 1 }
variable "hard_negatives" { default = 1 }
variable "epochs" { default = 1 }
`

func load(t *testing.T, files []File, root string) map[string]record.Variable {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range files {
		fsys[f.Path] = &fstest.MapFile{Data: f.Text}
	}
	p, diags := lang.Load([]string{"."}, lang.Options{FS: fsys, Root: root, Dir: root, Env: []string{}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if len(p.Graph.Pipelines) != 1 {
		t.Fatalf("%d pipelines, want one: the base is none", len(p.Graph.Pipelines))
	}
	var m record.Meta
	if err := json.Unmarshal(p.Graph.Pipelines[0].Meta, &m); err != nil {
		t.Fatal(err)
	}
	return m.Variables
}

func TestStarterLoads(t *testing.T) {
	root := t.TempDir()
	files, err := Files(Options{Folder: root, Base: []byte(base)})
	if err != nil {
		t.Fatal(err)
	}
	vars := load(t, files, root)
	if string(vars["scale"].Value) != "0.05" || string(vars["train"].Value) != `""` {
		t.Errorf("without data the corpus is small: %v", vars)
	}
}

func TestStarterOnOwnData(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "pipelines")
	files, err := Files(Options{Name: "My \"first\" ${try}", Folder: folder, Train: Data{Path: filepath.Join(root, "data", "odd ${x}.csv")},
		Base: []byte(base)})
	if err != nil {
		t.Fatal(err)
	}
	if files[1].Path != "my-first-try.hcl" {
		t.Errorf("the file is %q", files[1].Path)
	}
	vars := load(t, files, folder)
	if got := string(vars["train"].Value); got != `"../data/odd ${x}.csv"` {
		t.Errorf("train is %s", got)
	}
	if string(vars["scale"].Value) != "1" {
		t.Errorf("with data there is no corpus to shrink: %v", vars["scale"])
	}
}

func TestNamesThatAreTaken(t *testing.T) {
	for _, n := range []string{"Reinforce", "???"} {
		if _, err := Files(Options{Name: n}); err == nil {
			t.Errorf("%q is taken as a name", n)
		}
	}
}
