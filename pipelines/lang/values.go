package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
)

// Values are sensible values of a variable of the pipeline: true and false, or the allowed values of the arguments that it is passed to
// unchanged, otherwise its present value. Texts are without quotes. A sensitive variable has none.
func (p *Pipeline) Values(name string) []string {
	v := p.eval.variables[name]
	if v == nil || v.sensitive {
		return nil
	}
	if out := p.eval.allowed(v); len(out) > 0 {
		return out
	}
	if v.state != done || v.value.IsNull() || !v.value.Type().IsPrimitiveType() {
		return nil
	}
	if x := p.eval.asWritten(v.value); x.Type() == cty.String {
		return []string{x.AsString()}
	}
	return []string{diag.Literal(p.eval.asWritten(v.value))}
}

// allowed are the values that a variable can have; nil if there are too many to list.
func (e *evaluator) allowed(v *variable) []string {
	if v.constraint.typ == cty.Bool {
		return []string{"false", "true"}
	}
	var out []string
	for _, s := range e.stepOrder {
		if s.decl.typ == nil || s.decl.body == nil {
			continue
		}
		for _, f := range s.decl.typ.Fields {
			a := s.decl.body.attrs[f.Name]
			if a == nil || len(f.Enum) == 0 || variableOf(a) != v.decl.name {
				continue
			}
			if out == nil {
				out = slices.Clone(f.Enum)
			} else { // it has to fit all
				out = slices.DeleteFunc(out, func(x string) bool { return !slices.Contains(f.Enum, x) })
			}
		}
	}
	return out
}

// variableOf is the variable that an argument consists of; "" if it is anything else.
func variableOf(a *attr) string {
	refs, diags := hcl.AbsTraversalForExpr(a.expr)
	if diags.HasErrors() || len(refs) != 2 || refs.RootName() != "var" {
		return ""
	}
	of, _ := refs[1].(hcl.TraverseAttr)
	return of.Name
}

// written is the place at which an argument's value was written. For an argument that is just a variable, it is the place of the variable's
// value, usually in a set block. from says where the value comes from if that isn't a place in a file: "--var".
func (e *evaluator) written(a *attr) (at hcl.Range, from string) {
	at = a.expr.Range()
	name := variableOf(a)
	v := e.variables[name]
	switch {
	case v == nil || v.sensitive: // the value's place would show it
		return at, ""
	case v.attr != nil:
		return v.attr.expr.Range(), ""
	}
	if g := e.settings.find(name); g != nil && g.rng != nil {
		return *g.rng, ""
	}
	return at, v.from
}
