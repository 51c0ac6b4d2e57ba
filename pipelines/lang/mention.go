package lang

import (
	"bytes"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// mention is a place where something is named.
type mention struct {
	root, name string    // "var", "scale"
	rng        hcl.Range // of the name alone, without quotes
	def        bool      // it is declared or overridden here
	escaped    bool      // the text there has escape sequences, so it differs from the name
	ref        *ref      // nil: a declaration, or an argument of `set`
}

// of lists the places of a file, in the order in which they are written.
func (x *Index) of(file string) []mention {
	x.mu.Lock()
	defer x.mu.Unlock()
	if m, ok := x.mentions[file]; ok {
		return m
	}
	f, _ := x.loader.parsed(file)
	var out []mention
	if f != nil {
		out = mentionsIn(file, f)
	}
	x.mentions[file] = out
	return out
}

// mentionsIn looks for names in a file.
func mentionsIn(file string, f *hcl.File) []mention {
	c := &collector{text: f.Bytes}
	switch body := f.Body.(type) {
	case nil:
	case *hclsyntax.Body:
		c.native(body)
	default:
		d := &decoder{steps: map[string]*stepDecl{}, m: &module{file: file, src: f}}
		d.file(body)
		c.decoded(d.m, body)
	}
	slices.SortFunc(c.out, func(a, b mention) int { return a.rng.Start.Byte - b.rng.Start.Byte })
	return slices.CompactFunc(c.out, func(a, b mention) bool { return a.rng == b.rng })
}

type collector struct {
	text []byte
	out  []mention
}

func (c *collector) native(file *hclsyntax.Body) {
	for _, b := range file.Blocks {
		label := func(i int, root string) {
			if i < len(b.Labels) {
				c.add(mention{root: root, name: b.Labels[i], rng: b.LabelRanges[i], def: true})
			}
		}
		switch b.Type {
		case "variable":
			label(0, "var")
		case "step":
			label(1, "step")
		case "locals", "set":
			for _, a := range b.Body.Attributes {
				m := mention{root: "local", name: a.Name, rng: a.NameRange, def: true}
				if b.Type == "set" {
					m.root, m.def = "var", false
				}
				c.add(m)
			}
		}
		c.body(b.Body)
	}
}

// body takes the references of a block and of the blocks within it.
func (c *collector) body(b *hclsyntax.Body) {
	for _, a := range b.Attributes {
		c.refs(a.Expr)
	}
	for _, inner := range b.Blocks {
		c.body(inner.Body)
	}
}

// decoded collects the names of a JSON file, which can only be read by a schema. Steps are read by the arguments that they have; their
// types don't matter here.
func (c *collector) decoded(m *module, file hcl.Body) {
	for _, v := range m.variables {
		c.add(mention{root: "var", name: v.name, rng: v.nameRange, def: true})
		c.attrs(slices.Collect(maps.Values(v.attrs)))
		c.blocks(v.validations)
	}
	for _, a := range m.locals {
		c.add(mention{root: "local", name: a.name, rng: a.nameRange, def: true})
	}
	for _, a := range m.set {
		c.add(mention{root: "var", name: a.name, rng: a.nameRange})
	}
	c.attrs(slices.Concat(m.locals, m.set, m.expect, m.plan))
	for _, o := range m.outputs {
		c.blocks([]*block{o.body})
	}
	if m.compare != nil {
		c.blocks([]*block{m.compare})
	}
	content, _, _ := file.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "step", LabelNames: []string{"type", "name"}}}})
	for _, b := range content.Blocks {
		c.add(mention{root: "step", name: b.Labels[1], rng: b.LabelRanges[1], def: true})
		args, _ := b.Body.JustAttributes()
		for _, a := range args {
			c.refs(a.Expr)
		}
	}
}

func (c *collector) blocks(list []*block) {
	for _, b := range list {
		c.attrs(b.sorted())
		c.blocks(b.blocks)
	}
}

func (c *collector) attrs(list []*attr) {
	for _, a := range list {
		c.refs(a.expr)
	}
}

// refs takes the references of an expression.
func (c *collector) refs(x hcl.Expression) {
	for _, t := range x.Variables() {
		r := refOf(t)
		if kinds[r.root] != "" && r.name != "" {
			c.add(mention{root: r.root, name: r.name, rng: t[1].SourceRange(), ref: &r})
		}
	}
}

// add narrows a range to the name in it: without quotes, the dot before it, or the brackets around it.
func (c *collector) add(m mention) {
	r := m.rng
	if r.Start.Byte < 0 || r.End.Byte > len(c.text) || r.End.Byte < r.Start.Byte {
		return
	}
	text := c.text[r.Start.Byte:r.End.Byte]
	i := bytes.LastIndex(text, []byte(m.name))
	if i < 0 || len(bytes.Trim(text[:i], "\" .[\t")) > 0 || len(bytes.Trim(text[i+len(m.name):], "\" ]\t")) > 0 {
		m.escaped = true
		c.out = append(c.out, m)
		return
	}
	m.rng.Start.Byte += i
	m.rng.Start.Column += i // what stands before a name is ASCII
	m.rng.End = m.rng.Start
	m.rng.End.Byte += len(m.name)
	m.rng.End.Column += len([]rune(m.name))
	c.out = append(c.out, m)
}
