package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
)

// bindInputs fills in a node's input ports and keeps the edges.
func (e *evaluator) bindInputs(i *instance) bool {
	ok := true
	body, t := i.step.decl.body, i.step.decl.typ
	for _, p := range t.In {
		a := body.input(p)
		if a == nil {
			if !p.Optional {
				e.missing(i, p.Name, grammar.PortType(p), p.Doc)
				ok = false
			}
			continue
		}
		in, good := e.bindPort(i, a, p)
		ok = ok && good
		if len(in.Refs) > 0 {
			i.node.Inputs = append(i.node.Inputs, in)
		}
	}
	if t.Dynamic {
		ok = e.bindDynamic(i) && ok
	}
	return ok
}

func (e *evaluator) missing(i *instance, name, typ, doc string) {
	if slices.Contains(i.step.decl.body.meant, name) {
		return
	}
	e.diags = e.diags.Append(errorAt(i.step.decl.rng, "Missing argument", "%s step needs %q (%s)%s.", diag.UpperFirst(diag.Article(i.step.decl.typeName)), name, typ, prefixed(": ", strings.TrimSuffix(doc, "."))))
}

// bindPort evaluates the argument of an input port.
func (e *evaluator) bindPort(i *instance, a *attr, p steps.Port) (engine.Input, bool) {
	in := engine.Input{Port: p.Name}
	sc := i.scope("an input")
	sc.in = a.in
	v, ok := e.eval(a.expr, sc)
	if !ok {
		return in, false
	}
	b := binder{e: e, i: i, a: a, port: p, sc: sc}
	in.Refs, ok = b.value(v, a.expr.Range(), a.expr)
	if ok && !p.Optional && !p.List && len(in.Refs) == 0 {
		b.report(a.expr.Range(), "Missing input", "The input %q of %s step is needed, and this is %s.", p.Name, diag.Article(i.step.decl.typeName), diag.Show(v))
		return in, false
	}
	if ok && len(in.Refs) > 1 && !p.List {
		b.report(a.expr.Range(), "Too many inputs", "The input %q of %s step takes one artifact, not %d.", p.Name, diag.Article(i.step.decl.typeName), len(in.Refs))
		return in, false
	}
	return in, ok
}

// bindDynamic binds the ports that the pipeline names itself.
func (e *evaluator) bindDynamic(i *instance) bool {
	a := i.step.decl.body.attrs["inputs"]
	if a == nil {
		return true
	}
	sc := i.scope("an input")
	sc.in = a.in
	b := binder{e: e, i: i, a: a, sc: sc}
	m, ok := b.members()
	if !ok {
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b.port = steps.Port{Name: name, Kind: "file", List: true}
		refs, good := b.value(m[name], a.expr.Range(), nil)
		ok = ok && good
		i.node.Inputs = append(i.node.Inputs, engine.Input{Port: name, Refs: refs})
	}
	return ok
}

// members are the artifacts that an argument gives names to.
func (b *binder) members() (map[string]cty.Value, bool) {
	if items := referring(b.a.expr); items != nil {
		return b.e.each(items, b.sc)
	}
	v, ok := b.e.eval(b.a.expr, b.sc)
	if !ok || v.IsNull() {
		return nil, ok
	}
	v, _ = v.Unmark()
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		b.report(b.a.expr.Range(), "Wrong type of value", "inputs gives names to artifacts, { name = file(\"...\") }; this is %s.", diag.WhatIs(v))
		return nil, false
	}
	return v.AsValueMap(), true
}

// member is an element of an object that is written out.
type member struct {
	name string
	expr hcl.Expression
}

// referring lists the members of an object of references, { rows = step.NAME.PORT }; nil for any other expression.
func referring(expr hcl.Expression) []member {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	out := make([]member, len(object.Items))
	for i, item := range object.Items {
		key, named := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
		if _, refers := item.ValueExpr.(*hclsyntax.ScopeTraversalExpr); !named || !refers || key.ForceNonLiteral {
			return nil
		}
		if out[i] = (member{hcl.ExprAsKeyword(key.Wrapped), item.ValueExpr}); out[i].name == "" {
			return nil
		}
	}
	return out
}

// each computes members one by one, which takes less than an object of all that they refer to.
func (e *evaluator) each(members []member, s scope) (map[string]cty.Value, bool) {
	ok := true
	for _, m := range members {
		ok = e.check(m.expr, e.factsOf(m.expr), s) && ok
	}
	if !ok {
		return nil, false
	}
	values := make(map[string]cty.Value, len(members))
	for _, m := range members {
		v, good := e.eval(m.expr, s)
		values[m.name], ok = v, ok && good
	}
	return values, ok
}

// binder turns the value of one argument into references.
type binder struct {
	e    *evaluator
	i    *instance
	a    *attr
	port steps.Port
	sc   scope
}

func (b *binder) report(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := b.e.withValues(errorAt(at, summary, format, args...), b.a, b.sc)
	b.e.diags = b.e.diags.Append(d)
	return d
}

func (b *binder) value(v cty.Value, at hcl.Range, expr hcl.Expression) ([]engine.Ref, bool) {
	v, marks := v.Unmark()
	if _, secret := marks[sensitive]; secret && !v.IsNull() {
		b.report(at, "Sensitive value", "What a step reads is named in plans and records, so it can't come from a sensitive value.")
		return nil, false
	}
	t := v.Type()
	switch {
	case v.IsNull():
		return nil, true
	case t.Equals(productType):
		r, ok := b.artifact(v.EncapsulatedValue().(*product), at)
		return []engine.Ref{r}, ok
	case t == cty.String && b.port.Kind == "file":
		if v.AsString() == "" {
			return nil, true
		}
		r, ok := b.artifact(b.path(v.AsString()), at)
		return []engine.Ref{r}, ok
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return b.list(v, at, expr)
	}
	b.report(at, "Wrong type of value", "The input %q of %s step takes %s, not %s.%s", b.port.Name, diag.Article(b.i.step.decl.typeName), b.takes(), diag.WhatIs(v), b.hint(v))
	return nil, false
}

// path is an artifact for a plain string: a path variable's value, or a path relative to the file.
func (b *binder) path(s string) *product {
	p := &engine.Path{Kind: engine.PathAny, Abs: resolvePath(b.a.in.folder, s), Text: s}
	if text, ok := b.e.texts[s]; ok {
		p.Text = text
	}
	return &product{kind: "file", path: p}
}

func (b *binder) list(v cty.Value, at hcl.Range, expr hcl.Expression) ([]engine.Ref, bool) {
	var each []hcl.Expression
	if expr != nil {
		if list, diags := hcl.ExprList(expr); !diags.HasErrors() && len(list) == v.LengthInt() {
			each = list // every element has a place of its own
		}
	}
	var out []engine.Ref
	ok := true
	for it, n := v.ElementIterator(), 0; it.Next(); n++ {
		_, x := it.Element()
		r := at
		if each != nil {
			r = each[n].Range()
		}
		refs, good := b.value(x, r, nil)
		out, ok = append(out, refs...), ok && good
	}
	return out, ok
}

// artifact checks that an artifact fits the port and makes a reference of it.
func (b *binder) artifact(a *product, at hcl.Range) (engine.Ref, bool) {
	ref := engine.Ref{Port: a.port, Path: a.path, Pos: shortPos(at)}
	if b.port.Kind != "file" && a.kind != b.port.Kind {
		b.wrongKind(a, at)
		return ref, false
	}
	if a.from == nil {
		if b.port.Absent {
			path := *a.path
			path.Absent = true
			a.path, ref.Path = &path, &path
		}
		b.e.read = append(b.e.read, readPath{a.path, b.a, b.sc, at, b.port.Missing})
		return ref, true
	}
	needed, ok := b.e.isNeeded(a.from)
	if ok && !needed {
		d := b.report(at, "Step is not needed", "%s is used here, but its `when` is false. Use it only where it is needed: CONDITION ? %s.%s : ...",
			a.from, a.from, a.port)
		diag.Also(d, a.from.step.decl.body.attrs["when"].rng, "not needed because of this")
		return ref, false
	}
	b.i.edges = append(b.i.edges, edge{to: a.from, arg: b.a.name, rng: at})
	ref.Node = a.from.node
	return ref, ok
}

func (b *binder) wrongKind(a *product, at hcl.Range) {
	if a.from == nil {
		b.report(at, "Wrong kind of artifact", "The input %q of %s step takes %s, and %s is a path. A dataset step reads rows from a file or folder.",
			b.port.Name, diag.Article(b.i.step.decl.typeName), diag.Article(b.port.Kind), a)
		return
	}
	var fits []string
	for _, p := range a.from.ports {
		if p.Kind == b.port.Kind {
			fits = append(fits, fmt.Sprintf("%s.%s", a.from, p.Name))
		}
	}
	hint := ""
	if len(fits) > 0 {
		hint = " Did you mean " + diag.OrList(fits) + "?"
	}
	d := b.report(at, "Wrong kind of artifact", "The input %q of %s (%s step) takes %s, but the output %q of %s (%s step) is %s.%s",
		b.port.Name, b.i, diag.Article(b.i.step.decl.typeName), diag.Article(b.port.Kind), a.port, a.from, diag.Article(a.from.step.decl.typeName), diag.Article(a.kind), hint)
	diag.Also(d, a.from.step.decl.rng, "%s gives %s as %q", a.from, diag.Article(a.kind), a.port)
}

// takes is what the port wants, in words.
func (b *binder) takes() string {
	switch {
	case b.i.step.decl.typ.Dynamic:
		return "a file or folder, a step's output, or a list of them"
	case b.port.Kind == "file":
		return "a file or folder, or a step's output"
	}
	return diag.Article(grammar.PortType(b.port))
}

// hint says what to write instead where a whole step or a plain path stands for an artifact.
func (b *binder) hint(v cty.Value) string {
	var fits []string
	if v.Type().IsObjectType() {
		for it := v.ElementIterator(); it.Next(); {
			k, x := it.Element()
			if x.Type().Equals(productType) && !x.IsNull() {
				if a := x.EncapsulatedValue().(*product); b.port.Kind == "file" || a.kind == b.port.Kind {
					fits = append(fits, fmt.Sprintf("step.%s.%s", a.from.name, k.AsString()))
				}
			}
		}
	}
	if len(fits) > 0 {
		return " Name the output: " + diag.OrList(fits) + "."
	}
	if v.Type() == cty.String {
		return " A dataset step reads rows from a file or folder."
	}
	return ""
}
