package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
	"rein/steps/metric"
)

// This file says what a place in a value takes, for completion.

// shape is what a place takes, as far as the language knows it.
type shape struct {
	typ     cty.Type             // of a value; cty.DynamicPseudoType if any will do
	plain   bool                 // no artifact
	kind    string               // of the artifact
	step    bool                 // a step, not one of its outputs
	path    bool                 // a text names a file
	words   []string             // what may be written without quotes
	texts   []string             // what a text, or each text of a list, may be
	entries []grammar.Arg        // of an object
	entry   func(a string) shape // what an entry takes
}

// anything is what a place takes of which nothing is known.
func anything() shape { return shape{typ: cty.DynamicPseudoType} }

// plainOf takes values of a type.
func plainOf(t cty.Type, texts ...string) shape { return shape{typ: t, plain: true, texts: texts} }

// known tells whether the type is known.
func (s shape) known() bool { return s.plain && s.typ != cty.DynamicPseudoType }

// takes tells whether values of a type can be what is wanted. A number isn't counted as a text, though it would be converted.
func (s shape) takes(t cty.Type) bool {
	if t.IsPrimitiveType() && s.typ.IsPrimitiveType() {
		return t == s.typ
	}
	return t == cty.DynamicPseudoType || convert.GetConversion(t, s.typ) != nil || t.Equals(s.typ)
}

// constants are the values that can be written as they are.
func (s shape) constants(quoted bool) []Candidate {
	var out []Candidate
	words := s.words
	if s.typ == cty.Bool {
		words = []string{"false", "true"}
	}
	for _, x := range words {
		if !quoted {
			out = append(out, Candidate{Text: x, Kind: "value"})
		}
	}
	for _, x := range s.texts {
		if !quoted {
			x = diag.Quote(x)
		}
		out = append(out, Candidate{Text: x, Kind: "value"})
	}
	return out
}

// keys are the names of an object's entries.
func (s shape) keys(quoted bool) []Candidate {
	kind := "argument"
	if quoted {
		kind = "value" // "=" belongs behind the quotes
	}
	var out []Candidate
	for _, a := range s.entries {
		out = append(out, Candidate{Text: a.Name, Kind: kind, Detail: a.Type, Doc: a.Doc})
	}
	if s.typ.IsObjectType() {
		for name, t := range s.typ.AttributeTypes() {
			out = append(out, Candidate{Text: name, Kind: kind, Detail: grammar.TypeText(t)})
		}
	}
	return out
}

// within is what a bracket in the place takes. Functions are those that can be called.
func (s shape) within(n nested, functions functionSet) shape {
	t := s.typ
	switch n.open {
	case hclsyntax.TokenOParen:
		if f, ok := functions[n.name]; ok {
			return s.argument(f, n.index)
		}
		return s
	case hclsyntax.TokenOBrace:
		switch {
		case s.kind != "" || n.name == "":
			return s
		case s.entry != nil:
			return s.entry(n.name)
		case t.IsObjectType() && t.HasAttribute(n.name):
			s.typ = t.AttributeType(n.name)
			return s
		case t.IsMapType():
			s.typ = t.ElementType()
			return s
		}
	case hclsyntax.TokenOBrack:
		switch {
		case s.kind != "" || s.step || !s.plain:
			return s
		case t.IsListType() || t.IsSetType():
			s.typ = t.ElementType()
			return s
		case t.IsTupleType() && n.index < t.Length():
			s.typ = t.TupleElementType(n.index)
			return s
		case t == cty.String:
			return s // it may be a list of texts, too
		}
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return plainOf(cty.DynamicPseudoType)
	}
	return shape{typ: cty.DynamicPseudoType, plain: s.plain}
}

// argument is what a function takes in a place.
func (s shape) argument(f function.Function, i int) shape {
	var p function.Parameter
	switch params := f.Params(); {
	case i < len(params):
		p = params[i]
	case f.VarParam() != nil:
		p = *f.VarParam()
	default:
		return plainOf(cty.DynamicPseudoType)
	}
	if !p.Type.IsPrimitiveType() {
		return shape{typ: cty.DynamicPseudoType, plain: s.plain, kind: s.kind}
	}
	out := plainOf(p.Type)
	out.path = resultOf(f, cty.DynamicPseudoType).Equals(productType)
	return out
}

// behind is what the place takes behind an operator.
func (s shape) behind(operator hclsyntax.TokenType) shape {
	switch operator {
	case hclsyntax.TokenNil:
		return s
	case hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent:
		return plainOf(cty.Number)
	case hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenBang:
		return plainOf(cty.Bool)
	case hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual:
		return plainOf(cty.DynamicPseudoType)
	}
	return plainOf(cty.Number)
}

// mayCall tells whether the value may begin with a call of a function.
func (s shape) mayCall(f function.Function) bool {
	if s.step || s.words != nil {
		return false
	}
	if s.typ == cty.Bool { // as a comparison does, with anything
		s.typ = cty.DynamicPseudoType
	}
	for _, of := range []cty.Type{s.typ, cty.List(s.typ), cty.Map(s.typ), cty.Set(s.typ), cty.String} {
		switch t := resultOf(f, of); {
		case t == cty.NilType:
		case t.Equals(productType):
			return !s.plain
		case s.takes(t):
			return true
		}
	}
	return false
}

// resultOf is the type of what a function gives if what it takes of any type is of this type; cty.NilType if it doesn't take that.
func resultOf(f function.Function, of cty.Type) cty.Type {
	var args []cty.Type
	params := f.Params()
	if p := f.VarParam(); p != nil {
		params = append(slices.Clone(params), *p)
	}
	for _, p := range params {
		if p.Type == cty.DynamicPseudoType {
			p.Type = of
		}
		args = append(args, p.Type)
	}
	t, err := f.ReturnType(args)
	if err != nil {
		return cty.NilType
	}
	return t
}

// wanted is what the place at the cursor takes.
func (c *completer) wanted() shape {
	if c.at.argument == "" {
		return anything()
	}
	s, functions := c.wantedBy(), c.e.functionsIn("")
	for _, n := range c.at.path {
		s = s.within(n, functions)
	}
	return s.behind(c.at.operator)
}

// wantedBy is what the argument takes.
func (c *completer) wantedBy() shape {
	s, t := c.schema()
	if s == nil {
		return anything()
	}
	name := c.at.argument
	if t != nil {
		if out, ok := c.ofType(t, name); ok {
			return out
		}
	}
	for _, a := range s.Args {
		if a.Name == name {
			return c.ofArg(a)
		}
	}
	switch s.Name {
	case "set", "sweep":
		return c.ofVariable(s.Name, name)
	case "expect", "target":
		return expected(name)
	}
	return shape{typ: cty.DynamicPseudoType, plain: s.Name == "plan"}
}

// ofVariable is what a variable takes, in a set block or a sweep.
func (c *completer) ofVariable(block, name string) shape {
	v := c.e.variables[name]
	if v == nil {
		return plainOf(cty.DynamicPseudoType)
	}
	out := plainOf(v.constraint.typ)
	out.path = v.constraint.path
	if out.typ != cty.Bool {
		out.texts = c.e.allowed(v)
	}
	if block == "sweep" {
		out.typ = cty.List(out.typ)
	}
	return out
}

// expected is what an expectation of a metric takes.
func expected(of string) shape {
	out := plainOf(cty.Number)
	by := metric.SlicesOf(metric.Canonical(of))
	for _, a := range grammar.Expectation {
		if a.Name != byKey || len(by) > 0 {
			out.entries = append(out.entries, a)
		}
	}
	out.entry = func(key string) shape {
		if key == byKey {
			return plainOf(cty.String, by...)
		}
		for _, a := range grammar.Expectation {
			if a.Name == key {
				return plainOf(a.Value(), a.Enum...)
			}
		}
		return plainOf(cty.DynamicPseudoType)
	}
	return out
}

// ofType is what an argument of a step's type takes.
func (c *completer) ofType(t *steps.Type, name string) (shape, bool) {
	block := ""
	if len(c.at.blocks) > 1 {
		block = c.at.blocks[len(c.at.blocks)-1].typ
	}
	for _, p := range t.In {
		if p.Name == name && p.Block == block {
			return shape{typ: cty.DynamicPseudoType, kind: p.Kind, path: p.Kind == "file"}, true
		}
	}
	fields := t.Fields
	for _, h := range c.at.blocks[1:] {
		i := slices.IndexFunc(fields, func(f steps.Field) bool { return f.Name == h.typ })
		if i < 0 {
			return shape{}, false
		}
		fields = fields[i].Fields
	}
	for _, f := range fields {
		if f.Name == name {
			return plainOf(f.Type, f.Enum...), true
		}
	}
	return shape{}, false
}

// ofArg is what an argument of the grammar takes.
func (c *completer) ofArg(a grammar.Arg) shape {
	switch a.Type {
	case "step.NAME", "list of steps":
		return shape{typ: cty.DynamicPseudoType, step: true}
	case "step.NAME.PORT", "map of artifacts":
		return shape{typ: cty.DynamicPseudoType, kind: "file", path: a.Type == "map of artifacts"}
	case "type":
		return shape{typ: cty.DynamicPseudoType, words: typeNames}
	case "any":
		if v := c.e.variables[c.at.blocks[0].labels[0]]; v != nil {
			return c.ofVariable("", v.decl.name)
		}
	case "object":
		out := plainOf(cty.DynamicPseudoType)
		for _, m := range metric.All {
			out.entries = append(out.entries, grammar.Arg{Name: m.Name, Type: m.Label, Doc: m.Meaning})
		}
		out.entry = expected
		return out
	}
	if a.Value() == cty.DynamicPseudoType {
		return anything()
	}
	out := plainOf(a.Value(), a.Enum...)
	out.path = a.Name == "extends"
	if a.Name == "executor" && c.e.project != nil {
		out.texts = c.e.project.Names()
	}
	return out
}

// fixed tells whether the value is needed before anything is evaluated, so that it can't refer to anything or call a function.
func (c *completer) fixed() bool {
	switch b := c.at.blocks; b[0].typ {
	case "pipeline":
		return true
	case "variable":
		return len(b) == 1 && c.at.argument != "default"
	case "step":
		return len(b) == 1 && c.at.argument == "disabled"
	}
	return false
}

// roots are what references at the cursor may start with; nil: there can be none.
func (c *completer) roots() []string {
	switch c.at.blocks[0].typ {
	case "step":
		if len(c.at.blocks) > 1 && c.at.blocks[1].typ == "assert" {
			return append(slices.Clone(stepScope), "metric")
		}
		if c.at.argument == "for_each" {
			return anyScope
		}
		return stepScope
	case "locals":
		return anyScope
	case "output", "compare":
		if !slices.Contains([]string{"value", "baseline", "result"}, c.at.argument) {
			return valueScope
		}
		return anyScope
	case "expect", "plan", "sweep":
		return valueScope
	case "set", "variable":
		return varScope
	}
	return nil
}
