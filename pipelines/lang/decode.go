package lang

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
	"rein/steps/metric"
)

// decoder turns a parsed file into a module.
type decoder struct {
	types   map[string]*steps.Type
	m       *module
	steps   map[string]*stepDecl // by name
	schemas map[kind]*schema
	diags   hcl.Diagnostics
}

// kind is what bodies with the same schema have in common.
type kind struct {
	block string
	typ   *steps.Type // of a step
}

// schema is made once for all blocks of a kind.
func (d *decoder) schema(k kind) *schema {
	s := d.schemas[k]
	switch {
	case s != nil:
		return s
	case k.typ != nil:
		s = schemaOf(grammar.Step(k.typ), fmt.Sprintf("a step of type %q", k.typ.Name))
	default:
		s = schemaOf(*grammar.Of(k.block), diag.Article(k.block)+" block")
	}
	if d.schemas == nil {
		d.schemas = map[kind]*schema{}
	}
	d.schemas[k] = s
	return s
}

func (d *decoder) errorf(r hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	added := errorAt(r, summary, format, args...)
	d.diags = d.diags.Append(added)
	return added
}

func errorAt(r hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return diag.Say(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Subject: &r}, format, args...)
}

func (d *decoder) file(body hcl.Body) {
	at := bodyName{article: "a pipeline file"}
	for _, b := range grammar.Blocks {
		at.blocks = append(at.blocks, b.Name)
	}
	c, _, diags := content(body, grammar.File(), at)
	d.diags = append(d.diags, diags...)
	if c == nil {
		return
	}
	seen := map[string]hcl.Range{}
	for _, b := range c.Blocks {
		if first, ok := seen[b.Type]; ok && grammar.Of(b.Type).Single {
			diag.Also(d.errorf(b.DefRange, "Duplicate block", "A file has one %s block.", b.Type), first, "the first")
			continue
		}
		seen[b.Type] = b.DefRange
		if !d.labels(b) {
			continue
		}
		switch b.Type {
		case "pipeline":
			d.pipeline(b)
		case "variable":
			d.variable(b)
		case "locals":
			d.m.locals = append(d.m.locals, d.free(b.Body, d.m.locals, "local value")...)
		case "set":
			d.m.set = append(d.m.set, d.free(b.Body, d.m.set, "set value")...)
		case "expect":
			d.m.expect = append(d.m.expect, d.freeBy(b.Body, d.m.expect, "expectation", metric.Canonical)...)
		case "plan":
			d.m.plan = append(d.m.plan, d.free(b.Body, d.m.plan, "planning fact")...)
		case "sweep":
			d.m.sweep = append(d.m.sweep, d.free(b.Body, d.m.sweep, "swept variable")...)
		case "step":
			d.step(b)
		case "output":
			d.output(b)
		case "compare":
			d.m.compare = d.block(b, d.schema(kind{block: "compare"}))
		case "executor":
			d.executor(b)
		case "cache":
			d.m.cache = d.block(b, d.schema(kind{block: "cache"}))
		}
	}
}

// labels checks that names can be written in references. A pipeline's name is free text.
func (d *decoder) labels(b *hcl.Block) bool {
	ok := true
	for i, l := range b.Labels {
		if b.Type == "pipeline" || (i == 0 && (b.Type == "step" || b.Type == "executor")) {
			if l == "" {
				d.errorf(b.LabelRanges[i], "Empty name", "The %s of a %s block can't be empty.", grammar.Of(b.Type).Labels[i], b.Type)
				ok = false
			}
			continue
		}
		if !hclsyntax.ValidIdentifier(l) {
			d.errorf(b.LabelRanges[i], "Wrong name", "%q can't be the name of a %s: a name starts with a letter and has only letters, digits, - and _, so that it can be referred to.", l, b.Type)
			ok = false
		}
	}
	return ok
}

func (d *decoder) pipeline(b *hcl.Block) {
	h := &header{name: b.Labels[0], rng: b.DefRange, nameRange: b.LabelRanges[0]}
	s := schemaOf(*grammar.Of("pipeline"), "the pipeline block")
	c, _, diags := content(b.Body, s.hcl, s.name)
	d.diags = append(d.diags, diags...)
	d.constant(c, "title", &h.title)
	d.constant(c, "extends", &h.extends)
	d.constant(c, "abstract", &h.abstract)
	if a := c.Attributes["extends"]; a != nil {
		h.extendsPos = a.Expr.Range()
		if h.extends == "" && !d.diags.HasErrors() {
			d.errorf(h.extendsPos, "Empty path", "extends names a base file, relative to this one; leave the argument out if there is none.")
		}
	}
	d.m.header = h
}

// constant reads an argument that is needed before anything can be evaluated.
func (d *decoder) constant(c *hcl.BodyContent, name string, to any) {
	a := c.Attributes[name]
	if a == nil {
		return
	}
	if vars := a.Expr.Variables(); len(vars) > 0 {
		d.errorf(vars[0].SourceRange(), "Not a constant", "%s is needed before any value is known, so it can't use %s: write the value itself.", name, vars[0].RootName())
		return
	}
	d.diags = append(d.diags, gohcl.DecodeExpression(a.Expr, nil, to)...)
}

// free reads a block that takes any argument.
func (d *decoder) free(body hcl.Body, have []*attr, what string) []*attr {
	return d.freeBy(body, have, what, itself)
}

// itself is the meaning of names that mean nothing but themselves.
func itself(name string) string { return name }

// freeBy reads a block that takes any argument. No two of them may have names of the same meaning.
func (d *decoder) freeBy(body hcl.Body, have []*attr, what string, meaning func(string) string) []*attr {
	if native, ok := body.(*hclsyntax.Body); ok {
		for _, b := range native.Blocks {
			d.errorf(b.TypeRange, "Unexpected block", "Only NAME = VALUE is possible here: write %s = { ... } with an equals sign.", b.Type)
		}
		body = &hclsyntax.Body{Attributes: native.Attributes, SrcRange: native.SrcRange, EndRange: native.EndRange}
	}
	m, diags := body.JustAttributes()
	d.diags = append(d.diags, diags...)
	out := sortedAttrs(m, d.m)
	d.diags = append(d.diags, duplicates(have, out, what, meaning)...)
	return out
}

// duplicates reports those of more that mean the same as an earlier one, or one of have.
func duplicates(have, more []*attr, what string, meaning func(string) string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	first := make(map[string]*attr, len(have)+len(more))
	for _, a := range have {
		first[meaning(a.name)] = a
	}
	for _, a := range more {
		h := first[meaning(a.name)]
		if h == nil {
			first[meaning(a.name)] = a
			continue
		}
		d := errorAt(a.nameRange, "Duplicate "+what, "%q was given already.", a.name)
		if h.name != a.name {
			d = errorAt(a.nameRange, "Duplicate "+what, "%q and %q are names of one figure: give it once.", h.name, a.name)
		}
		diags = append(diags, diag.Also(d, h.rng, "the first"))
	}
	return diags
}

// block reads a body by its schema, blocks within it too.
func (d *decoder) block(b *hcl.Block, s *schema) *block {
	out := &block{name: b.Type, attrs: map[string]*attr{}, rng: b.DefRange, in: d.m}
	if s.Free {
		for _, a := range d.freeBy(b.Body, nil, "expectation", metric.Canonical) {
			out.attrs[metric.Canonical(a.name)] = a // overrides one of another name, too
		}
		return out
	}
	if native, ok := b.Body.(*hclsyntax.Body); ok && knows(s.hcl, native) { // like most
		for name, a := range native.Attributes {
			out.attrs[name] = &attr{name: name, expr: a.Expr, rng: a.SrcRange, nameRange: a.NameRange, in: d.m}
		}
		var inner hcl.Blocks
		for _, b := range native.Blocks {
			inner = append(inner, b.AsHCLBlock())
		}
		d.fill(out, inner, s)
		return out
	}
	c, meant, diags := content(b.Body, s.hcl, s.name)
	d.diags = append(d.diags, diags...)
	out.meant = meant
	for _, a := range sortedAttrs(c.Attributes, d.m) {
		out.attrs[a.name] = a
	}
	d.fill(out, c.Blocks, s)
	return out
}

// fill adds the blocks within a block, and looks for what is missing.
func (d *decoder) fill(out *block, blocks hcl.Blocks, s *schema) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		n := s.inner[b.Type]
		if first, ok := seen[b.Type]; ok && n.Single {
			diag.Also(d.errorf(b.DefRange, "Duplicate block", "%s may come once here.", b.Type), first, "the first")
			continue
		}
		seen[b.Type] = b.DefRange
		nb := d.block(b, n)
		nb.repeated = !n.Single
		out.blocks = append(out.blocks, nb)
	}
	for _, a := range s.Args {
		if a.Required && out.attrs[a.Name] == nil && !s.Late && !slices.Contains(out.meant, a.Name) {
			d.errorf(out.rng, "Missing argument", "%s needs the argument %q: %s", s.Name, a.Name, a.Doc)
		}
	}
}

func (d *decoder) variable(b *hcl.Block) {
	n := len(d.diags)
	body := d.block(b, d.schema(kind{block: "variable"}))
	v := &variableDecl{broken: len(d.diags) > n, name: b.Labels[0], attrs: body.attrs, validations: body.blocks, rng: b.DefRange, nameRange: b.LabelRanges[0], in: d.m}
	for _, o := range d.m.variables {
		if o.name == v.name {
			diag.Also(d.errorf(v.nameRange, "Duplicate variable", "variable %q was declared already.", v.name), o.rng, "the first")
			return
		}
	}
	d.m.variables = append(d.m.variables, v)
}

func (d *decoder) step(b *hcl.Block) {
	s := &stepDecl{typeName: b.Labels[0], name: b.Labels[1], rng: b.DefRange, typeRange: b.LabelRanges[0], nameRange: b.LabelRanges[1], in: d.m}
	s.overrides = []*module{d.m}
	s.typ = d.types[s.typeName]
	if s.typ == nil {
		names := slices.Sorted(maps.Keys(d.types))
		d.errorf(s.typeRange, "Unknown step type", "There is no step type %q.%s `rein steps` lists them.", s.typeName, diag.DidYouMean(s.typeName, names))
		s.body = &block{name: "step", attrs: map[string]*attr{}, rng: b.DefRange, in: d.m}
	} else {
		s.body = d.block(b, d.schema(kind{typ: s.typ}))
	}
	if o := d.steps[s.name]; o != nil {
		diag.Also(d.errorf(s.nameRange, "Duplicate step", "A step named %q was declared already; names are unique in a pipeline, whatever the type.", s.name), o.rng, "the first")
		return
	}
	d.steps[s.name] = s
	d.m.steps = append(d.m.steps, s)
}

func (d *decoder) output(b *hcl.Block) {
	o := &outputDecl{name: b.Labels[0], rng: b.DefRange, in: d.m}
	o.body = d.block(b, d.schema(kind{block: "output"}))
	for _, p := range d.m.outputs {
		if p.name == o.name {
			diag.Also(d.errorf(b.LabelRanges[0], "Duplicate output", "output %q was declared already.", o.name), p.rng, "the first")
			return
		}
	}
	d.m.outputs = append(d.m.outputs, o)
}

func (d *decoder) executor(b *hcl.Block) {
	x := &executorDecl{kind: b.Labels[0], name: b.Labels[1], nameRange: b.LabelRanges[1]}
	switch {
	case x.kind != "slurm":
		d.errorf(b.LabelRanges[0], "Unknown kind of executor", "There is no kind of executor %q.%s", x.kind, diag.Suggest(x.kind, "kinds", []string{"slurm"}))
		return
	case x.name == localExecutor:
		d.errorf(x.nameRange, "Reserved name", "%q is this machine; give the executor another name.", x.name)
		return
	}
	x.body = d.block(b, d.schema(kind{block: "executor"}))
	d.m.executors = append(d.m.executors, x)
}

// shortPos is file:line for use within a sentence.
func shortPos(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }
