package lang

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/steps"
)

// The types of this file hold what a pipeline file says, before anything is inherited or evaluated.

// module is one file.
type module struct {
	file      string
	folder    string // absolute: paths in the file are relative to it
	src       *hcl.File
	header    *header // nil without a pipeline block
	variables []*variableDecl
	locals    []*attr
	set       []*attr
	steps     []*stepDecl
	outputs   []*outputDecl
	expect    []*attr
	plan      []*attr
	sweep     []*attr
	compare   *block
	executors []*executorDecl
	cache     *block
	broken    bool // it has syntax errors
}

// header is the pipeline block.
type header struct {
	name       string
	title      string
	extends    string
	abstract   bool
	rng        hcl.Range
	nameRange  hcl.Range
	extendsPos hcl.Range
}

// attr is an argument where it is written.
type attr struct {
	name      string
	expr      hcl.Expression
	rng       hcl.Range // the whole argument
	nameRange hcl.Range
	in        *module
}

// block is a body within a step, decoded by its schema.
type block struct {
	name     string
	attrs    map[string]*attr
	blocks   []*block
	meant    []string  // names that mistaken ones probably stand for
	repeated bool      // may come several times
	rng      hcl.Range // of the header
	in       *module
}

// one is the last block of a name that may occur once.
func (b *block) one(name string) *block {
	for _, c := range slices.Backward(b.blocks) {
		if c.name == name {
			return c
		}
	}
	return nil
}

// sorted returns the arguments in the order in which they are written, those of a base first.
func (b *block) sorted() []*attr {
	out := slices.Collect(maps.Values(b.attrs))
	slices.SortFunc(out, func(x, y *attr) int { return compareRange(x.rng, y.rng) })
	return out
}

// stepDecl is a step block, of one file or merged over several.
type stepDecl struct {
	name, typeName string
	typ            *steps.Type // nil: unknown, and said so
	body           *block
	rng, nameRange hcl.Range
	typeRange      hcl.Range
	in             *module
	overrides      []*module // the files that the step was merged of, base first
}

type variableDecl struct {
	name        string
	attrs       map[string]*attr
	validations []*block
	broken      bool // it has mistakes, which were reported
	rng         hcl.Range
	nameRange   hcl.Range
	in          *module
}

type outputDecl struct {
	name string
	body *block
	rng  hcl.Range
	in   *module
}

// executorDecl is an executor block.
type executorDecl struct {
	kind, name string
	body       *block
	nameRange  hcl.Range
}

// compareRange orders by file and place. The order of different files is arbitrary but stable.
func compareRange(a, b hcl.Range) int {
	if a.Filename != b.Filename {
		if a.Filename < b.Filename {
			return -1
		}
		return 1
	}
	return a.Start.Byte - b.Start.Byte
}

func sortedAttributes(body *hclsyntax.Body) []*hclsyntax.Attribute {
	out := slices.Collect(maps.Values(body.Attributes))
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	return out
}

// sortedAttrs makes attrs of what the parser found, in the order in which they are written.
func sortedAttrs(m hcl.Attributes, in *module) []*attr {
	var out []*attr
	for _, a := range m {
		out = append(out, &attr{name: a.Name, expr: a.Expr, rng: a.Range, nameRange: a.NameRange, in: in})
	}
	slices.SortFunc(out, func(x, y *attr) int { return compareRange(x.rng, y.rng) })
	return out
}

// input is the argument that names a port's artifact; nil if there is none.
func (b *block) input(p steps.Port) *attr {
	if p.Block == "" {
		return b.attrs[p.Name]
	}
	for _, n := range b.blocks {
		if n.name == p.Block && (p.Unless == "" || n.attrs[p.Unless] == nil) {
			return n.attrs[p.Name]
		}
	}
	return nil
}
