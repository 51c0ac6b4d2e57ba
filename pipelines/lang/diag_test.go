package lang

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"rein/pipelines"
	"rein/pipelines/lang/diag"
)

func TestDiagnosticsAsData(t *testing.T) {
	p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": `variable "n" { default = "x" }
step "synthesize" "corpus" {
  seed = var.n
  sed  = 1
}
`}))
	js, err := json.MarshalIndent(diag.Describe(p.Sources, diags), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/diagnostics.json", append(js, '\n'))
	if none, err := json.Marshal(diag.Describe(nil, nil)); err != nil || string(none) != "[]" {
		t.Errorf("no diagnostics are %s, %v", none, err)
	}
}

func TestDiagnosticsInColor(t *testing.T) {
	p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": "step \"synthesize\" \"corpus\" {\n\tsed = 1\n}\n"}))
	var b bytes.Buffer
	if err := diag.Write(&b, p.Sources, diags, diag.Style{Color: true, Width: 40}); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1m\x1b[31merror:\x1b[0m \x1b[1mUnknown argument\x1b[0m\n" +
		"  main.hcl:2:2, in step \"synthesize\" \"corpus\"\n" +
		"      \x1b[2m|\x1b[0m\n" +
		"  \x1b[2m  2 |\x1b[0m \tsed = 1\n" +
		"      \x1b[2m|\x1b[0m \t\x1b[31m^^^\x1b[0m\n" +
		"  There is no argument \"sed\" in a step\n  of type \"synthesize\". Did you mean\n  \"seed\"?\n"
	equal(t, "text", want, b.String())
}

func TestWindowsLineEnds(t *testing.T) {
	text := "step \"synthesize\" \"corpus\" {\r\n  sed = 1\r\n}\r\n"
	p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": text}))
	var b bytes.Buffer
	if err := diag.Write(&b, p.Sources, diags, diag.Style{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\r\uFFFD") || !strings.Contains(b.String(), "    2 |   sed = 1\n      |   ^^^\n") {
		t.Errorf("%q", b.String())
	}
	loadText(t, strings.ReplaceAll(text, "sed", "seed"))
}

func TestPanicIsADiagnostic(t *testing.T) {
	o := testOptions(nil)
	o.FS = brokenFS{}
	_, diags := Load([]string{"main.hcl"}, o)
	if !diags.HasErrors() || diags[0].Summary != "Mistake in rein" {
		t.Errorf("%v", diags)
	}
}

// brokenFS stands for any mistake in a library.
type brokenFS struct{}

func (brokenFS) Open(string) (fs.File, error) { panic("broken") }

// BenchmarkReload is what an editor pays after a keystroke in a strategy that ships.
func BenchmarkReload(b *testing.B) {
	o := testOptions(nil)
	o.FS = pipelines.FS
	text, err := fs.ReadFile(pipelines.FS, "hybrid.hcl")
	if err != nil {
		b.Fatal(err)
	}
	o.Overlay = map[string][]byte{"hybrid.hcl": append(text, '\n')}
	for b.Loop() {
		if _, diags := Load([]string{"hybrid.hcl"}, o); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}

// A message stays readable, however long the line or the value that it is about.
func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("é", 320_000)
	for _, text := range []string{"locals {\n  a = [\"" + long + "\", tonumber(\"" + long + "\"), nothing]\n}\n",
		"step \"" + long + "\" \"x\" {}\n", "variable \"v\" {\n  type = number\n  default = \"" + long + "\"\n}\n", "locals {\n  a = \"" + long} {
		p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": "pipeline \"p\" {}\n" + text}))
		var b strings.Builder
		if err := diag.Write(&b, p.Sources, diags, diag.Style{}); err != nil || len(diags) == 0 {
			t.Fatalf("%d diagnostics, %v", len(diags), err)
		}
		if most := 40_000 * len(diags); b.Len() > most || !utf8.ValidString(b.String()) {
			t.Errorf("%d bytes for %d diagnostics", b.Len(), len(diags))
		}
	}
}
