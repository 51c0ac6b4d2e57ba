package lang

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/steps"
)

// Candidate is something that can be written at a place.
type Candidate struct {
	Text   string `json:"text"`
	Kind   string `json:"kind"` // "block", "argument", "type", "variable", "local", "step", "port", "function", "value"
	Detail string `json:"detail,omitempty"`
	first  bool   // fits best
}

// Complete lists what can be written at a byte of a file, by what stands before it; the file may be broken. What
// fits the argument comes first.
func (p *Program) Complete(file string, offset int) []Candidate {
	f := p.Sources[file]
	if f == nil || offset < 0 || offset > len(f.Bytes) || isJSON(file) {
		return nil
	}
	c := &completer{e: p.evaluatorOf(file), at: placeAt(file, f.Bytes[:offset])}
	if c.e == nil {
		return nil
	}
	var out []Candidate
	switch {
	case c.at.label >= 0:
		out = c.labels()
	case c.at.argument == "":
		out = c.names()
	default:
		out = c.values()
	}
	out = slices.DeleteFunc(out, func(x Candidate) bool { return !strings.HasPrefix(x.Text, c.at.word) })
	slices.SortFunc(out, func(a, b Candidate) int {
		return cmp.Or(-compareBool(a.first, b.first), cmp.Compare(a.Text, b.Text))
	})
	return slices.CompactFunc(out, func(a, b Candidate) bool { return a.Text == b.Text })
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// writing is where the cursor stands, as far as the text before it tells.
type writing struct {
	blocks   []openBlock // that are open, outermost first
	label    int         // which label of a header is being written; -1: none
	header   openBlock   // of the label
	argument string      // whose value is being written; "" for a name
	word     string      // before the cursor
	quoted   bool        // within a string
}

// openBlock is the type and labels of a block that is being written.
type openBlock struct {
	typ    string
	labels []string
}

var lastWord = regexp.MustCompile(`[\pL_][\pL\pN_.\-\[\]"*]*$`)

// placeAt reads the tokens before the cursor. A parser would give up on a text that ends here.
func placeAt(file string, text []byte) writing {
	w := writing{label: -1, word: string(lastWord.Find(text))}
	tokens, _ := hclsyntax.LexConfig(text, file, hcl.InitialPos)
	type level struct{ body bool }
	var stack []level
	var item hclsyntax.Tokens // of the argument or header that is being written
	inBody := func() bool { return len(stack) == 0 || stack[len(stack)-1].body }
	hasEquals := func() bool {
		return slices.ContainsFunc(item, func(t hclsyntax.Token) bool { return t.Type == hclsyntax.TokenEqual })
	}
	pop := func() {
		if len(stack) == 0 {
			return
		}
		if stack[len(stack)-1].body {
			w.blocks, item = w.blocks[:len(w.blocks)-1], nil
		}
		stack = stack[:len(stack)-1]
	}
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenEOF {
			w.quoted = t.Type == hclsyntax.TokenOQuote || t.Type == hclsyntax.TokenQuotedLit
		}
		switch t.Type {
		case hclsyntax.TokenEOF, hclsyntax.TokenComment:
		case hclsyntax.TokenNewline:
			if inBody() {
				item = nil
			}
		case hclsyntax.TokenOBrace:
			if inBody() && len(item) > 0 && !hasEquals() {
				w.blocks = append(w.blocks, headerOf(item))
				stack, item = append(stack, level{body: true}), nil
				continue
			}
			stack = append(stack, level{})
		case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			stack = append(stack, level{})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			pop()
		default:
			if inBody() {
				item = append(item, t)
			}
		}
	}
	switch {
	case len(item) > 0 && hasEquals():
		w.argument = string(item[0].Bytes)
	case len(item) > 1:
		w.header = headerOf(item)
		w.label = len(w.header.labels) - 1
		if quotes := countQuotes(item); quotes%2 == 1 { // the label isn't closed
			w.word = w.header.labels[w.label]
		}
	}
	return w
}

func countQuotes(tokens hclsyntax.Tokens) int {
	n := 0
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenOQuote || t.Type == hclsyntax.TokenCQuote {
			n++
		}
	}
	return n
}

func headerOf(tokens hclsyntax.Tokens) openBlock {
	h := openBlock{typ: string(tokens[0].Bytes)}
	for _, t := range tokens[1:] {
		switch t.Type {
		case hclsyntax.TokenOQuote:
			h.labels = append(h.labels, "")
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			if len(h.labels) > 0 {
				h.labels[len(h.labels)-1] = string(t.Bytes)
			}
		}
	}
	if len(h.labels) == 0 {
		h.labels = []string{""}
	}
	return h
}

type completer struct {
	e  *evaluator
	at writing
}

// schema is that of the innermost open block; nil at the top of a file.
func (c *completer) schema() (s *blockSchema, t *steps.Type) {
	for i, h := range c.at.blocks {
		list := grammar
		if i > 0 {
			list = s.blocks
		}
		n := slices.IndexFunc(list, func(b blockSchema) bool { return b.name == h.typ })
		if n < 0 {
			return &blockSchema{}, nil
		}
		x := list[n]
		if i == 0 && h.typ == "step" {
			if t = c.e.types[h.labels[0]]; t != nil {
				x = stepSchema(t)
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
		for _, t := range c.e.types {
			out = append(out, Candidate{Text: t.Name, Kind: "type", Detail: t.Doc})
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
	s, _ := c.schema()
	if s == nil {
		for _, b := range grammar {
			out = append(out, Candidate{Text: b.name, Kind: "block", Detail: b.doc})
		}
		return out
	}
	for _, a := range s.args {
		out = append(out, Candidate{Text: a.name, Kind: "argument", Detail: a.typ + ": " + asSentence(a.doc), first: a.required})
	}
	for _, b := range s.blocks {
		out = append(out, Candidate{Text: b.name, Kind: "block", Detail: asSentence(b.doc)})
	}
	if s.name == "set" {
		for name, v := range c.e.variables {
			out = append(out, Candidate{Text: name, Kind: "variable", Detail: v.constraint.text() + ": " + v.description})
		}
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
		out = append(out, Candidate{Text: "var." + name, Kind: "variable", Detail: v.constraint.text()})
	}
	for name := range c.e.locals {
		out = append(out, Candidate{Text: "local." + name, Kind: "local"})
	}
	for _, s := range c.e.stepOrder {
		for _, i := range s.instances {
			for _, p := range i.ports {
				out = append(out, Candidate{Text: "step." + i.name + "." + p.Name, Kind: "port", Detail: p.Kind, first: kind != "" && (p.Kind == kind || kind == "file")})
			}
		}
	}
	if s, _ := c.schema(); s != nil && s.name == "step" {
		out = append(out, Candidate{Text: "each.key", Kind: "value"}, Candidate{Text: "each.value", Kind: "value"})
	}
	set := c.e.functionsIn("")
	for _, name := range c.e.functionNames() {
		out = append(out, Candidate{Text: name, Kind: "function", Detail: functionDoc(name, set[name])})
	}
	return out
}

// forArgument is the kind of artifact that an argument takes, or the values that it may have.
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
					v = quote(v)
				}
				out = append(out, Candidate{Text: v, Kind: "value", first: true})
			}
		}
	}
	if s != nil {
		for _, a := range s.args {
			if a.name == c.at.argument && a.typ == "bool" {
				out = append(out, Candidate{Text: "true", Kind: "value", first: true}, Candidate{Text: "false", Kind: "value", first: true})
			}
		}
	}
	return "", out
}
