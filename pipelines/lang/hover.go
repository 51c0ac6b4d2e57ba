package lang

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/pipelines/lang/manual"
	"rein/steps"
	"rein/steps/metric"
)

// Hover is what an editor shows of the thing under the pointer.
type Hover struct {
	Range diag.Range `json:"range"`
	Text  string     `json:"text"` // Markdown
}

// Hover describes what is at a byte of a file: a name where it is declared or used, a function, an argument, a block or a step type.
func (p *Program) Hover(file string, offset int) *Hover {
	e, f := p.evaluatorOf(file), p.Sources[file]
	if e == nil || f == nil {
		return nil
	}
	for _, m := range mentionsIn(file, f) {
		if !rangeHas(m.rng, file, offset) && (m.ref == nil || !rangeHas(m.ref.all, file, offset)) {
			continue
		}
		r, at := ref{root: m.root, name: m.name}, m.rng
		if m.ref != nil {
			r, at = *m.ref, m.ref.all
		}
		if text := e.hoverRef(r); text != "" {
			return &Hover{diag.RangeOf(at), text}
		}
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	if h := e.hoverFunction(body, file, offset); h != nil {
		return h
	}
	return e.hoverBlock(body, file, offset)
}

func (e *evaluator) hoverRef(r ref) string {
	switch r.root {
	case "var":
		v := e.variables[r.name]
		if v == nil {
			return ""
		}
		text := fmt.Sprintf("**var.%s** %s", r.name, v.constraint.text())
		if v.state == done {
			text += fmt.Sprintf(" = `%s`", diag.Show(e.asWritten(v.value)))
		}
		return text + fmt.Sprintf("\n\n%s\n\nfrom %s, declared at %s", v.description, v.from, shortPos(v.decl.rng))
	case "local":
		z := e.locals[r.name]
		if z == nil {
			return ""
		}
		text := "**local." + r.name + "**"
		if z.state == done {
			text += fmt.Sprintf(" = `%s`", diag.Show(e.asWritten(z.value)))
		}
		return text + "\n\n" + shortPos(z.attr.rng)
	case "step":
		return e.hoverStep(r)
	}
	return ""
}

func (e *evaluator) hoverStep(r ref) string {
	s := e.steps[r.name]
	if s == nil || s.decl.typ == nil {
		return ""
	}
	text := fmt.Sprintf("**step.%s** a %s step, %s\n\n%s", r.name, s.decl.typeName, shortPos(s.decl.rng), s.decl.typ.Doc)
	rest := r.rest
	if s.keyed && len(rest) > 0 {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return text
	}
	if port, ok := rest[0].(hcl.TraverseAttr); ok {
		for _, p := range s.decl.typ.Out {
			if p.Name == port.Name {
				text += fmt.Sprintf("\n\n**%s** (%s): %s", p.Name, p.Kind, manual.Sentence(p.Doc))
			}
		}
	}
	return text
}

func (e *evaluator) hoverFunction(body *hclsyntax.Body, file string, offset int) *Hover {
	var found *Hover
	set := e.functionsIn("")
	hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && c.Name != instancesFunc && rangeHas(c.NameRange, file, offset) {
			if f, known := set[c.Name]; known {
				found = &Hover{diag.RangeOf(c.NameRange), fmt.Sprintf("**%s**\n\n%s", manual.Signature(c.Name, f), manual.FunctionText(c.Name, f))}
			}
		}
		return nil
	})
	return found
}

// hoverBlock explains the name of an argument or block, or the type of a step, by the schema of where it stands.
func (e *evaluator) hoverBlock(body *hclsyntax.Body, file string, offset int) *Hover {
	for _, b := range body.Blocks {
		if !rangeHas(b.Range(), file, offset) {
			continue
		}
		i := slices.IndexFunc(grammar.Blocks, func(s grammar.Block) bool { return s.Name == b.Type })
		if i < 0 {
			return nil
		}
		h := hoverer{evaluator: e, file: file, offset: offset, scope: scope{roots: anyScope}}
		s := grammar.Blocks[i]
		if rangeHas(b.TypeRange, file, offset) {
			return &Hover{diag.RangeOf(b.TypeRange), "**" + s.Name + "**\n\n" + s.Doc}
		}
		if s.Name == "step" && len(b.Labels) > 0 {
			if h.typ = e.types()[b.Labels[0]]; h.typ == nil {
				return nil
			}
			if rangeHas(b.LabelRanges[0], file, offset) {
				return &Hover{diag.RangeOf(b.LabelRanges[0]), "**" + h.typ.Name + "**\n\n" + manual.Step(h.typ)}
			}
			s = grammar.Step(h.typ)
		}
		return h.body(b.Body, s, h.resolved(b))
	}
	return nil
}

// hoverer explains what is at a place within a block.
type hoverer struct {
	*evaluator
	file   string
	offset int
	typ    *steps.Type // of a step
	scope  scope       // in which the block's arguments have their values
}

// resolved is the block after inheritance; nil if that doesn't matter.
func (h *hoverer) resolved(b *hclsyntax.Block) *block {
	switch {
	case b.Type == "compare":
		return h.m.compare
	case b.Type == "step" && len(b.Labels) == 2 && h.steps[b.Labels[1]] != nil:
		s := h.steps[b.Labels[1]]
		h.scope = scope{roots: stepScope, keyed: true}
		if len(s.instances) > 0 && !s.keyed {
			h.scope = s.instances[0].scope("a step's argument")
		}
		return s.decl.body
	}
	return nil
}

func (h *hoverer) body(body *hclsyntax.Body, s grammar.Block, resolved *block) *Hover {
	for _, a := range body.Attributes {
		if !rangeHas(a.NameRange, h.file, h.offset) {
			continue
		}
		for _, arg := range s.Args {
			if arg.Name == a.Name {
				text := fmt.Sprintf("**%s** %s\n\n%s", arg.Name, arg.Type, manual.Sentence(arg.Doc)+manual.DefaultText(h.typ, arg.Name))
				return &Hover{diag.RangeOf(a.NameRange), text + h.value(resolved, a)}
			}
		}
		if m, ok := metric.Lookup(a.Name); ok && (s.Name == "expect" || s.Name == "target") {
			return &Hover{diag.RangeOf(a.NameRange), fmt.Sprintf("**%s** %s\n\n%s", m.Name, m.Label, manual.Sentence(m.Meaning))}
		}
	}
	for _, b := range body.Blocks {
		i := slices.IndexFunc(s.Blocks, func(s grammar.Block) bool { return s.Name == b.Type })
		if i < 0 || !rangeHas(b.Range(), h.file, h.offset) {
			continue
		}
		inner := s.Blocks[i]
		if rangeHas(b.TypeRange, h.file, h.offset) {
			return &Hover{diag.RangeOf(b.TypeRange), "**" + inner.Name + "**\n\n" + manual.Sentence(inner.Doc)}
		}
		h.typ = nil // its defaults are the step's own
		if resolved != nil {
			resolved = resolved.one(b.Type)
		}
		return h.body(b.Body, inner, resolved)
	}
	return nil
}

// value is an argument's value in the pipeline, if it isn't the one that is written here.
func (h *hoverer) value(b *block, here *hclsyntax.Attribute) string {
	if b == nil || b.attrs[here.Name] == nil {
		return ""
	}
	a := b.attrs[here.Name]
	h.scope.in = a.in
	r := h.resolvedArg(a, h.scope)
	elsewhere := a.rng.Filename != h.file || a.rng.Start.Byte != here.SrcRange.Start.Byte
	value := cmp.Or(r.Value, r.Expression)
	switch {
	case elsewhere:
		return fmt.Sprintf("\n\nIn %s it is `%s`, from %s.", h.name(), clip(value), r.From)
	case r.Value != "":
		return fmt.Sprintf("\n\nIn %s it is `%s`.", h.name(), clip(value))
	}
	return ""
}

// name is the pipeline's, for messages.
func (h *hoverer) name() string { return baseName(h.m.chain.leaf().file) }

// clip shortens a value to what fits a tooltip.
func clip(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
