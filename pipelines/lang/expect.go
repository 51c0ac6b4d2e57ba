package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/engine/record"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps/metric"
)

// meta is what the run record keeps of a pipeline besides its steps.
func (e *evaluator) meta() record.Meta {
	m := record.Meta{Expect: e.expectations(e.inForce(e.m.expect)), Variables: map[string]record.Variable{}}
	for _, a := range e.inForce(e.m.plan) {
		if v, ok := e.plain(a); ok {
			if m.Planned == nil {
				m.Planned = map[string]any{}
			}
			m.Planned[a.name] = v
		}
	}
	e.comparison(&m)
	for _, d := range e.m.variables {
		v := e.variables[d.name]
		r := record.Variable{From: v.from, Sensitive: v.sensitive}
		if v.state == done && !v.value.ContainsMarked() {
			r.Value = e.recorded(v.value)
		}
		m.Variables[d.name] = r
	}
	return m
}

// recorded is a variable's value for the record. Paths are as they were written, not where they are on this machine.
func (e *evaluator) recorded(v cty.Value) json.RawMessage {
	js, err := jsonOf(e.asWritten(v))
	if err != nil {
		return nil
	}
	return js
}

// errNotFinite is the error of a number that no record can hold.
var errNotFinite = errors.New("a finite number is required")

// jsonOf is a value without marks as JSON.
func jsonOf(v cty.Value) (json.RawMessage, error) {
	if v.Type() == cty.Number && v.IsKnown() && !v.IsNull() {
		if isInfinite(v) {
			return nil, errNotFinite
		}
		return json.RawMessage(diag.Decimal(v.AsBigFloat())), nil
	}
	return ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
}

var valueScope = []string{"var", "local"}

// inForce are the entries of an expect or plan block, without its `when`; none if that is false. Figures that were planned for the built-in
// corpus don't apply to a user's own rows.
func (e *evaluator) inForce(attrs []*attr) []*attr {
	i := slices.IndexFunc(attrs, func(a *attr) bool { return a.name == whenArg })
	if i < 0 {
		return attrs
	}
	v, ok := e.eval(attrs[i].expr, scope{in: attrs[i].in, what: "when", roots: valueScope})
	if !ok {
		return nil
	}
	v, _ = v.UnmarkDeep()
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() || !b.IsKnown() {
		e.diags = e.diags.Append(errorAt(attrs[i].expr.Range(), "Wrong type of value", "when is true or false; this is %s.", diag.WhatIs(v)))
		return nil
	}
	if b.False() {
		return nil
	}
	return slices.Delete(slices.Clone(attrs), i, i+1)
}

// whenArg is the argument that tells when a block applies. So no metric and no planning fact can have this name.
const whenArg = "when"

// plain evaluates an argument to plain data.
func (e *evaluator) plain(a *attr) (any, bool) {
	v, ok := e.eval(a.expr, scope{in: a.in, what: "a planning fact", roots: valueScope})
	if !ok {
		return nil, false
	}
	if v.ContainsMarked() {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Sensitive value", "%s would be shown and recorded, and its value is sensitive.", a.name))
		return nil, false
	}
	if holdsProduct(v) {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong type of value", "%s is a plain value, not a step's output.", a.name))
		return nil, false
	}
	var out any
	js, err := jsonOf(v)
	if err == nil && json.Unmarshal(js, &out) != nil { // a number in it is too large
		err = errNotFinite
	}
	if err != nil {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong type of value", "%s can't be recorded: %s.", a.name, err))
		return nil, false
	}
	return out, true
}

// expectations reads figures by metric.
func (e *evaluator) expectations(attrs []*attr) map[string]record.Expectation {
	out := map[string]record.Expectation{}
	for _, a := range attrs {
		name := e.metricName(a)
		v, ok := e.eval(a.expr, scope{in: a.in, what: "an expectation", roots: valueScope})
		if !ok {
			continue
		}
		if v.ContainsMarked() {
			e.diags = e.diags.Append(errorAt(a.expr.Range(), "Sensitive value", "%s would be shown and recorded, and its value is sensitive.", a.name))
			continue
		}
		if v.IsNull() {
			continue // an override takes it back
		}
		if x, ok := e.expectation(a, v); ok {
			out[name] = x
			for _, by := range e.slicedBy(a, v, x) {
				out[by] = x
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// metricName is the canonical name of a metric: recall is tp_rate. A name that no step measures is an error, because nobody would notice
// that the expectation is never checked. It is only a warning if a step is a program of the user's, which may measure anything.
func (e *evaluator) metricName(a *attr) string {
	if m, ok := metric.Lookup(a.name); ok {
		return m.Name
	}
	known := metric.Names()
	if !e.mayMeasureAnything() {
		e.diags = e.diags.Append(errorAt(a.nameRange, "Unknown metric", "Nothing in this pipeline measures %q.%s", a.name, diag.Suggest(a.name, "metrics", known)))
	} else if n := diag.Nearest(a.name, known); n != "" && levenshtein.Distance(a.name, n, nil) <= 2 {
		d := errorAt(a.nameRange, "Metric is probably misspelt", "No step that ships measures %q.%s If a step of yours measures it, all is well.", a.name, diag.DidYouMean(a.name, known))
		d.Severity = hcl.DiagWarning
		e.diags = e.diags.Append(d)
	}
	return a.name
}

// mayMeasureAnything tells whether a step is a program, whose metrics nobody knows.
func (e *evaluator) mayMeasureAnything() bool {
	return len(e.stepOrder) == 0 || slices.ContainsFunc(e.stepOrder, func(s *step) bool { return s.decl.typ == nil || s.decl.typ.Dynamic })
}

// expectationKey is the schema of a key of an expectation; nil if there is no such key.
func expectationKey(name string) *grammar.Arg {
	i := slices.IndexFunc(grammar.Expectation, func(a grammar.Arg) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &grammar.Expectation[i]
}

// expectationKeys are the names of all keys of an expectation.
func expectationKeys() []string {
	var out []string
	for _, a := range grammar.Expectation {
		out = append(out, a.Name)
	}
	return out
}

// ratchet sets a limit to the figure that was approved last. If none was approved, there is no limit yet.
func (e *evaluator) ratchet(x *record.Expectation, metric, key string) {
	if e.loader.opts.Approved == nil {
		return
	}
	approved := e.loader.opts.Approved()
	e.reads.add(question{ofApproved, metric}, digestOfApproved(approved, metric))
	if f, ok := approved[metric]; ok && key == "not_above" {
		x.AtMost = &f
	} else if ok {
		x.AtLeast = &f
	}
}

func (e *evaluator) expectation(a *attr, v cty.Value) (record.Expectation, bool) {
	x := record.Expectation{Pos: shortPos(a.rng)}
	wrong := func(format string, args ...any) (record.Expectation, bool) {
		d := errorAt(a.expr.Range(), "Wrong expectation", format, args...)
		e.diags = e.diags.Append(e.withValues(d, a, scope{in: a.in}))
		return x, false
	}
	if v.Type() == cty.Number {
		v = cty.ObjectVal(map[string]cty.Value{"value": v})
	}
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return wrong("%s is a number, or { value, tolerance } or { at_most } or { at_least }; this is %s.", a.name, diag.WhatIs(v))
	}
	ratchet := false
	for k, n := range v.AsValueMap() {
		key := expectationKey(k)
		if key == nil {
			return wrong("An expectation has no %q.%s", k, diag.Suggest(k, "keys", expectationKeys()))
		}
		if n.IsNull() || k == byKey {
			continue
		}
		if k == "not_above" || k == "not_below" {
			if n.Type() != cty.String || n.AsString() != grammar.LastApproved {
				return wrong("%s.%s is %q, the figure of what rein promote approved last; at_most and at_least take a number.", a.name, k, grammar.LastApproved)
			}
			ratchet = true
			e.ratchet(&x, metric.Canonical(a.name), k)
			continue
		}
		want := key.Value()
		given := n
		n, err := convert.Convert(given, want)
		if err != nil {
			return wrong("%s.%s is %s; this is %s.", a.name, k, map[bool]string{true: "true or false", false: "a number"}[want == cty.Bool], diag.WhatIs(given))
		}
		if k != "binding" && math.IsInf(*float(n), 0) {
			return wrong("%s.%s is %s: %s.", a.name, k, diag.Show(n), errNotFinite)
		}
		if m, ok := metric.Lookup(a.name); ok && k != "binding" && m.Unit == metric.Rate && !strings.HasSuffix(m.Name, "_change") {
			if f := *float(n); f < 0 || f > 1 {
				return wrong("%s.%s is %g, but %s is a rate, a fraction from 0 to 1.%s", a.name, k, f, a.name, asFraction(f))
			}
		}
		switch k {
		case "binding":
			x.Binding = n.True()
		case "value":
			x.Value = float(n)
		case "tolerance":
			x.Tolerance = float(n)
		case "at_most":
			x.AtMost = float(n)
		case "at_least":
			x.AtLeast = float(n)
		}
	}
	switch {
	case ratchet && x.Value == nil && x.AtMost == nil && x.AtLeast == nil:
		return x, false // nothing was approved yet
	case x.Value == nil && x.AtMost == nil && x.AtLeast == nil:
		return wrong("%s expects nothing: give value, at_most or at_least.", a.name)
	case x.Value == nil && x.Tolerance != nil:
		return wrong("%s has a tolerance, but no value for it to be around.", a.name)
	case x.Tolerance != nil && *x.Tolerance < 0:
		return wrong("The tolerance of %s is negative.", a.name)
	case x.AtMost != nil && x.AtLeast != nil && *x.AtMost < *x.AtLeast:
		return wrong("%s can't be at most %v and at least %v.", a.name, *x.AtMost, *x.AtLeast)
	}
	return x, true
}

// asFraction is the fraction that a percentage was probably meant to be.
func asFraction(f float64) string {
	if f > 1 && f <= 100 {
		return fmt.Sprintf(" Did you mean %.6g?", f/100)
	}
	return ""
}

func float(v cty.Value) *float64 {
	f, _ := v.AsBigFloat().Float64()
	return &f
}

// objectAttrs splits an object constructor into its entries, each with its place.
func objectAttrs(a *attr, e *evaluator) []*attr {
	pairs, diags := hcl.ExprMap(a.expr)
	if diags.HasErrors() {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong target", "target gives figures by metric: { fp_rate = { at_most = 0.01 } }."))
		return nil
	}
	var out []*attr
	for _, p := range pairs {
		k, diags := p.Key.Value(nil)
		name, ok := keyText(k)
		if diags.HasErrors() || !ok {
			e.diags = e.diags.Append(errorAt(p.Key.Range(), "Wrong target", "The name of a metric is written plainly."))
			continue
		}
		out = append(out, &attr{name: name, expr: p.Value, rng: hcl.RangeBetween(p.Key.Range(), p.Value.Range()), nameRange: p.Key.Range(), in: a.in})
	}
	e.add(duplicates(nil, out, "expectation", metric.Canonical))
	return out
}
