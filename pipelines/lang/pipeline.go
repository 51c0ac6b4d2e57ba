package lang

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/lang/diag"
)

// Pipeline is a loaded strategy with more than the graph holds, for show, editors and completion.
type Pipeline struct {
	Name, Title string
	File        string
	Bases       []string // files it extends, the most basic one first
	Variables   []*Variable
	Meta        record.Meta
	Sweep       *Sweep // nil without a sweep block

	node *engine.Pipeline
	eval *evaluator
}

// Variable is a variable of a pipeline as it was resolved.
type Variable struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
	Value       string `json:"value,omitempty"` // as the language writes it, shortened; "(sensitive)" for a sensitive one
	From        string `json:"from"`            // "--var", "set hybrid.hcl:9", "default reinforce.hcl:5"
	Pos         string `json:"pos"`             // of the declaration
	Sensitive   bool   `json:"sensitive,omitempty"`

	full string // all of the value
}

// pipeline makes a graph of a chain of files.
func (l *loader) pipeline(c chain) {
	m := l.merge(c)
	e := &evaluator{loader: l, m: m, variables: map[string]*variable{}, locals: map[string]*lazy{}, steps: map[string]*step{},
		texts: map[string]string{}, facts: make(map[hcl.Expression]*facts, 4*len(m.steps))}
	leaf := c.leaf()
	p := &Pipeline{Name: baseName(leaf.file), File: leaf.file, eval: e, node: &engine.Pipeline{File: leaf.file}}
	if leaf.header != nil {
		p.Name, p.Title = leaf.header.name, leaf.header.title
	}
	for _, m := range c[:len(c)-1] {
		p.Bases = append(p.Bases, m.file)
	}
	l.nameOnce(p)
	e.declareAll()
	e.checkSet()
	e.evaluateAll()
	e.build(p.node)
	e.outputs(p.node)
	p.Meta = e.meta()
	p.Variables = e.variableList()
	p.Sweep = e.sweep(leaf.sweep)
	js, err := json.Marshal(p.Meta)
	if err != nil {
		l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot record the pipeline's values", Detail: err.Error()})
	}
	p.node.Name, p.node.Title, p.node.Meta = p.Name, p.Title, js
	l.pipelines = append(l.pipelines, p)
}

// nameOnce reports two pipelines of the same name, which run records and reports couldn't tell apart.
func (l *loader) nameOnce(p *Pipeline) {
	for _, o := range l.pipelines {
		if o.Name == p.Name {
			d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Duplicate pipeline",
				Detail: fmt.Sprintf("%s and %s are both named %q; give one of them another name.", o.File, p.File, p.Name)}
			if h := p.eval.m.chain.leaf().header; h != nil {
				d.Subject = &h.nameRange
			}
			l.diags = l.diags.Append(d)
		}
	}
}

func (e *evaluator) declareAll() {
	for _, d := range e.m.variables {
		e.variables[d.name] = e.declare(d)
	}
	for _, a := range e.m.locals {
		e.locals[a.name] = &lazy{attr: a}
	}
	for _, d := range e.m.steps {
		s := &step{decl: d}
		e.steps[d.name] = s
		e.stepOrder = append(e.stepOrder, s)
	}
}

// checkSet reports `set` values for variables that aren't there.
func (e *evaluator) checkSet() {
	for _, a := range e.m.set {
		if !e.has("var", a.name) {
			e.diags = e.diags.Append(errorAt(a.nameRange, "Unknown variable", "set gives a value for %q, which is not declared.%s", a.name, diag.Suggest(a.name, "variables", e.names("var"))))
		}
	}
}

// evaluateAll computes every variable and local, so that mistakes in unused ones are reported too.
func (e *evaluator) evaluateAll() {
	for _, d := range e.m.variables {
		e.variable(ref{name: d.name, rng: d.rng})
	}
	for _, a := range e.m.locals {
		e.local(ref{name: a.name, rng: a.nameRange}, "")
	}
}

// build makes the nodes.
func (e *evaluator) build(p *engine.Pipeline) {
	var built, configured []*instance
	for _, s := range e.stepOrder {
		if s.decl.typ == nil || !e.expand(s, s.decl.rng) {
			continue
		}
		for _, i := range s.instances {
			if e.buildNode(i) {
				built = append(built, i)
			}
			if i.config != nil {
				configured = append(configured, i)
			}
		}
	}
	e.makeOps(configured)
	for _, i := range built {
		if i.config == nil || i.config.ok {
			p.Nodes = append(p.Nodes, i.node)
		}
	}
	e.checkCycles()
}

func (e *evaluator) buildNode(i *instance) bool {
	if !e.findPorts(i) {
		return false
	}
	i.node.Ports = i.ports
	needed, ok := e.isNeeded(i)
	if !ok {
		return false
	}
	if i.node.NotNeeded = !needed; !needed {
		return e.checkUnneeded(i)
	}
	in := e.bindInputs(i)
	e.bindConfig(i)
	return e.bindMeta(i) && in
}

// checkUnneeded checks the arguments of a step that never runs without evaluating them: if `when` is false, they may have no value.
func (e *evaluator) checkUnneeded(i *instance) bool {
	ok := true
	for _, a := range i.step.decl.body.sorted() {
		if a.name == "depends_on" {
			continue
		}
		sc := i.scope("a step's argument")
		sc.in = a.in
		ok = e.check(a.expr, e.factsOf(a.expr), sc) && ok
	}
	return ok
}

// outputs binds the output blocks.
func (e *evaluator) outputs(p *engine.Pipeline) {
	for _, o := range e.m.outputs {
		val, to := o.body.attrs["value"], o.body.attrs["path"]
		if val == nil || to == nil {
			continue // reported as a missing argument
		}
		path, okPath := e.evalAs(to, scope{in: o.in, what: "an output's path", roots: []string{"var", "local"}}, cty.String)
		v, ok := e.eval(val.expr, scope{in: o.in, what: "an output", roots: anyScope})
		if !ok || !okPath || !e.mayBeShown(to, scope{in: o.in, what: "an output's path", roots: valueScope}) {
			continue
		}
		v, _ = v.Unmark()
		if !v.Type().Equals(productType) || v.IsNull() || v.EncapsulatedValue().(*product).from == nil {
			e.diags = e.diags.Append(errorAt(val.expr.Range(), "Wrong type of value", "An output is a step's: value = step.NAME.PORT. This is %s.", diag.WhatIs(v)))
			continue
		}
		a := v.EncapsulatedValue().(*product)
		if needed, ok := e.isNeeded(a.from); !ok || !needed {
			continue // nothing to copy: the step is not needed
		}
		if path.AsString() == "" {
			e.diags = e.diags.Append(errorAt(to.expr.Range(), "Empty path", "An output's path says where to copy it, relative to the file."))
			continue
		}
		p.Outputs = append(p.Outputs, engine.Output{Name: o.name, Path: filepath.Clean(resolvePath(o.in.folder, path.AsString())), Pos: shortPos(o.rng),
			Ref: engine.Ref{Node: a.from.node, Port: a.port, Pos: shortPos(val.rng)}})
	}
}

func (e *evaluator) variableList() []*Variable {
	var out []*Variable
	for _, d := range e.m.variables {
		v := e.variables[d.name]
		x := &Variable{Name: d.name, Type: v.constraint.text(), Description: v.description, From: v.from, Pos: shortPos(d.rng), Sensitive: v.sensitive}
		if v.state == done {
			x.Value, x.full = diag.Show(e.asWritten(v.value)), diag.Literal(e.asWritten(v.value))
		}
		out = append(out, x)
	}
	return out
}
