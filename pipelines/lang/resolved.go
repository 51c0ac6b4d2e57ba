package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
	"rein/steps"
)

// Resolved is a pipeline after inheritance, with the origin of every value.
type Resolved struct {
	Name      string            `json:"name"`
	Title     string            `json:"title,omitempty"`
	File      string            `json:"file"`
	Bases     []string          `json:"bases,omitempty"` // the most basic one first
	Variables []*Variable       `json:"variables,omitempty"`
	Locals    []ResolvedArg     `json:"locals,omitempty"`
	Steps     []ResolvedStep    `json:"steps"`
	Removed   map[string]string `json:"removed,omitempty"` // disabled steps, and where that is written
	Outputs   []ResolvedBlock   `json:"outputs,omitempty"`
	Expect    []ResolvedArg     `json:"expect,omitempty"`
	Planned   []ResolvedArg     `json:"plan,omitempty"`
	Compare   *ResolvedBlock    `json:"compare,omitempty"`
}

// ResolvedStep is a step block after inheritance, and what it becomes.
type ResolvedStep struct {
	ResolvedBlock
	Type      string             `json:"type"`
	Instances []ResolvedInstance `json:"instances,omitempty"` // with for_each
	NotNeeded bool               `json:"not_needed,omitempty"`
}

// ResolvedInstance is one key of a step with for_each.
type ResolvedInstance struct {
	Name      string `json:"name"`
	NotNeeded bool   `json:"not_needed,omitempty"`
}

// ResolvedBlock is a block with its arguments.
type ResolvedBlock struct {
	Name   string          `json:"name"`
	From   []string        `json:"from"` // where it is written: the base first, then what overrides it
	Args   []ResolvedArg   `json:"arguments,omitempty"`
	Blocks []ResolvedBlock `json:"blocks,omitempty"`
}

// ResolvedArg is an argument: as it is written, and what that comes to.
type ResolvedArg struct {
	Name       string `json:"name"`
	Expression string `json:"expression,omitempty"` // empty: a default of the step's type
	Value      string `json:"value,omitempty"`      // as the language writes it; empty where it depends on for_each or metrics
	From       string `json:"from"`                 // "hybrid.hcl:12", or "default"
}

// Resolve tells what the pipeline is. It is only for pipelines that loaded without errors.
func (p *Pipeline) Resolve() *Resolved {
	e := p.eval
	r := &Resolved{Name: p.Name, Title: p.Title, File: p.File, Bases: p.Bases, Variables: p.Variables, Steps: []ResolvedStep{}}
	for _, a := range e.m.locals {
		r.Locals = append(r.Locals, e.resolvedArg(a, scope{in: a.in, roots: anyScope}))
	}
	for _, s := range e.stepOrder {
		r.Steps = append(r.Steps, e.resolvedStep(s))
	}
	for name, a := range e.m.removed {
		if r.Removed == nil {
			r.Removed = map[string]string{}
		}
		r.Removed[name] = shortPos(a.rng)
	}
	for _, o := range e.m.outputs {
		b := e.resolvedBlock(o.body, scope{roots: anyScope})
		b.Name, b.From = o.name, []string{shortPos(o.rng)}
		r.Outputs = append(r.Outputs, b)
	}
	for _, a := range e.m.expect {
		r.Expect = append(r.Expect, e.resolvedArg(a, scope{in: a.in, roots: valueScope}))
	}
	for _, a := range e.m.plan {
		r.Planned = append(r.Planned, e.resolvedArg(a, scope{in: a.in, roots: valueScope}))
	}
	if c := e.m.compare; c != nil {
		b := e.resolvedBlock(c, scope{roots: anyScope})
		r.Compare = &b
	}
	return r
}

func (e *evaluator) resolvedStep(s *step) ResolvedStep {
	out := ResolvedStep{Type: s.decl.typeName}
	if len(s.instances) == 0 {
		out.ResolvedBlock = e.resolvedBlock(s.decl.body, scope{keyed: true})
	} else {
		i := s.instances[0]
		out.ResolvedBlock = e.resolvedBlock(s.decl.body, i.scope("a step's argument"))
		out.NotNeeded = i.node.NotNeeded && !s.keyed
	}
	out.Name, out.From = s.decl.name, nil
	for _, m := range s.decl.overrides {
		for _, d := range m.steps {
			if d.name == s.decl.name {
				out.From = append(out.From, shortPos(d.rng))
			}
		}
	}
	if s.keyed {
		for _, i := range s.instances {
			out.Instances = append(out.Instances, ResolvedInstance{i.name, i.node.NotNeeded})
		}
	}
	if t := s.decl.typ; t != nil {
		out.Args = append(out.Args, defaultsOf(t.Fields, s.decl.body)...)
	}
	return out
}

// defaultsOf lists the defaults of arguments that nobody wrote.
func defaultsOf(fields []steps.Field, body *block) []ResolvedArg {
	var out []ResolvedArg
	for _, f := range fields {
		if body.attrs[f.Name] == nil && !f.Block && f.Default != cty.NilVal {
			out = append(out, ResolvedArg{Name: f.Name, Value: diag.Literal(f.Default), From: "default"})
		}
	}
	return out
}

func (e *evaluator) resolvedBlock(b *block, s scope) ResolvedBlock {
	out := ResolvedBlock{Name: b.name, From: []string{shortPos(b.rng)}}
	for _, a := range b.sorted() {
		s.in = a.in
		out.Args = append(out.Args, e.resolvedArg(a, s))
	}
	for _, c := range b.blocks {
		out.Blocks = append(out.Blocks, e.resolvedBlock(c, s))
	}
	return out
}

func (e *evaluator) resolvedArg(a *attr, s scope) ResolvedArg {
	out := ResolvedArg{Name: a.name, Expression: e.sourceOf(a), From: shortPos(a.rng)}
	refs := e.factsOf(a.expr).refs
	open := slices.ContainsFunc(refs, func(r ref) bool { return r.root == "metric" || (r.root == "each" && s.keyed) || e.mentionsKey(r) })
	if open || a.name == "depends_on" || (len(refs) == 0 && !e.hasCalls(a.expr)) {
		return out // there is no value yet, or the expression is the value
	}
	ctx, ok := e.context(refs, s)
	if !ok {
		return out
	}
	v, diags := a.expr.Value(ctx)
	if diags.HasErrors() || diag.IsStep(v) {
		return out
	}
	if out.Value = diag.Literal(e.asWritten(v)); out.Value == out.Expression {
		out.Value = ""
	}
	return out
}

// sourceOf is an argument's expression as it is written; JSON is translated.
func (e *evaluator) sourceOf(a *attr) string {
	f := e.sources[a.expr.Range().Filename]
	if f == nil {
		return ""
	}
	if isJSON(a.rng.Filename) {
		return fromJSON(a.expr.Range().SliceBytes(f.Bytes))
	}
	text := string(a.rng.SliceBytes(f.Bytes))
	if strings.HasPrefix(text, a.name) {
		if _, expr, ok := strings.Cut(text, "="); ok {
			return strings.TrimSpace(expr)
		}
	}
	return strings.TrimSpace(string(a.expr.Range().SliceBytes(f.Bytes))) // an entry of an object
}

// asWritten puts the paths of path variables back as they were written.
func (e *evaluator) asWritten(v cty.Value) cty.Value {
	out, err := cty.Transform(v, func(_ cty.Path, x cty.Value) (cty.Value, error) {
		if x.Type() == cty.String && !x.IsNull() && x.IsKnown() && !x.IsMarked() {
			if text, ok := e.texts[x.AsString()]; ok {
				return cty.StringVal(text), nil
			}
		}
		return x, nil
	})
	if err != nil {
		return v
	}
	return out
}

// String is the block's place in words: "base.hcl:3, overridden at hybrid.hcl:9".
func (b ResolvedBlock) String() string {
	if len(b.From) < 2 {
		return strings.Join(b.From, "")
	}
	return fmt.Sprintf("%s, overridden at %s", b.From[0], strings.Join(b.From[1:], ", "))
}
