package lang

import (
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang/grammar"
)

// TestFactsAreTheLibrarys compares the references that facts collects itself with those of the library.
func TestFactsAreTheLibrarys(t *testing.T) {
	known := (&loader{functions: map[string]functionSet{}}).functionsIn("")
	for text, want := range map[string]facts{
		`"a"`:                            {common: true, literal: true},
		`-1`:                             {},
		`[1, true, null, ["b", "c"]]`:    {common: true, literal: true},
		`{ a = 1, "b" = "c", null = 2 }`: {common: true, literal: true},
		`"a ${var.b} ${local.c["d"]}"`:   {common: true},
		`"${var.a}"`:                     {},
		`var.a.b[0]`:                     {common: true},
		`{ a = step.b.c, (var.d) = step.e.f, g = { h = each.key } }`:    {},
		`{ a = step.b.c, "${var.d}" = step.e.f, g = { h = each.key } }`: {},
		`{ a = step.b.c, g = { h = each.key } }`:                        {common: true},
		`{ step.a.b = 1 }`:                                              {common: true},
		`file("a", var.b...)`:                                           {common: true},
		`format("%s", [var.a, lower(local.b)])`:                         {common: true},
		`nothing(var.a)`:                                                {},
		`[1e99999]`:                                                     {},
		`[for x in var.a : x + var.b]`:                                  {},
		`var.a ? local.b : [step.c.d]`:                                  {},
		`step.a[*].b`:                                                   {},
		"<<END\na ${var.b}\nEND\n":                                      {common: true},
	} {
		expr, diags := hclsyntax.ParseExpression([]byte(text), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(text, diags)
		}
		f := &facts{literal: true}
		common := f.collect(expr, known)
		if common != want.common || common && f.literal != want.literal {
			t.Errorf("%s: common %t, literal %t; want %t, %t", text, common, f.literal, want.common, want.literal)
		}
		var refs []ref
		for _, v := range expr.Variables() {
			refs = append(refs, refOf(v))
		}
		if common && !reflect.DeepEqual(f.refs, refs) {
			t.Errorf("%s: the references are %v, those of the library %v", text, f.refs, refs)
		}
	}
}

// TestKnownBodiesHaveNoMistakes compares what knows says with what the library reports.
func TestKnownBodiesHaveNoMistakes(t *testing.T) {
	for text, want := range map[string]bool{
		"": true,
		"pipeline \"a\" {\n}\nlocals {\n}\nstep \"a\" \"b\" {\n  c = 1\n}\nlocals {\n}\n": true,
		"pipeline {\n}\n":     false,
		"locals \"a\" {\n}\n": false,
		"unknown {\n}\n":      false,
		"a = 1\n":             false,
		"step = 1\n":          false,
	} {
		f, diags := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(text, diags)
		}
		got := knows(grammar.File(), f.Body.(*hclsyntax.Body))
		if _, diags := f.Body.Content(grammar.File()); got != want || got == diags.HasErrors() {
			t.Errorf("%q is known: %t; the library says: %v", text, got, diags)
		}
	}
}
