package manual_test

import (
	"encoding/json"
	"strings"
	"testing"

	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/langtest"
	"rein/pipelines/lang/manual"
)

func TestReferenceGolden(t *testing.T) {
	langtest.Golden(t, "testdata/reference.md", []byte(manual.Reference(langtest.Types(), lang.Functions())))
}

// TestFunctionsAreDescribed holds that no function is without words.
func TestFunctionsAreDescribed(t *testing.T) {
	for name, f := range lang.Functions() {
		if manual.FunctionText(name, f) == "" {
			t.Errorf("function %s has no description", name)
		}
	}
}

func TestSchemaOfIsData(t *testing.T) {
	for _, typ := range langtest.Types() {
		s := manual.SchemaOf(typ)
		js, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if typ.Name == "train-gpu" && !strings.Contains(string(js), `{"name":"epochs","type":"number","doc":"At most so many passes.","default":10}`) {
			t.Errorf("%s", js)
		}
		_, example, _ := strings.Cut(manual.Step(typ), "```hcl\n")
		example, _, ok := strings.Cut(example, "```")
		if _, diags := lang.Format("example.hcl", []byte(example)); !ok || diags.HasErrors() {
			t.Errorf("the example of %s: %v\n%s", typ.Name, diags, example)
		}
	}
}

// Every step's text fits a narrow terminal, too: a description that has no room beside the columns stands below them.
func TestStepTextFitsANarrowTerminal(t *testing.T) {
	for _, typ := range langtest.Types() {
		text, _, _ := strings.Cut(manual.Text(typ, 60), "\nEXAMPLE")
		for _, line := range strings.Split(text, "\n") {
			if diag.Width(line) > 60 {
				t.Errorf("%s: wider than 60 columns: %q", typ.Name, line)
			}
		}
	}
}

func TestStepTextGolden(t *testing.T) {
	var b strings.Builder
	for _, typ := range langtest.Types() {
		if typ.Name == "train-gpu" || typ.Name == "exec" {
			b.WriteString(manual.Text(typ, 72) + "\n")
		}
	}
	langtest.Golden(t, "testdata/steptext.txt", []byte(b.String()))
	for _, line := range strings.Split(b.String(), "\n") {
		if diag.Width(line) > 72 {
			t.Errorf("wider than 72 columns: %q", line)
		}
	}
}
