package diag_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/langtest"
)

// load loads one file.
func load(text string) (*lang.Program, hcl.Diagnostics) {
	return lang.Load([]string{"main.hcl"}, lang.Options{Types: langtest.Types, FS: langtest.Files(map[string]string{"main.hcl": text}), Dir: "/project", Env: []string{}})
}

func TestDiagnosticsAsData(t *testing.T) {
	p, diags := load(`variable "n" { default = "x" }
step "synthesize" "corpus" {
  seed = var.n
  sed  = 1
}
`)
	js, err := json.MarshalIndent(diag.Describe(p.Sources, diags), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	langtest.Golden(t, "testdata/diagnostics.json", append(js, '\n'))
	if none, err := json.Marshal(diag.Describe(nil, nil)); err != nil || string(none) != "[]" {
		t.Errorf("no diagnostics are %s, %v", none, err)
	}
}

func TestDiagnosticsInColor(t *testing.T) {
	p, diags := load("step \"synthesize\" \"corpus\" {\n\tsed = 1\n}\n")
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
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWindowsLineEnds(t *testing.T) {
	text := "step \"synthesize\" \"corpus\" {\r\n  sed = 1\r\n}\r\n"
	p, diags := load(text)
	var b bytes.Buffer
	if err := diag.Write(&b, p.Sources, diags, diag.Style{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\r\uFFFD") || !strings.Contains(b.String(), "    2 |   sed = 1\n      |   ^^^\n") {
		t.Errorf("%q", b.String())
	}
	if _, diags := load(strings.ReplaceAll(text, "sed", "seed")); diags.HasErrors() {
		t.Error(diags)
	}
}

// A message stays readable, however long the line or the value that it is about.
func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("é", 320_000)
	for _, text := range []string{"locals {\n  a = [\"" + long + "\", tonumber(\"" + long + "\"), nothing]\n}\n",
		"step \"" + long + "\" \"x\" {}\n", "variable \"v\" {\n  type = number\n  default = \"" + long + "\"\n}\n", "locals {\n  a = \"" + long} {
		p, diags := load("pipeline \"p\" {}\n" + text)
		var b strings.Builder
		if err := diag.Write(&b, p.Sources, diags, diag.Style{}); err != nil || len(diags) == 0 {
			t.Fatalf("%d diagnostics, %v", len(diags), err)
		}
		if most := 40_000 * len(diags); b.Len() > most || !utf8.ValidString(b.String()) {
			t.Errorf("%d bytes for %d diagnostics", b.Len(), len(diags))
		}
	}
}

// What was probably meant is named where there is little doubt; else what there is, as far as a list can be read.
func TestSuggestions(t *testing.T) {
	names := []string{"variations", "coverage", "folds"}
	for given, want := range map[string]string{"variatons": "variations", "Coverage": "coverage", "fold": "folds", "seed": ""} {
		if got := diag.Nearest(given, names); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
	for given, want := range map[string]string{"variatons": ` Did you mean "variations"?`, "seed": " There are coverage, folds and variations."} {
		if got := diag.Suggest(given, "variables", names).Text; got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
	if got := diag.OrList(names); got != "variations, coverage or folds" {
		t.Error(got)
	}
	for noun, want := range map[string]string{"step": "a step", "argument": "an argument"} {
		if got := diag.Article(noun); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A value is shown as it would be written.
func TestValuesAreShownAsTheyAreWritten(t *testing.T) {
	for want, v := range map[string]cty.Value{`"a\nb"`: cty.StringVal("a\nb"), "3": cty.NumberIntVal(3), "true": cty.True, "null": cty.NullVal(cty.String),
		`["a", "b"]`: cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}), `{ n = 1 }`: cty.ObjectVal(map[string]cty.Value{"n": cty.NumberIntVal(1)})} {
		if got := diag.Literal(v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Numbers are written as math/big writes them, whether that was asked or not.
func TestNumbersAreWrittenAsTheyAre(t *testing.T) {
	var numbers []cty.Value
	for _, text := range []string{"0", "-0", "1", "-12", "1000000", "1234567890123", "12345678901234567890", "9223372036854775808", "1e30", "1e400",
		"0.95", "-0.95", "0.1", "0.000001", "1e-7", "1e-400", "2.5", "99.5", "1234.5678", "0.1234567890125", "0.12345678901234567890123", "4.35", "1e22"} {
		numbers = append(numbers, cty.MustParseNumberVal(text))
	}
	third := cty.NumberIntVal(1).Divide(cty.NumberIntVal(3))
	numbers = append(numbers, third, third.Multiply(cty.NumberIntVal(3)), cty.NumberFloatVal(0.95), cty.PositiveInfinity, cty.NegativeInfinity,
		cty.MustParseNumberVal("0.1").Add(cty.MustParseNumberVal("0.2")))
	for i := range 2000 {
		numbers = append(numbers, cty.MustParseNumberVal(fmt.Sprintf("%d.%0*d", i%7, 1+i%14, i*i*i)))
	}
	for _, n := range numbers {
		f := n.AsBigFloat()
		if got, want := diag.Decimal(f), f.Text('f', -1); got != want {
			t.Errorf("Decimal(%s) = %s", want, got)
		}
		if got, want := diag.Show(n), f.Text('g', 12); got != want {
			t.Errorf("Show(%s) = %s, want %s", f.Text('f', -1), got, want)
		}
	}
}
