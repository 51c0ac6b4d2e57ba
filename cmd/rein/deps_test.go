package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// layers is the allowed import graph: a package may import the packages of ours that its first matching line lists
// (and whatever is below its own folder). Don't widen a line to mend a build: move the code.
var layers = []struct{ pkg, may string }{
	{`^cache/internal/.*$`, `^$`},
	{`^cache(/.*)?$`, `^cache(/.*)?$`},
	{`^engine/internal/dag$`, `^$`},
	{`^engine/record$`, `^cache$`},
	{`^engine(/.*)?$`, `^(cache|engine)(/.*)?$`},
	{`^steps/artifact(/.*)?$`, `^steps/artifact(/.*)?$`},
	{`^steps/stats$`, `^$`},
	{`^steps/metric$`, `^$`},
	{`^steps/explain$`, `^$`},
	{`^steps$`, `^(cache|engine|steps/artifact)$`},
	{`^steps/internal/.*$`, `^(cache|steps|steps/stats|steps/artifact|steps/internal/.*)$`},
	{`^steps/all$`, `^steps(/[a-z]+)?$`},
	{`^steps/[a-z]+(/.*)?$`, `^(cache|engine|steps|steps/stats|steps/explain|steps/artifact|steps/internal/.*)$`},
	{`^pipelines$`, `^$`},
	{`^pipelines/human$`, `^$`},
	{`^pipelines/compare$`, `^(cache|engine/record|steps/stats|steps/explain|steps/artifact)$`},
	{`^pipelines/compare/diff$`, `^(cache|engine/record|steps/stats|steps/artifact|pipelines/compare)$`},
	{`^pipelines/compare/comparetest$`, `^(cache|engine/record|steps/stats|steps/artifact)$`},
	{`^pipelines/compare/render/markup(/.*)?$`, `^pipelines/compare/render/markup$`},
	{`^pipelines/compare/render$`, `^(engine/record|steps/stats|steps/metric|pipelines/human|pipelines/compare(/diff)?)$`},
	{`^pipelines/lang/draw$`, `^(engine|pipelines/human)$`},
	{`^pipelines/lang(/.*)?$`, `^(cache|cache/flat|engine|engine/record|steps|steps/artifact|steps/metric|pipelines/lang(/.*)?)$`},
	{`^cmd/rein/internal/.*$`, `.*`},
	{`^cmd/rein$`, `.*`},
}

type listed struct {
	ImportPath string
	Imports    []string
	Doc        string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", "rein/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestLayers(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, "rein/")
		rule := ""
		for _, l := range layers {
			if regexp.MustCompile(l.pkg).MatchString(name) {
				rule = l.may
				break
			}
		}
		if rule == "" {
			t.Errorf("%s has no line in layers", name)
			continue
		}
		for _, imp := range p.Imports {
			imp, ours := strings.CutPrefix(imp, "rein/")
			if ours && !regexp.MustCompile(rule).MatchString(imp) && !strings.HasPrefix(imp, name+"/") {
				t.Errorf("%s imports %s, which its layer may not", name, imp)
			}
		}
	}
}

// The compiled pages are no larger than they need to be: what writes them is called, not put in the place of each call.
func TestPagesAreSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program")
	}
	program := filepath.Join(t.TempDir(), "rein")
	said(t, nil, "go", "build", "-o", program, "rein/cmd/rein")
	size := symbolSizes(t, program)
	for name, most := range map[string]float64{"rein/pipelines/compare/render": 420e3, "rein/cmd/rein/internal/ui": 170e3} {
		if n := size[name]; n == 0 || n > most {
			t.Errorf("%s has %.0f bytes, want at most %.0f", name, n, most)
		}
	}
}

// Nothing in the program calls methods by names that are made at run time, as text/template and html/template do: the linker would keep every
// exported method of every type, which is 7 MB. Pages are compiled ahead instead (package markup).
func TestNoMethodIsCalledByItsName(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program")
	}
	program := filepath.Join(t.TempDir(), "rein")
	for line := range strings.Lines(string(said(t, nil, "go", "build", "-o", program, "-ldflags=-dumpdep", "rein/cmd/rein"))) {
		if from, _, ok := strings.Cut(line, " <ReflectMethod>"); ok && !strings.Contains(from, " -> ") && !strings.HasPrefix(from, "reflect.") {
			t.Fatalf("%s calls methods by their names; what leads there: go build -ldflags=-dumpdep ./cmd/rein", from)
		}
	}
}

// Native libraries live behind one package each.
func TestNativeSeams(t *testing.T) {
	seams := map[string]string{
		"github.com/gomlx/":               "rein/steps/internal/mlx",
		"github.com/yalue/onnxruntime_go": "rein/steps/internal/ort",
		"github.com/dgraph-io/badger":     "rein/cache/internal/index",
		"github.com/hashicorp/hcl":        "rein/pipelines/lang",
		"github.com/spf13/cobra":          "rein/cmd/rein",
		"github.com/gomlx/compute-onnx":   "rein/steps/internal/mlx",
	}
	for _, p := range listPackages(t) {
		for _, imp := range p.Imports {
			for prefix, home := range seams {
				if imp == "github.com/gomlx/go-huggingface/hub" {
					continue // downloads files; nothing native in it
				}
				if strings.HasPrefix(imp, prefix) && !strings.HasPrefix(p.ImportPath, home) && !strings.HasPrefix(p.ImportPath, "rein/cmd/") {
					t.Errorf("%s imports %s: only %s may", p.ImportPath, imp, home)
				}
			}
		}
	}
}
