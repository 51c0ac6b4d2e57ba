package lang

import (
	"cmp"
	"slices"
	"strings"

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
	rank   rank
}

// rank is how well a candidate fits.
type rank int

const (
	rankFits rank = iota // it is of the wanted kind, type or value
	rankCould
	rankCall // a function: there are many, and few who want a plain value want one
)

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
	switch want := c.wanted(); {
	case c.at.ended:
	case c.at.argument != "" && len(c.at.blocks) == 0: // all arguments stand in blocks
	case c.at.label >= 0:
		out.Items = c.labels()
	case c.at.argument == "":
		out.Items = c.names()
	case c.at.key:
		out.Items = want.keys(c.at.quoted)
	case c.at.quoted && want.path:
		word = c.at.text[strings.LastIndexByte(c.at.text, '/')+1:]
		out.Items = c.paths(strings.TrimSuffix(c.at.text, word))
	case c.at.quoted:
		out.Items = want.constants(true)
	default:
		out.Items = c.values(want)
	}
	out.Start -= len(word)
	out.Items = slices.DeleteFunc(out.Items, func(x Candidate) bool { return !strings.HasPrefix(x.Text, word) })
	slices.SortFunc(out.Items, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Text, b.Text))
	})
	out.Items = slices.CompactFunc(out.Items, func(a, b Candidate) bool { return a.Text == b.Text })
	return out
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
		x := Candidate{Text: a.Name, Kind: "argument", Detail: a.Type, Doc: manual.Sentence(a.Doc) + manual.DefaultText(t, a.Name), rank: rankCould}
		if a.Required {
			x.rank = rankFits
		}
		out = append(out, x)
	}
	for _, b := range s.Blocks {
		out = append(out, blockCandidate(b))
	}
	if s.Name == "set" || s.Name == "sweep" {
		for name, v := range c.e.variables {
			out = append(out, Candidate{Text: name, Kind: "variable", Detail: v.constraint.text(), Doc: v.description, rank: rankCould})
		}
	}
	if s.Name == "expect" || s.Name == "target" {
		out = append(out, metricCandidates("")...)
	}
	return out
}

func blockCandidate(b grammar.Block) Candidate {
	return Candidate{Text: b.Name, Kind: "block", Doc: manual.Sentence(b.Doc), Labels: b.Labels, rank: rankCould}
}

func metricCandidates(prefix string) []Candidate {
	var out []Candidate
	for _, m := range metric.All {
		out = append(out, Candidate{Text: prefix + m.Name, Kind: "metric", Detail: m.Label, Doc: manual.Sentence(m.Meaning), rank: rankCould})
	}
	return out
}

// values completes an expression.
func (c *completer) values(want shape) []Candidate {
	out := want.constants(false)
	if c.fixed() {
		return out
	}
	roots := c.roots()
	if slices.Contains(roots, "var") {
		for name, v := range c.e.variables {
			x := Candidate{Text: "var." + name, Kind: "variable", Detail: v.constraint.text(), Doc: v.description, rank: rankCould}
			if want.known() && want.takes(v.constraint.typ) {
				x.rank = rankFits
			}
			out = append(out, x)
		}
	}
	if slices.Contains(roots, "local") {
		for name := range c.e.locals {
			out = append(out, Candidate{Text: "local." + name, Kind: "local", rank: rankCould})
		}
	}
	if slices.Contains(roots, "step") && !want.plain {
		out = append(out, c.steps(want)...)
	}
	if slices.Contains(roots, "each") {
		out = append(out, Candidate{Text: "each.key", Kind: "value", rank: rankCould}, Candidate{Text: "each.value", Kind: "value", rank: rankCould})
	}
	if slices.Contains(roots, "metric") {
		out = append(out, metricCandidates("metric.")...)
	}
	set := c.e.functionsIn("")
	for _, name := range c.e.functionNames() {
		if want.mayCall(set[name]) {
			out = append(out, Candidate{Text: name, Kind: "function", Detail: manual.Signature(name, set[name]), Doc: manual.FunctionText(name, set[name]), rank: rankCall})
		}
	}
	return out
}

// steps are the steps of the pipeline and their outputs.
func (c *completer) steps(want shape) []Candidate {
	var out []Candidate
	fits := func(yes bool) rank {
		if yes {
			return rankFits
		}
		return rankCould
	}
	for _, s := range c.e.stepOrder {
		out = append(out, Candidate{Text: "step." + s.decl.name, Kind: "step", Detail: s.decl.typeName, rank: fits(want.step)})
		for _, i := range s.instances {
			for _, p := range i.ports {
				out = append(out, Candidate{Text: "step." + i.name + "." + p.Name, Kind: "port", Detail: p.Kind, Doc: portDoc(s.decl.typ, p.Name), rank: fits(p.Kind == want.kind || want.kind == "file")})
			}
		}
	}
	return out
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
			out = append(out, Candidate{Text: name + "/", Kind: "folder", rank: rankCould})
		case c.at.argument != "extends" || IsPipelineFile(name) && c.e.source.relative(c.file, folder+name) != c.file:
			out = append(out, Candidate{Text: name, Kind: "file"})
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
