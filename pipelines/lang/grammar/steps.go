package grammar

import (
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
	"rein/steps"
)

// Step is a step type's schema with what every step takes.
func Step(t *steps.Type) Block {
	s := *Of("step")
	out := Block{Name: "step", Late: true, Doc: t.Doc, Args: slices.Clone(s.Args), Blocks: slices.Clone(s.Blocks)}
	for _, p := range t.In {
		if p.Block != "" {
			continue
		}
		out.Args = append(out.Args, Arg{Name: p.Name, Type: PortType(p), Doc: p.Doc, Required: !p.Optional})
	}
	if t.Dynamic {
		out.Args = append(out.Args, Arg{Name: "inputs", Type: "map of artifacts", Doc: "What each input port gets: file(), dir(), glob() or step.NAME.PORT, or a list of them."})
	}
	addFields(&out, t.Fields)
	for _, p := range t.In { // those within a block come before its other arguments
		if at := slices.IndexFunc(out.Blocks, func(b Block) bool { return b.Name == p.Block }); at >= 0 {
			b := &out.Blocks[at]
			b.Args = slices.DeleteFunc(b.Args, func(a Arg) bool { return a.Name == p.Name })
			b.Args = append([]Arg{{Name: p.Name, Type: PortType(p), Doc: p.Doc, Required: !p.Optional}}, b.Args...)
		}
	}
	return out
}

func addFields(s *Block, fields []steps.Field) {
	for _, f := range fields {
		if !f.Block {
			s.Args = append(s.Args, Arg{Name: f.Name, Type: TypeText(f.Type), Doc: f.Doc, Required: f.Required})
			continue
		}
		b := Block{Name: f.Name, Doc: f.Doc, Single: !f.Repeated, Late: true}
		addFields(&b, f.Fields)
		s.Blocks = append(s.Blocks, b)
	}
}

// PortType is what a port takes or gives, in words: "rows", "list of models".
func PortType(p steps.Port) string {
	if p.List {
		if p.Kind == "rows" || p.Kind == "scores" {
			return "list of " + p.Kind
		}
		return "list of " + p.Kind + "s"
	}
	return p.Kind
}

// TypeText is a type in the words of the language.
func TypeText(t cty.Type) string {
	switch {
	case t.IsListType():
		return "list(" + TypeText(t.ElementType()) + ")"
	case t.IsMapType():
		return "map(" + TypeText(t.ElementType()) + ")"
	case t.IsSetType():
		return "set(" + TypeText(t.ElementType()) + ")"
	case t == cty.DynamicPseudoType:
		return "any"
	case t.IsTupleType():
		var parts []string
		for _, e := range t.TupleElementTypes() {
			parts = append(parts, TypeText(e))
		}
		return "tuple([" + strings.Join(parts, ", ") + "])"
	case t.IsObjectType():
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(t.AttributeTypes())) {
			text := TypeText(t.AttributeType(name))
			if t.AttributeOptional(name) {
				text = "optional(" + text + ")"
			}
			parts = append(parts, diag.QuoteKey(name)+" = "+text)
		}
		return "object({ " + strings.Join(parts, ", ") + " })"
	}
	return t.FriendlyNameForConstraint()
}
