package lang

import (
	"strconv"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"pgregory.net/rapid"

	"rein/pipelines/lang/diag"
)

func TestFunctions(t *testing.T) {
	l := &loader{functions: map[string]functionSet{}, env: map[string]string{"HOME": "/h"}}
	ctx := &hcl.EvalContext{Functions: l.functionsIn("/project/p"), Variables: map[string]cty.Value{"secret": cty.StringVal("ab").Mark(sensitive)}}
	for text, want := range map[string]string{
		`range(3)`:                     `[0, 1, 2]`,
		`range(2, 4)`:                  `[2, 3]`,
		`range(4, 2)`:                  `[4, 3]`,
		`range(0, 1, 0.5)`:             `[0, 0.5]`,
		`range(1, 1)`:                  `[]`,
		`range(0, 5, -1)`:              `error`,
		`range(0, 5, 0)`:               `error`,
		`range()`:                      `error`,
		`range(1e9)`:                   `error`,
		`length(range(10000))`:         `10000`,
		`length("äöü")`:                `3`,
		`length({ a = 1 })`:            `1`,
		`length([])`:                   `0`,
		`length(toset(["a", "a"]))`:    `1`,
		`length(5)`:                    `error`,
		`length(null)`:                 `error`,
		`length(secret)`:               `(sensitive)`,
		`env("HOME")`:                  `"/h"`,
		`env("NONE", "d")`:             `"d"`,
		`env("NONE")`:                  `error`,
		`env("A", "B", "C")`:           `error`,
		`file("x")`:                    `file("x")`,
		`dir("../x")`:                  `dir("../x")`,
		`glob("**/*.csv")`:             `glob("**/*.csv")`,
		`file("")`:                     `error`,
		`file(null)`:                   `error`,
		`try(env("NONE"), "fallback")`: `"fallback"`,
		`can(env("NONE"))`:             `false`,
	} {
		x, diags := hclsyntax.ParseExpression([]byte(text), "x", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		v, diags := x.Value(ctx)
		got := diag.Show(v)
		if diags.HasErrors() {
			got = "error"
		}
		if got != want {
			t.Errorf("%s is %s, want %s (%v)", text, got, want, diags)
		}
	}
}

// TestRangeIsTheStandardOne holds that only the limit differs.
func TestRangeIsTheStandardOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var args []cty.Value
		for range rapid.IntRange(1, 3).Draw(t, "args") {
			args = append(args, cty.NumberIntVal(rapid.Int64Range(-20, 20).Draw(t, "n")))
		}
		got, err := rangeFunc.Call(args)
		want, wantErr := stdlib.RangeFunc.Call(args)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v: %v, the standard one: %v", args, err, wantErr)
		}
		if err == nil && !got.RawEquals(want) {
			t.Fatalf("%#v, the standard one %#v", got, want)
		}
	})
}

// TestCollectionsAreTheStandardOnes holds that the shorter way to a list or a set leads to the same one.
func TestCollectionsAreTheStandardOnes(t *testing.T) {
	element := rapid.SampledFrom([]cty.Value{cty.StringVal("a"), cty.StringVal("1"), cty.NumberIntVal(1), cty.True, cty.NullVal(cty.String), cty.NullVal(cty.DynamicPseudoType),
		cty.UnknownVal(cty.String), cty.DynamicVal, cty.StringVal("s").Mark("sensitive"), cty.EmptyTupleVal, cty.TupleVal([]cty.Value{cty.True}), cty.TupleVal([]cty.Value{cty.StringVal("b")}),
		cty.ObjectVal(map[string]cty.Value{"x": cty.StringVal("1")}), cty.ObjectVal(map[string]cty.Value{"x": cty.NumberIntVal(1)}), cty.ListVal([]cty.Value{cty.True})})
	rapid.Check(t, func(t *rapid.T) {
		elements := rapid.SliceOfN(element, 0, 5).Draw(t, "elements")
		if rapid.Bool().Draw(t, "alike") && len(elements) > 0 {
			for i := range elements {
				elements[i] = elements[0]
			}
		}
		arg := cty.TupleVal(elements)
		if rapid.Bool().Draw(t, "marked") {
			arg = arg.Mark("sensitive")
		}
		for _, to := range []cty.Type{cty.List(cty.DynamicPseudoType), cty.Set(cty.DynamicPseudoType)} {
			got, err := collection(to).Call([]cty.Value{arg})
			want, wantErr := stdlib.MakeToFunc(to).Call([]cty.Value{arg})
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("%#v to %s: %v, the standard one: %v", arg, to.GoString(), err, wantErr)
			}
			if err == nil && !got.RawEquals(want) {
				t.Fatalf("%#v to %s: %#v, the standard one %#v", arg, to.GoString(), got, want)
			}
		}
	})
}

func BenchmarkToSet(b *testing.B) {
	keys := make([]cty.Value, 10_000)
	for i := range keys {
		keys[i] = cty.StringVal(strconv.Itoa(i))
	}
	arg := cty.TupleVal(keys)
	for b.Loop() {
		if _, err := standard()["toset"].Call([]cty.Value{arg}); err != nil {
			b.Fatal(err)
		}
	}
}
