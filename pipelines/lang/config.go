package lang

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
)

// configurer evaluates the arguments of an instance that are config, not inputs.
type configurer struct {
	e         *evaluator
	i         *instance
	args      map[string]cty.Value
	ok        bool     // all arguments have a value, and the step type accepts them
	sensitive []string // dotted paths of values that must not be shown
}

// bindConfig evaluates a step's config.
func (e *evaluator) bindConfig(i *instance) {
	i.config = &configurer{e: e, i: i}
	i.config.args, i.config.ok = i.config.fields(i.step.decl.typ.Fields, i.step.decl.body, "")
}

// makeOps makes the engine's Ops of the instances' config. These depend on nothing else, so all cores take part.
func (e *evaluator) makeOps(instances []*instance) {
	refused := make([]error, len(instances))
	onAllCores(len(instances), func(n int) {
		i := instances[n]
		t := i.step.decl.typ
		op, err := t.Op(cty.ObjectVal(i.config.args), i.config.sensitive...)
		if refused[n] = err; err == nil && i.config.ok {
			i.node.Op, i.node.Traits = op, t.Traits(op)
		}
	})
	for n, i := range instances {
		i.config.judge(refused[n])
	}
}

// judge reports what a step type has against its config.
func (c *configurer) judge(err error) {
	for _, problem := range steps.Problems(err) {
		if _, told := c.args[argumentOf(problem)]; c.ok || told { // an argument that is wrong itself may make others seem wrong
			c.refused(problem)
		}
	}
	c.ok = c.ok && err == nil
}

// argumentOf is the argument that a step type's complaint begins with.
func argumentOf(problem error) string {
	path, _, _ := strings.Cut(problem.Error(), ":")
	name, _, _ := strings.Cut(path, ".")
	return name
}

// refused reports what a step type has against its config: at the argument, if the message starts with the path of one.
func (c *configurer) refused(problem error) {
	decl := c.i.step.decl
	msg := strings.TrimSuffix(problem.Error(), ".") + "."
	a := decl.body.attrs[argumentOf(problem)]
	path, text, inBlock := strings.Cut(msg, ": ")
	if block, name, ok := strings.Cut(path, "."); ok && inBlock && a == nil {
		for _, b := range decl.body.blocks {
			if b.name == block && b.attrs[name] != nil {
				a, msg = b.attrs[name], name+": "+text
			}
		}
	}
	if a == nil {
		c.e.diags = c.e.diags.Append(errorAt(decl.rng, "Wrong configuration", "%s (%s step): %s", c.i, diag.Article(decl.typeName), msg))
		return
	}
	var unknown *steps.Unknown
	if errors.As(problem, &unknown) {
		at, _ := c.e.written(a)
		if r := elementRange(a.expr, unknown.Name); r != nil {
			at = *r
		}
		d := errorAt(at, "Wrong value", "%s: there is no %q.%s", unknown.Arg, unknown.Name, diag.Suggest(unknown.Name, "values", unknown.Known))
		c.e.diags = c.e.diags.Append(c.e.withValues(d, a, c.scope(a)))
		return
	}
	c.e.diags = c.e.diags.Append(c.wrong(a, "Wrong value", "%s", msg))
}

// elementRange is the place of a list's element or a map's key with that text; nil if the text doesn't stand there literally.
func elementRange(expr hcl.Expression, text string) *hcl.Range {
	list, _ := hcl.ExprList(expr)
	pairs, _ := hcl.ExprMap(expr)
	for _, p := range pairs {
		list = append(list, p.Key)
	}
	for _, x := range list {
		v, diags := x.Value(nil)
		if key, ok := keyText(v); !diags.HasErrors() && ok && key == text {
			r := x.Range()
			return &r
		}
	}
	return nil
}

// wrong is a diagnostic about an argument's value, at the place where the value was written.
func (c *configurer) wrong(a *attr, summary, format string, args ...any) *hcl.Diagnostic {
	at, from := c.e.written(a)
	d := errorAt(at, summary, format, args...)
	if from != "" {
		d.Detail += " The value comes from " + from + "."
	}
	return diag.Also(c.e.withValues(d, a, c.scope(a)), a.expr.Range(), "used here")
}

func (c *configurer) scope(a *attr) scope {
	s := c.i.scope("a step's argument")
	s.in = a.in
	return s
}

// fields evaluates a body's arguments and blocks by their schema.
func (c *configurer) fields(fields []steps.Field, body *block, prefix string) (map[string]cty.Value, bool) {
	out := map[string]cty.Value{}
	ok := true
	for _, f := range fields {
		if f.Block {
			v, good := c.blocks(f, body, prefix)
			if ok = ok && good; good && v != cty.NilVal {
				out[f.Name] = v
			}
			continue
		}
		a := body.attrs[f.Name]
		if a == nil || c.isInput(a) {
			if f.Required {
				c.missing(f, body, prefix)
				ok = false
			}
			continue
		}
		v, good := c.field(f, a, prefix)
		if ok = ok && good; good {
			out[f.Name] = v
		}
	}
	return out, ok
}

// isInput tells whether what is written is a port's artifact.
func (c *configurer) isInput(a *attr) bool {
	return slices.ContainsFunc(c.i.step.decl.typ.In, func(p steps.Port) bool { return p.Block != "" && c.i.step.decl.body.input(p) == a })
}

func (c *configurer) missing(f steps.Field, body *block, prefix string) {
	if slices.Contains(body.meant, f.Name) {
		return
	}
	if prefix == "" {
		c.e.missing(c.i, f.Name, grammar.TypeText(f.Type), f.Doc)
		return
	}
	c.e.diags = c.e.diags.Append(errorAt(body.rng, "Missing argument", "The block %s of %s step needs %q (%s): %s",
		strings.TrimSuffix(prefix, "."), diag.Article(c.i.step.decl.typeName), f.Name, grammar.TypeText(f.Type), f.Doc))
}

func (c *configurer) blocks(f steps.Field, body *block, prefix string) (cty.Value, bool) {
	var list []cty.Value
	ok := true
	for _, b := range body.blocks {
		if b.name != f.Name {
			continue
		}
		m, good := c.fields(f.Fields, b, prefix+f.Name+".")
		ok = ok && good
		list = append(list, cty.ObjectVal(m))
	}
	if !ok || len(list) == 0 {
		return cty.NilVal, ok
	}
	if f.Repeated {
		return cty.TupleVal(list), true
	}
	return list[len(list)-1], true
}

// field evaluates one argument, converts it to its type, and checks it against the allowed values.
func (c *configurer) field(f steps.Field, a *attr, prefix string) (cty.Value, bool) {
	v, ok := c.e.eval(a.expr, c.scope(a))
	if !ok {
		return v, false
	}
	shown := v
	literal := c.e.factsOf(a.expr).literal
	if !literal {
		v = c.unmark(v, prefix+f.Name)
	}
	secret := slices.Contains(c.sensitive, prefix+f.Name)
	report := func(format string, args ...any) bool {
		summary := "Wrong type of value"
		if f.Enum != nil {
			summary = "Wrong value"
		}
		c.e.diags = c.e.diags.Append(c.wrong(a, summary, format, args...))
		return false
	}
	if !literal && holdsProduct(v) {
		return v, report("The argument %q of %s step takes %s, not an artifact: it is a value, no input.%s", f.Name, diag.Article(c.i.step.decl.typeName), diag.Article(grammar.TypeText(f.Type)), inputsHint(c.i.step.decl.typ))
	}
	x, err := convert.Convert(v, f.Type)
	if extra := extraAttribute(v, f.Type); extra != nil {
		err = extra
	}
	if err == nil && isInfinite(x) {
		return v, report("The argument %q of %s step is infinite: was something divided by zero?", f.Name, diag.Article(c.i.step.decl.typeName))
	}
	if err != nil {
		return v, report("The argument %q of %s step takes %s; this is %s: %s", f.Name, diag.Article(c.i.step.decl.typeName), diag.Article(grammar.TypeText(f.Type)), diag.Show(shown), sentence(err))
	}
	if x.IsNull() && f.Required {
		return v, report("The argument %q of %s step is needed, and this is null.", f.Name, diag.Article(c.i.step.decl.typeName))
	}
	if f.Enum == nil {
		return x, true
	}
	for _, s := range stringsIn(x) {
		if !slices.Contains(f.Enum, s) {
			if secret {
				s = "(sensitive)"
			}
			return v, report("The argument %q of %s step is one of %s, not %q.%s", f.Name, diag.Article(c.i.step.decl.typeName), strings.Join(f.Enum, ", "), s, diag.DidYouMean(s, f.Enum))
		}
	}
	return x, true
}

// unmark removes the marks of a value, and keeps the paths of its sensitive parts, as far as maps and objects go.
func (c *configurer) unmark(v cty.Value, at string) cty.Value {
	c.e.keepSecret(v)
	v, marks := v.UnmarkDeepWithPaths()
	for _, m := range marks {
		if _, ok := m.Marks[sensitive]; !ok {
			continue
		}
		path := at
		for _, s := range m.Path {
			a, ok := s.(cty.GetAttrStep)
			if idx, isIndex := s.(cty.IndexStep); isIndex && idx.Key.Type() == cty.String {
				a, ok = cty.GetAttrStep{Name: idx.Key.AsString()}, true
			}
			if !ok {
				break
			}
			path += "." + a.Name
		}
		if !slices.Contains(c.sensitive, path) {
			c.sensitive = append(c.sensitive, path)
		}
	}
	return v
}

func isInfinite(v cty.Value) bool {
	found := false
	if !holds(v.Type(), cty.Number) {
		return false
	}
	_ = cty.Walk(v, func(_ cty.Path, x cty.Value) (bool, error) {
		if x.Type() == cty.Number && !x.IsNull() && x.IsKnown() && x.AsBigFloat().IsInf() {
			found = true
		}
		return !found, nil
	})
	return found
}

func stringsIn(v cty.Value) []string {
	switch t := v.Type(); {
	case v.IsNull():
	case t == cty.String:
		return []string{v.AsString()}
	case t.Equals(cty.List(cty.String)) || t.Equals(cty.Set(cty.String)):
		var out []string
		for it := v.ElementIterator(); it.Next(); {
			if _, x := it.Element(); !x.IsNull() {
				out = append(out, x.AsString())
			}
		}
		return out
	}
	return nil
}

func holdsProduct(v cty.Value) bool {
	found := false
	if !holds(v.Type(), productType) {
		return false
	}
	_ = cty.Walk(v, func(_ cty.Path, x cty.Value) (bool, error) {
		found = found || x.Type().Equals(productType)
		return !found, nil
	})
	return found
}

func inputsHint(t *steps.Type) string {
	var names []string
	for _, p := range t.In {
		names = append(names, fmt.Sprintf("%s (%s)", p.Written(), grammar.PortType(p)))
	}
	if len(names) == 0 {
		return ""
	}
	return " Its inputs are " + strings.Join(names, ", ") + "."
}
