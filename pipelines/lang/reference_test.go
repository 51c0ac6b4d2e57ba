package lang

import (
	"encoding/json"
	"strings"
	"testing"

	"rein/pipelines/lang/diag"
)

func TestReferenceGolden(t *testing.T) {
	golden(t, "testdata/reference.md", []byte(Reference(fakeTypes())))
}

// TestReferenceIsComplete holds that nothing of the language is without words.
func TestReferenceIsComplete(t *testing.T) {
	l := &loader{functions: map[string]functionSet{}}
	for name, f := range l.functionsIn("") {
		if name != instancesFunc && functionDoc(name, f) == "" {
			t.Errorf("function %s has no description", name)
		}
	}
	var check func(b blockSchema)
	check = func(b blockSchema) {
		if b.doc == "" {
			t.Errorf("block %s has no description", b.name)
		}
		for _, a := range b.args {
			if a.doc == "" || a.typ == "" {
				t.Errorf("%s.%s has no description or type", b.name, a.name)
			}
		}
		for _, c := range b.blocks {
			check(c)
		}
	}
	for _, b := range grammar {
		check(b)
		if b.sample == "" {
			t.Errorf("block %s has no sample", b.name)
		}
		if got, diags := Format("sample.hcl", []byte(b.sample)); diags.HasErrors() || string(got) != b.sample {
			t.Errorf("the sample of %s isn't formatted: %v\n%s", b.name, diags, got)
		}
	}
}

// TestSamplesLoad holds that the grammar's samples, put together with what they refer to, are a pipeline.
func TestSamplesLoad(t *testing.T) {
	var all strings.Builder
	for _, b := range grammar {
		if b.name != "pipeline" && b.name != "set" {
			all.WriteString(b.sample)
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
		s := SchemaOf(typ)
		js, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if typ.Name == "train-gpu" && !strings.Contains(string(js), `{"name":"epochs","type":"number","doc":"At most so many passes.","default":10}`) {
			t.Errorf("%s", js)
		}
		if _, diags := Format("example.hcl", []byte(s.example())); diags.HasErrors() {
			t.Errorf("the example of %s: %v", typ.Name, diags)
		}
	}
}

func TestStepTextGolden(t *testing.T) {
	var b strings.Builder
	for _, typ := range fakeTypes() {
		if typ.Name == "train-gpu" || typ.Name == "exec" {
			b.WriteString(StepText(typ, 72) + "\n")
		}
	}
	golden(t, "testdata/steptext.txt", []byte(b.String()))
	for _, line := range strings.Split(b.String(), "\n") {
		if diag.Width(line) > 72 {
			t.Errorf("wider than 72 columns: %q", line)
		}
	}
}
