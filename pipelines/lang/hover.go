package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/steps"
)

// Hover is what an editor shows of the thing under the pointer.
type Hover struct {
	Range Range  `json:"range"`
	Text  string `json:"text"` // Markdown
}

// Hover tells what is at a byte of a file: a reference, a function, an argument, a block or a step type.
func (p *Program) Hover(file string, offset int) *Hover {
	e := p.evaluatorOf(file)
	if e == nil {
		return nil
	}
	for a := range e.m.attrs() {
		if !rangeHas(a.expr.Range(), file, offset) {
			continue
		}
		for _, r := range e.factsOf(a.expr).refs {
			if rangeHas(r.all, file, offset) {
				if text := e.hoverRef(r); text != "" {
					return &Hover{rangeOf(r.all), text}
				}
			}
		}
		if h := e.hoverFunction(a.expr, file, offset); h != nil {
			return h
		}
	}
	return e.hoverBlock(file, offset)
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
			text += fmt.Sprintf(" = `%s`", showValue(e.asWritten(v.value)))
		}
		return text + fmt.Sprintf("\n\n%s\n\nfrom %s, declared at %s", v.description, v.from, shortPos(v.decl.rng))
	case "local":
		z := e.locals[r.name]
		if z == nil {
			return ""
		}
		text := "**local." + r.name + "**"
		if z.state == done {
			text += fmt.Sprintf(" = `%s`", showValue(e.asWritten(z.value)))
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
				text += fmt.Sprintf("\n\n**%s** (%s): %s", p.Name, p.Kind, asSentence(p.Doc))
			}
		}
	}
	return text
}

func (e *evaluator) hoverFunction(x hcl.Expression, file string, offset int) *Hover {
	node, ok := x.(hclsyntax.Expression)
	if !ok {
		return nil
	}
	var found *Hover
	set := e.functionsIn("")
	hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && c.Name != instancesFunc && rangeHas(c.NameRange, file, offset) {
			if f, known := set[c.Name]; known {
				found = &Hover{rangeOf(c.NameRange), fmt.Sprintf("**%s**\n\n%s", signature(c.Name, f), functionDoc(c.Name, f))}
			}
		}
		return nil
	})
	return found
}

// hoverBlock explains the name of an argument or block, or the type of a step, by the schema of where it stands.
func (e *evaluator) hoverBlock(file string, offset int) *Hover {
	f := e.sources[file]
	if f == nil {
		return nil
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	for _, b := range body.Blocks {
		for _, s := range grammar {
			if s.name != b.Type {
				continue
			}
			if rangeHas(b.TypeRange, file, offset) {
				return &Hover{rangeOf(b.TypeRange), "**" + s.name + "**\n\n" + s.doc}
			}
			if s.name == "step" && len(b.Labels) > 0 {
				t := e.types[b.Labels[0]]
				if t == nil {
					continue
				}
				if rangeHas(b.LabelRanges[0], file, offset) {
					return &Hover{rangeOf(b.LabelRanges[0]), "**" + t.Name + "**\n\n" + StepReference(t)}
				}
				s = stepSchema(t)
			}
			if h := hoverBody(b.Body, s, file, offset, e.types[strings.Join(b.Labels[:min(1, len(b.Labels))], "")]); h != nil {
				return h
			}
		}
	}
	return nil
}

func hoverBody(body *hclsyntax.Body, s blockSchema, file string, offset int, t *steps.Type) *Hover {
	for _, a := range body.Attributes {
		if !rangeHas(a.NameRange, file, offset) {
			continue
		}
		for _, arg := range s.args {
			if arg.name == a.Name {
				return &Hover{rangeOf(a.NameRange), fmt.Sprintf("**%s** %s\n\n%s", arg.name, arg.typ, asSentence(arg.doc)+defaultText(t, arg.name))}
			}
		}
	}
	for _, b := range body.Blocks {
		for _, inner := range s.blocks {
			if inner.name != b.Type {
				continue
			}
			if rangeHas(b.TypeRange, file, offset) {
				return &Hover{rangeOf(b.TypeRange), "**" + inner.name + "**\n\n" + asSentence(inner.doc)}
			}
			if h := hoverBody(b.Body, inner, file, offset, nil); h != nil {
				return h
			}
		}
	}
	return nil
}

// defaultText says what an argument of a step type is without being given.
func defaultText(t *steps.Type, name string) string {
	if t == nil {
		return ""
	}
	for _, f := range fieldSchemas(t.Fields) {
		if f.Name == name && f.literal != "" {
			return " Default `" + f.literal + "`."
		}
	}
	return ""
}
