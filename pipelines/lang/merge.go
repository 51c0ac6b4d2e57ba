package lang

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"

	"rein/pipelines/lang/diag"
)

// mergeVariable overrides a base's variable argument by argument. Validations are added.
func mergeVariable(old, over *variableDecl) *variableDecl {
	v := *over
	v.attrs = maps.Clone(old.attrs)
	maps.Copy(v.attrs, over.attrs)
	v.broken = v.broken || old.broken
	v.validations = append(slices.Clone(old.validations), over.validations...)
	return &v
}

// mergeStep overrides a base's step argument by argument. The type can't change, because references in the base to its ports would silently
// get something else.
func (l *loader) mergeStep(old, over *stepDecl) *stepDecl {
	if old.typeName != over.typeName {
		d := errorAt(over.typeRange, "Step of another type",
			"The step %q that this overrides is of type %q. Give the new step another name and let its users refer to it, or override the base's step with its own type.",
			over.name, old.typeName)
		l.diags = l.diags.Append(diag.Also(d, old.rng, "the base's step"))
		return old
	}
	s := *over
	s.body = mergeBlock(old.body, over.body)
	s.overrides = append(slices.Clone(old.overrides), over.in)
	s.rng, s.in = old.rng, old.in
	return &s
}

// mergeBlock overrides a block argument by argument. Of inner blocks, asserts are added, a block that may occur once is merged in the same
// way, and others replace the base's blocks of that name.
func mergeBlock(old, over *block) *block {
	if old == nil {
		return over
	}
	b := *over
	b.attrs = maps.Clone(old.attrs)
	maps.Copy(b.attrs, over.attrs)
	b.blocks = slices.Clone(old.blocks)
	b.meant = slices.Concat(old.meant, over.meant)
	replaced := map[string]bool{}
	for _, n := range over.blocks {
		switch {
		case n.name == "assert":
			b.blocks = append(b.blocks, n)
		case n.repeated:
			if !replaced[n.name] {
				b.blocks = slices.DeleteFunc(b.blocks, func(o *block) bool { return o.name == n.name })
				replaced[n.name] = true
			}
			b.blocks = append(b.blocks, n)
		default:
			b.blocks = overlayBy(b.blocks, n, func(o *block) string { return o.name }, mergeBlock)
		}
	}
	if over.name == "compare" { // a block and an argument of the same name override each other
		if over.attrs["target"] != nil {
			b.blocks = nil
		} else if len(over.blocks) > 0 {
			delete(b.attrs, "target")
		}
	}
	return &b
}

// disabled tells whether a step is removed, and keeps where.
func (l *loader) disabled(s *stepDecl, m *merged) bool {
	a := s.body.attrs["disabled"]
	if a == nil {
		return false
	}
	if vars := a.expr.Variables(); len(vars) > 0 {
		l.diags = l.diags.Append(errorAt(vars[0].SourceRange(), "Not a constant",
			"disabled removes a step before any value is known, so it can't use %s. To switch a step on and off by a value, use `when`.", vars[0].RootName()))
		return false
	}
	var off bool
	var diags hcl.Diagnostics
	if diags = gohcl.DecodeExpression(a.expr, nil, &off); diags.HasErrors() {
		l.add(diags)
	}
	if off {
		m.removed[s.name] = a
	}
	return off
}
