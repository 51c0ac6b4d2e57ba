package lang

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/pipelines/lang/manual"
	"rein/steps"
	"rein/steps/metric"
)

// Candidate is a text that can be inserted at a place.
type Candidate struct {
	Text   string   `json:"text"`
	Kind   string   `json:"kind"`             // "block", "argument", "type", "variable", "local", "step", "port", "function", "metric", "file", "folder", "value"
	Detail string   `json:"detail,omitempty"` // its type, the kind of its artifact, or a few words
	Doc    string   `json:"doc,omitempty"`    // Markdown
	Labels []string `json:"labels,omitempty"` // of a block
	first  bool     // fits best
}

// Completion lists what can be written at a place, the best first. Each candidate replaces the text from Start to the place.
type Completion struct {
	Start int // byte
	Items []Candidate
}

// Complete lists what can be written at a byte of a text, judging by what stands before it. What fits the argument comes first. The names
// are the program's; the text may be newer than the program, and may have mistakes.
func (p *Program) Complete(file string, text []byte, offset int) Completion {
	out := Completion{Start: offset}
	if offset < 0 || offset > len(text) || isJSON(file) {
		return out
	}
	c := &completer{e: p.evaluatorOf(file), file: file, at: writingAt(file, text[:offset])}
	if c.e == nil || c.at.comment {
		return out
	}
	word := c.at.word
	switch {
	case c.at.label >= 0:
		out.Items = c.labels()
	case c.at.named: // a label in quotes, "=" or "{" follows
	case c.at.argument == "":
		out.Items = c.names()
	case c.at.quoted && c.wantsPath():
		word = c.at.text[strings.LastIndexByte(c.at.text, '/')+1:]
		out.Items = c.paths(strings.TrimSuffix(c.at.text, word))
	default:
		out.Items = c.values()
	}
	out.Start -= len(word)
	out.Items = slices.DeleteFunc(out.Items, func(x Candidate) bool { return !strings.HasPrefix(x.Text, word) })
	slices.SortFunc(out.Items, func(a, b Candidate) int {
		return cmp.Or(compareBool(b.first, a.first), cmp.Compare(a.Text, b.Text))
	})
	out.Items = slices.CompactFunc(out.Items, func(a, b Candidate) bool { return a.Text == b.Text })
	return out
}

// compareBool has false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

type completer struct {
	e    *evaluator
	file string
	at   writing
}

// schema is the schema of the innermost open block, nil at the top of a file.
func (c *completer) schema() (s *grammar.Block, t *steps.Type) {
	for i, h := range c.at.blocks {
		list := grammar.Blocks
		if i > 0 {
			list = s.Blocks
		}
		n := slices.IndexFunc(list, func(b grammar.Block) bool { return b.Name == h.typ })
		if n < 0 {
			return &grammar.Block{}, nil
		}
		x := list[n]
		if i == 0 && h.typ == "step" {
			if t = c.e.types()[h.labels[0]]; t != nil {
				x = grammar.Step(t)
			}
		}
		s = &x
	}
	return s, t
}

// labels completes a block's labels: step types, and the names of what may be overridden.
func (c *completer) labels() []Candidate {
	var out []Candidate
	h := c.at.header
	switch {
	case h.typ == "step" && c.at.label == 0:
		for _, t := range c.e.types() {
			out = append(out, Candidate{Text: t.Name, Kind: "type", Detail: t.Doc, Doc: manual.Step(t)})
		}
	case h.typ == "step" && c.at.label == 1:
		for _, s := range c.e.stepOrder {
			if s.decl.typeName == h.labels[0] {
				out = append(out, Candidate{Text: s.decl.name, Kind: "step", Detail: "override the step of " + s.decl.in.file})
			}
		}
	case h.typ == "variable":
		for name := range c.e.variables {
			out = append(out, Candidate{Text: name, Kind: "variable"})
		}
	}
	return out
}

// names completes the name of a block or an argument.
func (c *completer) names() []Candidate {
	var out []Candidate
	s, t := c.schema()
	if s == nil {
		for _, b := range grammar.Blocks {
			out = append(out, blockCandidate(b))
		}
		return out
	}
	for _, a := range s.Args {
		out = append(out, Candidate{Text: a.Name, Kind: "argument", Detail: a.Type, Doc: manual.Sentence(a.Doc) + manual.DefaultText(t, a.Name), first: a.Required})
	}
	for _, b := range s.Blocks {
		out = append(out, blockCandidate(b))
	}
	if s.Name == "set" {
		for name, v := range c.e.variables {
			out = append(out, Candidate{Text: name, Kind: "variable", Detail: v.constraint.text(), Doc: v.description})
		}
	}
	if s.Name == "expect" || s.Name == "target" {
		out = append(out, metricCandidates("")...)
	}
	return out
}

func blockCandidate(b grammar.Block) Candidate {
	return Candidate{Text: b.Name, Kind: "block", Doc: manual.Sentence(b.Doc), Labels: b.Labels}
}

func metricCandidates(prefix string) []Candidate {
	var out []Candidate
	for _, m := range metric.All {
		out = append(out, Candidate{Text: prefix + m.Name, Kind: "metric", Detail: m.Label, Doc: manual.Sentence(m.Meaning)})
	}
	return out
}

// values completes an expression.
func (c *completer) values() []Candidate {
	kind, out := c.forArgument()
	if c.at.quoted {
		return out
	}
	for name, v := range c.e.variables {
		out = append(out, Candidate{Text: "var." + name, Kind: "variable", Detail: v.constraint.text(), Doc: v.description})
	}
	for name := range c.e.locals {
		out = append(out, Candidate{Text: "local." + name, Kind: "local"})
	}
	wantsStep := c.wantsStep()
	for _, s := range c.e.stepOrder {
		out = append(out, Candidate{Text: "step." + s.decl.name, Kind: "step", Detail: s.decl.typeName, first: wantsStep})
		for _, i := range s.instances {
			for _, p := range i.ports {
				out = append(out, Candidate{Text: "step." + i.name + "." + p.Name, Kind: "port", Detail: p.Kind, Doc: portDoc(s.decl.typ, p.Name), first: kind != "" && (p.Kind == kind || kind == "file")})
			}
		}
	}
	if s, _ := c.schema(); s != nil && s.Name == "step" {
		out = append(out, Candidate{Text: "each.key", Kind: "value"}, Candidate{Text: "each.value", Kind: "value"})
	} else if s != nil && s.Name == "assert" {
		out = append(out, metricCandidates("metric.")...)
	}
	set := c.e.functionsIn("")
	for _, name := range c.e.functionNames() {
		out = append(out, Candidate{Text: name, Kind: "function", Detail: manual.Signature(name, set[name]), Doc: manual.FunctionText(name, set[name])})
	}
	return out
}

// forArgument is the kind of artifact that an argument takes, or the values that it allows.
func (c *completer) forArgument() (kind string, out []Candidate) {
	s, t := c.schema()
	if t != nil {
		for _, p := range t.In {
			within := len(c.at.blocks) == 1 && p.Block == "" || len(c.at.blocks) == 2 && p.Block == c.at.blocks[1].typ
			if within && p.Name == c.at.argument {
				return p.Kind, nil
			}
		}
	}
	if t != nil {
		fields := t.Fields
		for _, h := range c.at.blocks[1:] {
			i := slices.IndexFunc(fields, func(f steps.Field) bool { return f.Name == h.typ })
			if i < 0 {
				return "", nil
			}
			fields = fields[i].Fields
		}
		for _, f := range fields {
			if f.Name != c.at.argument {
				continue
			}
			for _, v := range f.Enum {
				if !c.at.quoted {
					v = diag.Quote(v)
				}
				out = append(out, Candidate{Text: v, Kind: "value", first: true})
			}
		}
	}
	if v := c.e.variables[c.at.argument]; v != nil && s != nil && s.Name == "set" {
		for _, x := range c.e.allowed(v) {
			if !c.at.quoted && v.constraint.typ != cty.Bool {
				x = diag.Quote(x)
			}
			out = append(out, Candidate{Text: x, Kind: "value", first: true})
		}
	}
	if s != nil {
		for _, a := range s.Args {
			if a.Name == c.at.argument && a.Type == "bool" {
				out = append(out, Candidate{Text: "true", Kind: "value", first: true}, Candidate{Text: "false", Kind: "value", first: true})
			}
		}
	}
	return "", out
}

// schemaOfArgument is the schema of the argument whose value is being written; nil if there is none.
func (c *completer) schemaOfArgument() *grammar.Arg {
	s, _ := c.schema()
	if s == nil {
		return nil
	}
	for i, a := range s.Args {
		if a.Name == c.at.argument {
			return &s.Args[i]
		}
	}
	return nil
}

// wantsStep tells whether the argument takes a step, not one of its outputs.
func (c *completer) wantsStep() bool {
	a := c.schemaOfArgument()
	return a != nil && (a.Type == "step.NAME" || a.Type == "list of steps")
}

// wantsPath tells whether the string that is being written names a file.
func (c *completer) wantsPath() bool {
	if c.at.call != "" {
		return slices.Contains([]string{"file", "dir", "glob"}, c.at.call)
	}
	if len(c.at.blocks) == 1 && c.at.blocks[0].typ == "pipeline" {
		return c.at.argument == "extends"
	}
	if kind, _ := c.forArgument(); kind == "file" {
		return true
	}
	v := c.e.variables[c.at.argument]
	return v != nil && v.constraint.path && len(c.at.blocks) == 1 && c.at.blocks[0].typ == "set"
}

// paths lists the content of a folder: its folders, and those files that the place takes.
func (c *completer) paths(folder string) []Candidate {
	entries, err := c.e.source.entries(c.e.source.relative(c.file, folder))
	if err != nil {
		return nil
	}
	var out []Candidate
	for _, x := range entries {
		name := x.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case x.IsDir():
			out = append(out, Candidate{Text: name + "/", Kind: "folder"})
		case c.at.argument != "extends" || IsPipelineFile(name) && c.e.source.relative(c.file, folder+name) != c.file:
			out = append(out, Candidate{Text: name, Kind: "file", first: true})
		}
	}
	return out
}

// portDoc is what an output of a step type is.
func portDoc(t *steps.Type, name string) string {
	if t == nil {
		return ""
	}
	for _, p := range t.Out {
		if p.Name == name {
			return manual.Sentence(p.Doc)
		}
	}
	return ""
}
