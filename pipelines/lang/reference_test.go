package lang

import (
	"encoding/json"
	"strings"
	"testing"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/pipelines/lang/manual"
)

func TestReferenceGolden(t *testing.T) {
	golden(t, "testdata/reference.md", []byte(manual.Reference(fakeTypes(), Functions())))
}

// TestReferenceIsComplete holds that nothing of the language is without words.
func TestReferenceIsComplete(t *testing.T) {
	for name, f := range Functions() {
		if manual.FunctionText(name, f) == "" {
			t.Errorf("function %s has no description", name)
		}
	}
	var check func(b grammar.Block)
	check = func(b grammar.Block) {
		if b.Doc == "" {
			t.Errorf("block %s has no description", b.Name)
		}
		for _, a := range b.Args {
			if a.Doc == "" || a.Type == "" {
				t.Errorf("%s.%s has no description or type", b.Name, a.Name)
			}
		}
		for _, c := range b.Blocks {
			check(c)
		}
	}
	for _, b := range grammar.Blocks {
		check(b)
		if b.Sample == "" {
			t.Errorf("block %s has no sample", b.Name)
		}
		if got, diags := Format("sample.hcl", []byte(b.Sample)); diags.HasErrors() || string(got) != b.Sample {
			t.Errorf("the sample of %s isn't formatted: %v\n%s", b.Name, diags, got)
		}
	}
}

// TestSamplesLoad holds that the grammar's samples, put together with what they refer to, are a pipeline.
func TestSamplesLoad(t *testing.T) {
	var all strings.Builder
	for _, b := range grammar.Blocks {
		if b.Name != "pipeline" && b.Name != "set" {
			all.WriteString(b.Sample)
		}
	}
	all.WriteString(`
variable "false_positives" { default = 10 }
step "synthesize" "corpus" {}
step "sample" "sampled" {
  rows = step.corpus.pool
  size = 3
}
step "train-gpu" "m" {
  rows       = step.corpus.train
  validation = step.corpus.validation
}
step "evaluate" "test" {
  model = step.m.model
  test  = step.corpus.test
}
step "evaluate" "baseline_test" {
  model = step.m.model
  test  = step.corpus.test
}
step "package" "package" { model = step.m.model }
`)
	loadText(t, all.String())
}

func TestSchemaOfIsData(t *testing.T) {
	for _, typ := range fakeTypes() {
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
		if _, diags := Format("example.hcl", []byte(example)); !ok || diags.HasErrors() {
			t.Errorf("the example of %s: %v\n%s", typ.Name, diags, example)
		}
	}
}

func TestStepTextGolden(t *testing.T) {
	var b strings.Builder
	for _, typ := range fakeTypes() {
		if typ.Name == "train-gpu" || typ.Name == "exec" {
			b.WriteString(manual.Text(typ, 72) + "\n")
		}
	}
	golden(t, "testdata/steptext.txt", []byte(b.String()))
	for _, line := range strings.Split(b.String(), "\n") {
		if diag.Width(line) > 72 {
			t.Errorf("wider than 72 columns: %q", line)
		}
	}
}
