package grammar_test

import (
	"strings"
	"testing"

	"rein/pipelines/lang"
	"rein/pipelines/lang/grammar"
	"rein/pipelines/lang/langtest"
)

// TestBlocksAreDescribed holds that no block and no argument is without words, and that samples are written as rein fmt writes them.
func TestBlocksAreDescribed(t *testing.T) {
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
		if got, diags := lang.Format("sample.hcl", []byte(b.Sample)); diags.HasErrors() || string(got) != b.Sample {
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
	_, diags := lang.Load([]string{"main.hcl"}, lang.Options{Types: langtest.Types, FS: langtest.Files(map[string]string{"main.hcl": all.String()}), Dir: "/project", Env: []string{}})
	if diags.HasErrors() {
		t.Error(diags)
	}
}
