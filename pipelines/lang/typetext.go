package lang

import (
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
	"rein/steps"
)

// stepSchema is a step type's schema with what every step takes.
func stepSchema(t *steps.Type) blockSchema {
	s := *schemaOf("step")
	out := blockSchema{name: "step", late: true, doc: t.Doc, args: slices.Clone(s.args), blocks: slices.Clone(s.blocks)}
	for _, p := range t.In {
		if p.Block != "" {
			continue
		}
		out.args = append(out.args, argSchema{name: p.Name, typ: portType(p), doc: p.Doc, required: !p.Optional})
	}
	if t.Dynamic {
		out.args = append(out.args, argSchema{name: "inputs", typ: "map of artifacts", doc: "What each input port gets: file(), dir(), glob() or step.NAME.PORT, or a list of them."})
	}
	addFields(&out, t.Fields)
	for _, p := range t.In { // those within a block come before its other arguments
		if at := slices.IndexFunc(out.blocks, func(b blockSchema) bool { return b.name == p.Block }); at >= 0 {
			b := &out.blocks[at]
			b.args = slices.DeleteFunc(b.args, func(a argSchema) bool { return a.name == p.Name })
			b.args = append([]argSchema{{name: p.Name, typ: portType(p), doc: p.Doc, required: !p.Optional}}, b.args...)
		}
	}
	return out
}

// input is the argument that a port's artifact is written as; nil: none.
func (b *block) input(p steps.Port) *attr {
	if p.Block == "" {
		return b.attrs[p.Name]
	}
	for _, n := range b.blocks {
		if n.name == p.Block && (p.Unless == "" || n.attrs[p.Unless] == nil) {
			return n.attrs[p.Name]
		}
	}
	return nil
}

func addFields(s *blockSchema, fields []steps.Field) {
	for _, f := range fields {
		if !f.Block {
			s.args = append(s.args, argSchema{name: f.Name, typ: typeText(f.Type), doc: f.Doc, required: f.Required})
			continue
		}
		b := blockSchema{name: f.Name, doc: f.Doc, single: !f.Repeated, late: true}
		addFields(&b, f.Fields)
		s.blocks = append(s.blocks, b)
	}
}

func portType(p steps.Port) string {
	if p.List {
		if p.Kind == "rows" || p.Kind == "scores" {
			return "list of " + p.Kind
		}
		return "list of " + p.Kind + "s"
	}
	return p.Kind
}

// typeText is a type in the words of the language.
func typeText(t cty.Type) string {
	switch {
	case t.IsListType():
		return "list(" + typeText(t.ElementType()) + ")"
	case t.IsMapType():
		return "map(" + typeText(t.ElementType()) + ")"
	case t.IsSetType():
		return "set(" + typeText(t.ElementType()) + ")"
	case t == cty.DynamicPseudoType:
		return "any"
	case t.IsTupleType():
		var parts []string
		for _, e := range t.TupleElementTypes() {
			parts = append(parts, typeText(e))
		}
		return "tuple([" + strings.Join(parts, ", ") + "])"
	case t.IsObjectType():
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(t.AttributeTypes())) {
			text := typeText(t.AttributeType(name))
			if t.AttributeOptional(name) {
				text = "optional(" + text + ")"
			}
			parts = append(parts, diag.QuoteKey(name)+" = "+text)
		}
		return "object({ " + strings.Join(parts, ", ") + " })"
	}
	return t.FriendlyNameForConstraint()
}
