package lang

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"

	"rein/pipelines/lang/diag"
	"rein/steps/metric"
)

// module parses and decodes a file, once. from is the place in another file that names it. It returns nil if the file can't be read.
func (l *loader) module(name string, from *hcl.Range) *module {
	if m, ok := l.modules[name]; ok {
		return m
	}
	l.modules[name] = nil
	text, err := l.source.read(name)
	l.files[name] = err == nil
	if err != nil {
		l.diags = l.diags.Append(diag.Say(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read a pipeline", Subject: from},
			"%s: %s.%s", name, readProblem(err), l.similarFile(name)))
		return nil
	}
	f, diags := l.opts.Parsed.parse(name, text)
	l.add(diags)
	l.sources[name] = f
	d := &decoder{types: l.types(), steps: map[string]*stepDecl{}, m: &module{file: name, folder: l.source.folder(name), src: f}}
	if f.Body != nil { // nil: it was refused unread
		d.file(f.Body)
	}
	if d.m.broken = diags.HasErrors(); !d.m.broken {
		l.add(d.diags)
	}
	l.modules[name] = d.m
	return d.m
}

// parse reads either syntax. It never panics, and gives a body even of a broken file.
func parse(name string, text []byte) (*hcl.File, hcl.Diagnostics) {
	if d := noText(name, text); d != nil {
		return &hcl.File{Bytes: text}, hcl.Diagnostics{d}
	}
	if !isJSON(name) && bytes.Contains(text, []byte("<<")) && bytes.Contains(text, []byte("\r\n")) {
		text = unixLines(text)
	}
	f, diags := parseText(name, text)
	if f == nil {
		f = &hcl.File{}
	}
	if f.Bytes == nil {
		f.Bytes = text
	}
	return f, quieter(diags)
}

// parseText parses what isn't too deep for that. Of a file in pieces, each is looked at by itself.
func parseText(name string, text []byte) (*hcl.File, hcl.Diagnostics) {
	if !isJSON(name) {
		if f := parsePieces(name, text, pieceSize); f != nil {
			return f, nil
		}
	}
	if d := tooDeep(name, text); d != nil {
		return &hcl.File{Bytes: text}, hcl.Diagnostics{d}
	}
	if isJSON(name) {
		return json.Parse(bytes.TrimPrefix(text, []byte("\ufeff")), name)
	}
	return hclsyntax.ParseConfig(text, name, hcl.InitialPos)
}

// quieter removes syntax errors that only follow from another one: at the place of an earlier error, in further lines of an unclosed
// string, or about an unreadable JSON text not being an object.
func quieter(diags hcl.Diagnostics) hcl.Diagnostics {
	places, strung := map[hcl.Pos]bool{}, false
	return slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool {
		if d.Summary == "Root value must be object" && len(diags) > 1 {
			return true
		}
		if d.Subject == nil {
			return false
		}
		again := places[d.Subject.Start] || (strung && strings.HasPrefix(d.Summary, "Invalid multi-line string"))
		places[d.Subject.Start] = true
		strung = strung || strings.HasPrefix(d.Summary, "Invalid multi-line string")
		return again
	})
}

func (l *loader) similarFile(name string) diag.Suggestion {
	files, err := l.source.list(l.source.join(name, ".."))
	if err != nil {
		return diag.Suggestion{}
	}
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == filepath.Base(name) }) // it is there, and can't be read
	s := diag.DidYouMean(name, files)
	s.Given, s.Name = filepath.Base(s.Given), filepath.Base(s.Name) // the path that is written is relative to the file
	if s.Text == "" {
		return diag.Suggestion{}
	}
	return s
}

// chain is a pipeline's files, the most basic one first, the named file last.
type chain []*module

// broken tells whether a file of the chain has a syntax error. Errors that follow from that aren't reported.
func (c chain) broken() bool { return slices.ContainsFunc(c, func(m *module) bool { return m.broken }) }

func (l *loader) anyBroken() bool {
	for _, m := range l.modules {
		if m == nil || m.broken {
			return true
		}
	}
	return false
}

func (c chain) leaf() *module { return c[len(c)-1] }

// chains follows extends. A file that can't be read or is in a cycle has been reported and gives no chain.
func (l *loader) chains(files []string) []chain {
	var out []chain
	for _, f := range files {
		if m := l.module(f, nil); m != nil {
			if c := l.follow(m); c != nil {
				out = append(out, c)
			}
		}
	}
	return out
}

func (l *loader) follow(m *module) chain {
	c := chain{m}
	for m.header != nil && m.header.extends != "" {
		at := m.header.extendsPos
		name := l.source.relative(m.file, m.header.extends)
		if i := slices.IndexFunc(c, func(x *module) bool { return x.file == name }); i >= 0 {
			l.diags = l.diags.Append(extendsCycle(c[i:], at))
			return nil
		}
		if m = l.module(name, &at); m == nil {
			return nil
		}
		c = append(c, m)
	}
	slices.Reverse(c)
	return c
}

func extendsCycle(c chain, last hcl.Range) *hcl.Diagnostic {
	var b strings.Builder
	for i, m := range c {
		next := c[(i+1)%len(c)]
		fmt.Fprintf(&b, "\n  %s extends %s (%s)", m.file, next.file, shortPos(m.header.extendsPos))
	}
	return errorAt(last, "Cycle of files", "A file can't extend itself:%s\nRemove one of these.", b.String())
}

// merged is a pipeline after inheritance.
type merged struct {
	chain     chain
	variables []*variableDecl
	locals    []*attr
	set       []*attr
	steps     []*stepDecl
	outputs   []*outputDecl
	expect    []*attr
	plan      []*attr
	compare   *block
	removed   map[string]*attr // steps that are disabled, and where
}

// merge combines the files of a chain, later ones overriding earlier ones.
func (l *loader) merge(c chain) *merged {
	m := &merged{chain: c, removed: map[string]*attr{}}
	at := map[string]int{} // of steps: there may be many
	for _, f := range c {
		for _, v := range f.variables {
			m.variables = overlayBy(m.variables, v, func(v *variableDecl) string { return v.name }, mergeVariable)
		}
		for _, o := range f.outputs {
			m.outputs = overlayBy(m.outputs, o, func(o *outputDecl) string { return o.name }, replaceWith)
		}
		for _, s := range f.steps {
			if i, ok := at[s.name]; ok {
				m.steps[i] = l.mergeStep(m.steps[i], s)
				continue
			}
			at[s.name] = len(m.steps)
			m.steps = append(m.steps, s)
		}
		m.locals = overlayAttrs(m.locals, f.locals, itself)
		m.set = overlayAttrs(m.set, f.set, itself)
		m.expect = overlayAttrs(m.expect, f.expect, metric.Canonical)
		m.plan = overlayAttrs(m.plan, f.plan, itself)
		if f.compare != nil {
			m.compare = mergeBlock(m.compare, f.compare)
		}
	}
	m.steps = slices.DeleteFunc(m.steps, func(s *stepDecl) bool { return l.disabled(s, m) })
	return m
}

// overlayBy replaces the element of the same name by join(old, new), or appends.
func overlayBy[T any](list []T, x T, name func(T) string, join func(old, new T) T) []T {
	i := slices.IndexFunc(list, func(o T) bool { return name(o) == name(x) })
	if i < 0 {
		return append(list, x)
	}
	list[i] = join(list[i], x)
	return list
}

func replaceWith[T any](_, x T) T { return x }

// overlayAttrs replaces the attributes whose names have the same meaning, or appends.
func overlayAttrs(list, over []*attr, meaning func(string) string) []*attr {
	for _, a := range over {
		list = overlayBy(list, a, func(a *attr) string { return meaning(a.name) }, replaceWith)
	}
	return list
}
