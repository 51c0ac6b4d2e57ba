package lang

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
)

const envPrefix = "REIN_VAR_"

// settings are the values that were given from outside the pipeline files.
type settings struct {
	given []*setting // most binding first
}

// setting is one value from outside.
type setting struct {
	name   string
	from   string // "--var", "REIN_VAR_x", "vars.hcl:3"
	text   string // of --var and the environment; read by the variable's type
	expr   hcl.Expression
	rng    *hcl.Range
	folder string // relative paths in it are relative to this
	used   bool
	broken string // why text is no expression, if it is none
}

// environment makes a map of os.Environ's form.
func environment(env []string) map[string]string {
	m := map[string]string{}
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok {
			m[k] = v
		}
	}
	return m
}

// read collects --var, then --var-file, then the environment.
func (s *settings) read(l *loader) {
	for _, kv := range slices.Backward(l.opts.Vars) {
		name, text, ok := strings.Cut(kv, "=")
		if !ok || !hclsyntax.ValidIdentifier(strings.TrimSpace(name)) {
			l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Wrong --var",
				Detail: fmt.Sprintf("--var wants NAME=VALUE, not %q.", kv)})
			continue
		}
		s.given = append(s.given, &setting{name: strings.TrimSpace(name), from: "--var", text: text, folder: l.opts.Dir})
	}
	for _, f := range slices.Backward(l.opts.VarFiles) {
		s.file(l, f)
	}
	for _, k := range slices.Sorted(maps.Keys(l.env)) {
		if name, ok := strings.CutPrefix(k, envPrefix); ok && name != "" {
			s.given = append(s.given, &setting{name: name, from: k, text: l.env[k], folder: l.opts.Dir})
		}
	}
}

// file reads a --var-file. It is the user's own file, so it comes from the disk even where pipelines don't.
func (s *settings) file(l *loader, name string) {
	disk := &source{work: l.opts.Dir, overlay: l.opts.Overlay, reads: l.reads}
	text, err := disk.read(name)
	l.files[name] = err == nil
	if err != nil {
		l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read a --var-file",
			Detail: fmt.Sprintf("%s: %s.", name, readProblem(err))})
		return
	}
	f, diags := parse(name, text)
	l.sources[name] = &hcl.File{Bytes: withoutValues(text)}
	l.add(diags)
	if diags.HasErrors() {
		return
	}
	d := &decoder{m: &module{file: name}}
	for _, a := range d.free(f.Body, nil, "value") {
		r := a.nameRange
		s.given = append(s.given, &setting{name: a.name, from: shortPos(a.rng), expr: a.expr, rng: &r, folder: disk.folder(name)})
	}
	l.add(d.diags)
}

// named is the beginning of a line that gives a variable a value.
var named = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*[{,]?\s*"?[A-Za-z_][A-Za-z0-9_-]*"?\s*[:=]\s*[^=\s]`)
})

// withoutValues is a file of variables as messages show it: in most there is a secret, and the message may be of another variable's
// line, or come before anybody knows which variables are sensitive.
func withoutValues(text []byte) []byte {
	out := bytes.Clone(text)
	for from := 0; from < len(out); {
		line := out[from:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		for i := max(len(named().Find(line))-1, 0); i < len(line); i++ {
			if bytes.IndexByte([]byte(" \t\r\"{}[](),"), line[i]) < 0 {
				line[i] = '*'
			}
		}
		from += len(line) + 1
	}
	return out
}

// find is the value of highest precedence for a variable, or nil. All values for the name count as used.
func (s *settings) find(name string) *setting {
	var first *setting
	for _, g := range s.given {
		if g.name == name {
			g.used = true
			if first == nil {
				first = g
			}
		}
	}
	return first
}

// unused reports values for variables that no pipeline has.
func (s *settings) unused(l *loader) {
	if len(l.pipelines) == 0 || l.anyBroken() {
		return
	}
	names := map[string]bool{}
	for _, p := range l.pipelines {
		for _, v := range p.Variables {
			names[v.Name] = true
		}
	}
	known := slices.Sorted(maps.Keys(names))
	for _, g := range s.given {
		if g.used {
			continue
		}
		g.used = true
		l.diags = l.diags.Append(diag.Say(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown variable", Subject: g.rng},
			"%s gives a value for %q, which no pipeline declares.%s", g.from, g.name, diag.Suggest(g.name, "variables", known)))
	}
}

// value converts the setting to a type. Text without a type is a string.
func (g *setting) value(l *loader, want cty.Type) (cty.Value, hcl.Diagnostics) {
	if g.expr != nil {
		if vars := g.expr.Variables(); len(vars) > 0 {
			what := "other values: a text is in quotes"
			if root := vars[0].RootName(); slices.Contains([]string{"var", "local", "step"}, root) { // else it may be a secret without its quotes
				what = root
			}
			return cty.DynamicVal, hcl.Diagnostics{errorAt(vars[0].SourceRange(), "Not a constant", "A --var-file has plain values; it can't use %s.", what)}
		}
		return g.expr.Value(&hcl.EvalContext{Functions: l.functionsIn(g.folder)})
	}
	if want == cty.String {
		return cty.StringVal(g.text), nil
	}
	label := g.from
	if g.from == "--var" {
		label = "--var " + g.name
	}
	l.sources[label] = &hcl.File{Bytes: []byte(g.text)}
	expr, diags := hclsyntax.ParseExpression([]byte(g.text), label, hcl.InitialPos)
	if diags.HasErrors() {
		g.broken = diags[0].Detail
	} else if len(expr.Variables()) == 0 {
		return expr.Value(nil)
	}
	return cty.StringVal(g.text), nil // the conversion says what is wrong with it
}
