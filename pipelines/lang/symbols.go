package lang

import (
	"iter"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// This file and hover.go and complete.go answer an editor's questions. They read what loading has found out and the
// same schemas, so they can't disagree with it; after an edit one loads again (milliseconds) with the text as an Overlay.

// Symbol is something that has a name, with every place where it is named.
type Symbol struct {
	Kind string  `json:"kind"` // "variable", "local", "step"
	Name string  `json:"name"`
	Defs []Range `json:"defs"` // where it is declared and overridden, the base first
	Refs []Range `json:"refs,omitempty"`
}

// Symbols lists what a pipeline names, in order of declaration. It works for pipelines with mistakes too.
func (p *Pipeline) Symbols() []Symbol {
	e := p.eval
	var out []Symbol
	at := map[[2]string]int{}
	define := func(root, kind, name string, r hcl.Range) {
		k := [2]string{root, name}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, Symbol{Kind: kind, Name: name})
		}
		if x := rangeOf(r); !slices.Contains(out[i].Defs, x) {
			out[i].Defs = append(out[i].Defs, x)
		}
	}
	for _, m := range e.m.chain {
		for _, v := range m.variables {
			define("var", "variable", v.name, v.nameRange)
		}
		for _, a := range m.locals {
			define("local", "local", a.name, a.nameRange)
		}
		for _, s := range m.steps {
			define("step", "step", s.name, s.nameRange)
		}
	}
	refer := func(root, name string, r hcl.Range) {
		if i, ok := at[[2]string{root, name}]; ok {
			out[i].Refs = append(out[i].Refs, rangeOf(r))
		}
	}
	for _, a := range e.m.set {
		refer("var", a.name, a.nameRange)
	}
	for a := range e.m.attrs() {
		for _, r := range e.factsOf(a.expr).refs {
			refer(r.root, r.name, r.rng)
		}
	}
	return out
}

func rangeOf(r hcl.Range) Range { return Range{r.Filename, pos(r.Start), pos(r.End)} }

// attrs goes over every argument of a pipeline that may hold references.
func (m *merged) attrs() iter.Seq[*attr] {
	return func(yield func(*attr) bool) {
		var blocks func(bs []*block) bool
		list := func(as []*attr) bool {
			for _, a := range as {
				if !yield(a) {
					return false
				}
			}
			return true
		}
		blocks = func(bs []*block) bool {
			for _, b := range bs {
				if !list(b.sorted()) || !blocks(b.blocks) {
					return false
				}
			}
			return true
		}
		for _, v := range m.variables {
			if a := v.attrs["default"]; a != nil && !yield(a) {
				return
			}
			if !blocks(v.validations) {
				return
			}
		}
		if !list(m.set) || !list(m.locals) || !list(m.expect) || !list(m.plan) {
			return
		}
		for _, s := range m.steps {
			if !blocks([]*block{s.body}) {
				return
			}
		}
		for _, o := range m.outputs {
			if !blocks([]*block{o.body}) {
				return
			}
		}
		if m.compare != nil {
			blocks([]*block{m.compare})
		}
	}
}

// evaluatorOf finds a pipeline that a file is part of, rather as its own file than as a base.
func (p *Program) evaluatorOf(file string) *evaluator {
	var base *evaluator
	for _, pl := range p.Pipelines {
		if pl.File == file {
			return pl.eval
		}
		if base == nil && slices.Contains(pl.Bases, file) {
			base = pl.eval
		}
	}
	return base
}

// Definition is where what is named at a byte of a file is declared; nil if nothing is named there.
func (p *Program) Definition(file string, offset int) *Range {
	e := p.evaluatorOf(file)
	if e == nil {
		return nil
	}
	for _, s := range (&Pipeline{eval: e}).Symbols() {
		for _, r := range slices.Concat(s.Refs, s.Defs) {
			if r.has(file, offset) {
				return &s.Defs[0]
			}
		}
	}
	return nil
}

func (r Range) has(file string, offset int) bool {
	return r.Filename == file && r.Start.Byte <= offset && offset <= r.End.Byte
}

func rangeHas(r hcl.Range, file string, offset int) bool { return rangeOf(r).has(file, offset) }
