package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
)

// sensitive marks values that are never shown.
const sensitive mark = "sensitive"

type mark string

// variable is a declared variable of one pipeline and its value there.
type variable struct {
	lazy
	decl                *variableDecl
	constraint          constraint
	description         string
	nullable, sensitive bool
	from                string
	broken              bool // its declaration is wrong
}

// declare reads what a variable block says besides its default.
func (e *evaluator) declare(d *variableDecl) *variable {
	v := &variable{decl: d, nullable: true, constraint: constraint{typ: cty.DynamicPseudoType}}
	n := len(e.diags)
	get := func(name string, to any) {
		if a := d.attrs[name]; a != nil {
			if vars := a.expr.Variables(); len(vars) > 0 {
				e.diags = e.diags.Append(errorAt(vars[0].SourceRange(), "Not a constant", "%s is needed before any value is known, so it can't use %s.", name, vars[0].RootName()))
				return
			}
			e.add(gohcl.DecodeExpression(a.expr, nil, to))
		}
	}
	get("description", &v.description)
	get("nullable", &v.nullable)
	get("sensitive", &v.sensitive)
	if a := d.attrs["type"]; a != nil {
		var diags hcl.Diagnostics
		v.constraint, diags = parseType(a.expr)
		e.add(diags)
	} else if a := d.attrs["default"]; a != nil && len(a.expr.Variables()) == 0 {
		if x, diags := a.expr.Value(&hcl.EvalContext{Functions: e.functionsIn(a.in.folder)}); !diags.HasErrors() && x.Type().IsPrimitiveType() {
			v.constraint.typ = x.Type()
		}
	}
	v.broken = d.broken || e.diags[n:].HasErrors()
	return v
}

// variable computes the value of var.NAME.
func (e *evaluator) variable(r ref) (cty.Value, bool) {
	v := e.variables[r.name]
	return e.compute(&v.lazy, "var."+r.name, r.rng, func() (cty.Value, bool) { return e.resolve(v) })
}

// resolve finds the value of highest precedence for a variable, converts it and checks it.
func (e *evaluator) resolve(v *variable) (cty.Value, bool) {
	x, folder, at, ok := e.given(v)
	if v.sensitive {
		at = &v.decl.rng // not the place of the value, because the message would show it
	}
	if !ok || v.broken {
		return cty.DynamicVal, false
	}
	if v.constraint.defaults != nil && !x.IsNull() {
		x = v.constraint.defaults.Apply(x)
	}
	y, err := convert.Convert(x, v.constraint.typ)
	if extra := extraAttribute(x, v.constraint.typ); extra != nil {
		err = extra
	}
	if plain, _ := y.Unmark(); err == nil && plain.Type() == cty.Number && isInfinite(plain) {
		err = errNotFinite
	}
	if g := e.settings.find(v.decl.name); err != nil && g != nil && g.broken != "" && !v.sensitive {
		err = fmt.Errorf("%w; it can't be read as a value of this language: %s", err, g.broken)
	}
	if err != nil {
		if v.sensitive {
			x = x.Mark(sensitive)
			e.keepSecret(x)
		}
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Wrong type of value", Subject: at,
			Detail: fmt.Sprintf("variable %q is %s; %s gives %s: %s", v.decl.name, diag.Article(v.constraint.text()), v.from, diag.Show(x), sentence(err))}
		where := v.decl.rng
		if a := v.decl.attrs["type"]; a != nil {
			where = a.rng
		}
		e.diags = e.diags.Append(diag.Also(d, where, "its type"))
		return cty.DynamicVal, false
	}
	if y.IsNull() && !v.nullable {
		e.diags = e.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Null is not possible",
			Detail: fmt.Sprintf("variable %q is not nullable, and %s gives null.", v.decl.name, v.from), Subject: at})
		return cty.DynamicVal, false
	}
	y = v.constraint.paths(y, folder, e.texts)
	if v.sensitive {
		y = y.Mark(sensitive)
	}
	e.keepSecret(y)
	v.sensitive = v.sensitive || y.ContainsMarked() // made of a sensitive one
	return y, e.validate(v, y, at)
}

// given is the value that was given, and where: --var, --var-file, the environment, `set`, or the default.
func (e *evaluator) given(v *variable) (x cty.Value, folder string, at *hcl.Range, ok bool) {
	name := v.decl.name
	if g := e.settings.find(name); g != nil {
		v.from = g.from
		x, diags := g.value(e.loader, v.constraint.typ)
		e.add(diags)
		if g.rng != nil {
			at = g.rng
		}
		return x, g.folder, at, !diags.HasErrors()
	}
	for _, a := range e.m.set {
		if a.name == name {
			v.from = "set " + shortPos(a.rng)
			v.attr = a
			r := a.expr.Range()
			x, ok := e.eval(a.expr, scope{in: a.in, what: "a set value", roots: varScope})
			return x, a.in.folder, &r, ok
		}
	}
	if a := v.decl.attrs["default"]; a != nil {
		v.from = "default " + shortPos(a.rng)
		v.attr = a
		r := a.expr.Range()
		x, ok := e.eval(a.expr, scope{in: a.in, what: "a variable's default", roots: varScope})
		return x, a.in.folder, &r, ok
	}
	if v.broken {
		return cty.DynamicVal, "", nil, false
	}
	e.diags = e.diags.Append(errorAt(v.decl.rng, "No value for a variable",
		"variable %q%s has no default. Give it a value: --var %s=..., %s%s=..., a --var-file, or a set block in %s.",
		name, inParentheses(strings.TrimSuffix(v.description, ".")), name, envPrefix, name, e.m.chain.leaf().file))
	return cty.DynamicVal, "", nil, false
}

func inParentheses(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// validate runs a variable's validation blocks, which see the new value.
func (e *evaluator) validate(v *variable, y cty.Value, at *hcl.Range) bool {
	if len(v.decl.validations) == 0 {
		return true
	}
	v.value, v.state = y, done // the conditions refer to it
	for _, b := range v.decl.validations {
		cond, msg := b.attrs["condition"], b.attrs["error_message"]
		if cond == nil || msg == nil {
			return false // reported as a missing argument
		}
		s := scope{in: b.in, what: "a validation", roots: varScope}
		c, ok := e.evalAs(cond, s, cty.Bool)
		if !ok {
			return false
		}
		if c.True() {
			continue
		}
		m, ok := e.evalAs(msg, s, cty.String)
		if !ok {
			return false
		}
		if x, _ := e.eval(msg.expr, s); x.ContainsMarked() {
			m = cty.StringVal("the value is not allowed; the message about it is sensitive.")
		}
		subject := at
		if subject == nil {
			subject = &v.decl.rng
		}
		d := errorAt(*subject, "Value is not allowed", "variable %q: %s\nThe value comes from %s.", v.decl.name, m.AsString(), v.from)
		e.diags = e.diags.Append(diag.Also(e.withValues(d, cond, s), cond.rng, "the rule"))
		return false
	}
	return true
}

// evalAs computes an argument that must be a known, non-null value of a type. Marks are dropped.
func (e *evaluator) evalAs(a *attr, s scope, want cty.Type) (cty.Value, bool) {
	v, ok := e.eval(a.expr, s)
	if !ok {
		return v, false
	}
	shown := v
	if !e.factsOf(a.expr).literal {
		v, _ = v.UnmarkDeep()
	}
	x, err := convert.Convert(v, want)
	if err == nil && (x.IsNull() || !x.IsKnown()) {
		err = fmt.Errorf("null is not possible")
	}
	if err != nil {
		d := errorAt(a.expr.Range(), "Wrong type of value", "%s is %s, not %s.", a.name, wanted(want), diag.Show(shown))
		d.Expression, d.EvalContext = a.expr, e.contextFor(a.expr, s)
		e.diags = e.diags.Append(d)
		return cty.DynamicVal, false
	}
	return x, true
}

// wanted describes a type by what to write.
func wanted(t cty.Type) string {
	switch {
	case t == cty.Bool:
		return "true or false"
	case t == cty.String:
		return "a text"
	case t.IsListType():
		return "a list of texts"
	}
	return diag.Article(grammar.TypeText(t))
}

// sentence is an error as the end of one.
func sentence(err error) string {
	s := err.Error()
	if strings.HasSuffix(s, "?") || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// contextFor makes an expression's context again, for the values in a message.
func (e *evaluator) contextFor(expr hcl.Expression, s scope) *hcl.EvalContext {
	ctx, _ := e.context(e.factsOf(expr).refs, s)
	return ctx
}
