package all_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"rein/engine/enginetest"
	"rein/steps"
	"rein/steps/all"
)

// base holds arguments for types and blocks whose checks refuse the generic values.
var base = map[string]map[string]cty.Value{
	"sample":  {"size": cty.NumberIntVal(100)},
	"augment": {"variations": cty.NumberIntVal(8)},
	// a budget of money needs a price
	"augment.llm": {"url": cty.StringVal("https://llm.example/v1"), "model": cty.StringVal("m"), "usd_per_million": cty.NumberIntVal(1)},
	// of the hub: one doesn't go without the other
	"train-gpu.model": {"base": cty.StringVal("some/encoder"), "revision": cty.StringVal(strings.Repeat("0a", 20))},
}

// other holds values, by "type.field", for fields whose checks refuse every generic change.
var other = map[string]cty.Value{
	"dataset.columns":           object("text", cty.StringVal("prompt")),
	"dataset.labels":            object("x", cty.StringVal("benign")),
	"dataset.filter":            cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"column": cty.StringVal("text"), "min_chars": cty.NumberIntVal(4)})}),
	"split.fractions":           object("test", cty.NumberFloatVal(0.125)),
	"balance-assert.ideal":      cty.TupleVal([]cty.Value{cty.NumberFloatVal(0.45), cty.NumberFloatVal(0.55)}),
	"balance-assert.acceptable": cty.NumberFloatVal(0.63),
	"balance-assert.limit":      cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"by": cty.StringVal("category"), "most": cty.NumberFloatVal(0.5)})}),
	"augment.llm.prompt":        cty.StringVal("again: {text}"),
	"augment.llm.url":           cty.StringVal("https://other.example/v1"),
	"augment.llm.timeout":       cty.StringVal("5s"),
	"train-gpu.model.base":      cty.StringVal("other/encoder"),
	"train-gpu.model.revision":  cty.StringVal(strings.Repeat("0b", 20)),
	"hard-negatives.kinds":      cty.TupleVal([]cty.Value{cty.StringVal("boundary case")}),
}

func object(k string, v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{k: v}) }

// The test shows that no config field is missing from the key. Changing any field must change the ActionID, unless the field says that it
// can't change the result; then the ActionID must stay.
func TestEveryFieldIsInTheKey(t *testing.T) {
	s := enginetest.Store(t)
	for _, typ := range all.Types() {
		t.Run(typ.Name, func(t *testing.T) {
			args := base[typ.Name]
			if args == nil {
				args = required(typ.Fields)
			}
			op, err := typ.Op(cty.ObjectVal(args))
			if err != nil {
				t.Fatalf("the generic arguments are refused (%v): add a line to base", err)
			}
			before := enginetest.ActionID(t, s, op)
			d, err := op.Describe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var described map[string]any
			if err := json.Unmarshal(d.Config, &described); err != nil {
				t.Fatal(err)
			}
			for _, f := range typ.Fields {
				vary(t, typ.Name+"."+f.Name, f, args[f.Name], func(v cty.Value) (string, error) {
					changed := map[string]cty.Value{}
					for k, x := range args {
						changed[k] = x
					}
					changed[f.Name] = v
					op, err := typ.Op(cty.ObjectVal(changed))
					if err != nil {
						return "", err
					}
					return enginetest.ActionID(t, s, op), nil
				}, before, described)
			}
		})
	}
}

// vary changes a field, or each field of a block, and expects another key.
func vary(t *testing.T, path string, f steps.Field, now cty.Value, key func(cty.Value) (string, error), before string, described map[string]any) {
	t.Helper()
	if v, ok := other[path]; ok && f.Block {
		if after, err := key(v); err != nil || after == before {
			t.Errorf("%s: the key is the same, or %v", path, err)
		}
		return
	}
	if f.Block {
		fields := base[path]
		if fields == nil {
			fields = required(f.Fields)
		}
		one := func(m map[string]cty.Value) cty.Value {
			if f.Repeated {
				return cty.TupleVal([]cty.Value{cty.ObjectVal(m)})
			}
			return cty.ObjectVal(m)
		}
		with, err := key(one(fields))
		if err != nil {
			wantDescribed(t, path, f, described, err.Error())
			return
		}
		for _, g := range f.Fields {
			vary(t, path+"."+g.Name, g, fields[g.Name], func(v cty.Value) (string, error) {
				changed := map[string]cty.Value{}
				for k, x := range fields {
					changed[k] = x
				}
				changed[g.Name] = v
				return key(one(changed))
			}, with, nil)
		}
		return
	}
	candidates := alternatives(f, now)
	if v, ok := other[path]; ok {
		candidates = []cty.Value{v}
	}
	var refused []string
	for _, v := range candidates {
		after, err := key(v)
		if err != nil {
			refused = append(refused, err.Error())
			continue
		}
		if (after == before) != f.Unkeyed {
			t.Errorf("%s = %#v: key changed is %v, unkeyed is %v", path, v, after != before, f.Unkeyed)
		}
		return
	}
	wantDescribed(t, path, f, described, strings.Join(refused, "; "))
}

// wantDescribed checks that a field that can't be varied alone (a url needs its sha256) is at least in the description. The engine puts
// every value of the description into the key.
func wantDescribed(t *testing.T, path string, f steps.Field, described map[string]any, refused string) {
	t.Helper()
	if _, ok := described[f.Name]; !ok {
		t.Errorf("%s: every change is refused (%s): add a line to other", path, refused)
	}
}

// required gives a value to every required field.
func required(fields []steps.Field) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, f := range fields {
		if f.Required && !f.Block {
			out[f.Name] = alternatives(f, cty.NilVal)[0]
		}
	}
	return out
}

// alternatives returns values that differ from a field's present value or default.
func alternatives(f steps.Field, now cty.Value) []cty.Value {
	if now == cty.NilVal {
		now = f.Default
	}
	if now == cty.NilVal && !f.Required { // what is absent is zero
		switch f.Type {
		case cty.Number:
			now = cty.Zero
		case cty.Bool:
			now = cty.False
		}
	}
	var all []cty.Value
	element := func(t cty.Type) []cty.Value {
		switch t {
		case cty.Bool:
			return []cty.Value{cty.True, cty.False}
		case cty.Number:
			return []cty.Value{cty.NumberIntVal(3), cty.NumberFloatVal(0.75), cty.NumberIntVal(1), cty.NumberFloatVal(0.25), cty.NumberIntVal(40), cty.Zero}
		}
		if len(f.Enum) > 0 {
			var vs []cty.Value
			for _, e := range f.Enum {
				vs = append(vs, cty.StringVal(e))
			}
			return vs
		}
		return []cty.Value{cty.StringVal("x"), cty.StringVal("y")}
	}
	switch {
	case f.Type.IsListType():
		for _, e := range element(f.Type.ElementType()) {
			all = append(all, cty.TupleVal([]cty.Value{e}))
		}
		es := element(f.Type.ElementType())
		all = append(all, cty.TupleVal(es[:2]), cty.TupleVal([]cty.Value{es[1], es[0]}))
	case f.Type.IsMapType():
		for _, e := range element(f.Type.ElementType()) {
			all = append(all, cty.ObjectVal(map[string]cty.Value{"k": e}))
		}
	default:
		all = element(f.Type)
	}
	out := all[:0]
	for _, v := range all {
		if now == cty.NilVal || !v.RawEquals(now) && !(v.Type() == cty.Number && now.Type() == cty.Number && v.Equals(now).True()) {
			out = append(out, v)
		}
	}
	return out
}
