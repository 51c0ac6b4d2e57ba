package lang

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/langtest"
)

// TestWrongFiles loads every archive of testdata/wrong and compares what is said about it, character by character.
// The comment of an archive may have lines `var NAME=VALUE`, `var-file NAME`, `env NAME=VALUE`, `load NAME...`
// (default main.hcl), `project NAME` and `width N`. Files of the archive are the only ones there are.
func TestWrongFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(files) < 80 {
		t.Fatalf("there are %d archives, want at least 80 (%v)", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := diagnose(t, a)
			if *langtest.Update {
				setFile(a, "want", got)
				if err := os.WriteFile(f, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(fileOf(a, "want")), got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("a sensitive value is shown")
			}
			if !strings.HasPrefix(got, "error: ") {
				t.Error("the archive is meant to be wrong, and nothing was said")
			}
		})
	}
}

func fileOf(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func setFile(a *txtar.Archive, name, text string) {
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data = []byte(text)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
}

// diagnose loads an archive as its comment says and renders the diagnostics.
func diagnose(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	o := testOptions(nil)
	o.FS = nil
	o.Overlay = map[string][]byte{}
	o.Dir = t.TempDir()
	for _, f := range a.Files {
		if f.Name != "want" {
			o.Overlay[f.Name] = f.Data
			if err := os.WriteFile(filepath.Join(o.Dir, f.Name), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	paths := []string{"main.hcl"}
	style := diag.Style{}
	for _, line := range strings.Split(string(a.Comment), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "var":
			o.Vars = append(o.Vars, rest)
		case "var-file":
			o.VarFiles = append(o.VarFiles, rest)
		case "env":
			o.Env = append(o.Env, rest)
		case "load":
			paths = strings.Fields(rest)
		case "project":
			o.Project = rest
		case "width":
			style.Width = 72
		}
	}
	p, diags := Load(paths, o)
	var b bytes.Buffer
	if err := diag.Write(&b, p.Sources, diags, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
