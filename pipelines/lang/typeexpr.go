package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
)

// constraint is a variable's type: cty's, and whether the strings in it are paths.
type constraint struct {
	typ      cty.Type
	defaults *typeexpr.Defaults
	path     bool // string, or a collection of strings, that name files or folders
}

var typeNames = []string{"string", "number", "bool", "path", "any", "list", "set", "map", "tuple", "object", "optional"}

// parseType reads a type expression. `path` may stand alone or within list, set and map.
func parseType(expr hcl.Expression) (constraint, hcl.Diagnostics) {
	if hcl.ExprAsKeyword(expr) == "path" {
		return constraint{typ: cty.String, path: true}, nil
	}
	if call, diags := hcl.ExprCall(expr); !diags.HasErrors() && len(call.Arguments) == 1 {
		wrap := map[string]func(cty.Type) cty.Type{"list": cty.List, "set": cty.Set, "map": cty.Map}[call.Name]
		if wrap != nil {
			if inner, diags := parseType(call.Arguments[0]); inner.path && !diags.HasErrors() {
				return constraint{typ: wrap(inner.typ), path: true}, nil
			}
		}
	}
	t, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
	if diags.HasErrors() {
		return constraint{typ: cty.DynamicPseudoType}, typeErrors(expr, diags)
	}
	return constraint{typ: t.WithoutOptionalAttributesDeep(), defaults: defaults}, nil
}

// typeErrors adds what was meant to the parser's messages.
func typeErrors(expr hcl.Expression, diags hcl.Diagnostics) hcl.Diagnostics {
	name := hcl.ExprAsKeyword(expr)
	if call, d := hcl.ExprCall(expr); !d.HasErrors() {
		name = call.Name
	}
	if name != "" {
		if s := diag.DidYouMean(name, typeNames); s.Text != "" {
			diag.Say(diags[0], "%s%s", diags[0].Detail, s)
		}
	}
	if v, d := expr.Value(nil); !d.HasErrors() && v.Type() == cty.String && name == "" {
		diags[0].Detail = "A type is written without quotes."
	}
	return diags
}

// paths resolves the strings of a path-typed value, and tells what was written for each.
func (c constraint) paths(v cty.Value, folder string, texts map[string]string) cty.Value {
	if !c.path {
		return v
	}
	out, _ := cty.Transform(v, func(_ cty.Path, x cty.Value) (cty.Value, error) {
		if x.Type() != cty.String || x.IsNull() || x.IsMarked() || x.AsString() == "" {
			return x, nil
		}
		abs := resolvePath(folder, x.AsString())
		texts[abs] = x.AsString()
		return cty.StringVal(abs), nil
	})
	return out
}

// text is the constraint as it is written.
func (c constraint) text() string {
	s := grammar.TypeText(c.typ)
	if c.path {
		switch {
		case c.typ == cty.String:
			return "path"
		case c.typ.IsListType():
			return "list(path)"
		case c.typ.IsSetType():
			return "set(path)"
		case c.typ.IsMapType():
			return "map(path)"
		}
	}
	return s
}
