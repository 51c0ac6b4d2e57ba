package lang

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"rein/pipelines/lang/diag"
)

// seeds are all texts that are known: the strategies that ship and every wrong file.
func seeds(f *testing.F, add func(name string, text []byte)) {
	shipped(f, add)
	wrong, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(wrong) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, w := range wrong {
		a, err := txtar.ParseFile(w)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range a.Files {
			if x.Name != "want" {
				add(x.Name, x.Data)
			}
		}
	}
}

// FuzzLoad feeds the loader any text: it must come back, with diagnostics that can be shown.
func FuzzLoad(f *testing.F) {
	seeds(f, func(name string, text []byte) {
		if !isJSON(name) {
			f.Add(text, "n=3")
		}
	})
	base := "variable \"n\" { default = 1 }\nstep \"synthesize\" \"corpus\" {}\nstep \"augment\" \"a\" { rows = step.corpus.train }\n"
	f.Fuzz(func(t *testing.T, text []byte, setting string) {
		o := testOptions(map[string]string{"main.hcl": string(text), "base.hcl": base, "reinforce.hcl": base})
		o.Vars = []string{setting}
		p, diags := load([]string{"main.hcl"}, o)
		checkDiagnostics(t, p.Sources, diags)
		p.Complete("main.hcl", []byte(text), len(text)/2)
		p.Hover("main.hcl", len(text)/2)
		if !diags.HasErrors() {
			p.Pipelines[0].Resolve().HCL()
		}
		checkFormat(t, o, text, diags)
	})
}

// FuzzLoadJSON does the same for the JSON form.
func FuzzLoadJSON(f *testing.F) {
	seeds(f, func(name string, text []byte) {
		if isJSON(name) {
			f.Add(text)
		}
	})
	f.Fuzz(func(t *testing.T, text []byte) {
		p, diags := load([]string{"main.rein.json"}, testOptions(map[string]string{"main.rein.json": string(text)}))
		checkDiagnostics(t, p.Sources, diags)
	})
}

func checkDiagnostics(t *testing.T, sources map[string]*hcl.File, diags hcl.Diagnostics) {
	t.Helper()
	for _, d := range diag.Describe(sources, diags) {
		if d.Summary == "" {
			t.Errorf("a diagnostic without words: %+v", d)
		}
		if s := d.Snippet; s != nil && (s.HighlightStartOffset < 0 || s.HighlightEndOffset < s.HighlightStartOffset || s.HighlightEndOffset > len(s.Code)) {
			t.Errorf("%s: the highlight %d-%d is outside of %q", d.Summary, s.HighlightStartOffset, s.HighlightEndOffset, s.Code)
		}
	}
	if err := diag.Write(io.Discard, sources, diags, diag.Style{Color: true, Width: 60}); err != nil {
		t.Error(err)
	}
}

// checkFormat holds that a file that loads still does after formatting, and that formatting is stable.
func checkFormat(t *testing.T, o Options, text []byte, diags hcl.Diagnostics) {
	t.Helper()
	once, broken := Format("main.hcl", text)
	if broken.HasErrors() {
		return
	}
	twice, _ := Format("main.hcl", once)
	if !bytes.Equal(once, twice) {
		t.Errorf("formatting isn't stable:\n%q\n%q", once, twice)
	}
	if diags.HasErrors() {
		return
	}
	o.Overlay = map[string][]byte{"main.hcl": once}
	if _, after := load([]string{"main.hcl"}, o); after.HasErrors() {
		t.Errorf("a file that loads doesn't after formatting: %v", after)
	}
}

func TestNestingIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"main.hcl":       "locals {\n  a = " + strings.Repeat("[", 200_000),
		"b.hcl":          "locals {\n  a = " + strings.Repeat("!", 200_000) + "true\n}\n",
		"c.hcl":          "locals {\n  a = \"" + strings.Repeat("${\"", 100_000),
		"d.hcl":          "locals {\n  a = \"" + strings.Repeat("%{ if true }", 100_000) + "\"\n}\n",
		"e.hcl":          "locals {\n  a = 1" + strings.Repeat("+1", 200_000) + "\n}\n",
		"f.hcl":          "locals {\n  a = [1]" + strings.Repeat("[local.b]", 200_000) + "\n}\n",
		"main.rein.json": strings.Repeat("[", 200_000),
		"b.rein.json":    `{"locals":{"a":"` + strings.Repeat("${[", 50_000) + `"}}`,
		"c.rein.json":    `{"locals":{"a":"` + strings.Repeat("%{ if true }", 50_000) + `"}}`,
		"d.rein.json":    `{"locals":{"a":"${` + strings.Repeat("!", 200_000) + `true}"}}`,
		"e.rein.json":    `{"locals":{"a":"${` + strings.Repeat(`\"${`, 20_000) + `"}}`,
	} {
		_, diags := Load([]string{name}, testOptions(map[string]string{name: text}))
		if !diags.HasErrors() || diags[0].Summary != "File is too complex" {
			t.Errorf("%s: %v", name, diags)
		}
	}
	deep := "locals {\n  a = " + strings.Repeat("[", 900) + strings.Repeat("]", 900) + "\n}\n"
	if _, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": deep})); diags.HasErrors() {
		t.Error(diags)
	}
}
