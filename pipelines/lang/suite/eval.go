package suite

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// value converts any JSON value to a value of the language.
func value(v any) (cty.Value, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return cty.NilVal, err
	}
	t, err := ctyjson.ImpliedType(b)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(b, t)
}

// evaluate tests the assertions on facts, and returns a message for each that doesn't hold.
func (r *Run) evaluate(text []byte, facts map[string]any) (failures []string, diags hcl.Diagnostics) {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: lang.StandardFunctions()}
	for name, f := range facts {
		v, err := value(f)
		if err != nil {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Mistake in rein", Detail: fmt.Sprintf("%s can't be tested: %v.", name, err)}}
		}
		ctx.Variables[name] = v
	}
	for _, a := range r.Asserts {
		ok, more := truth(a.Condition, ctx)
		if !more.HasErrors() && !ok {
			var failure string
			failure, more = a.failure(text, ctx)
			failures = append(failures, failure)
		}
		diags = append(diags, more...)
	}
	return failures, diag.Explain(diags)
}

// truth is a condition's value.
func truth(x hcl.Expression, ctx *hcl.EvalContext) (bool, hcl.Diagnostics) {
	v, diags := x.Value(ctx)
	if diags.HasErrors() {
		return false, diags
	}
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() || !b.IsKnown() {
		return false, append(diags, problem(x.Range(), "Wrong type of value", "A condition is true or false; this is %s.", diag.WhatIs(v)))
	}
	return b.True(), diags
}

// failure describes a failed assertion: its place, and the values in its condition.
func (a Assert) failure(text []byte, ctx *hcl.EvalContext) (string, hcl.Diagnostics) {
	var b strings.Builder
	var diags hcl.Diagnostics
	at := a.Condition.Range()
	fmt.Fprintf(&b, "%s:%d: ", at.Filename, at.Start.Line)
	message := "the condition is false"
	if a.Message != nil {
		v, more := a.Message.Value(ctx)
		diags = more
		if s, err := convert.Convert(v, cty.String); err == nil && !s.IsNull() && s.IsKnown() {
			message = s.AsString()
		} else if !more.HasErrors() {
			diags = append(diags, problem(a.Message.Range(), "Wrong type of value", "An error_message is text; this is %s.", diag.WhatIs(v)))
		}
	}
	b.WriteString(message)
	fmt.Fprintf(&b, "\n  %s", strings.TrimSpace(string(at.SliceBytes(text))))
	seen := map[string]bool{}
	for _, t := range a.Condition.Variables() {
		name := string(t.SourceRange().SliceBytes(text))
		v, diags := t.TraverseAbs(ctx)
		if seen[name] || diags.HasErrors() {
			continue
		}
		seen[name] = true
		fmt.Fprintf(&b, "\n    %s is %s", name, show(v))
	}
	return b.String(), diags
}

// mostShown is how many characters of a value a failure shows.
const mostShown = 300

func show(v cty.Value) string {
	j, err := ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
	if err != nil {
		return v.GoString()
	}
	if s := []rune(string(j)); len(s) > mostShown {
		return string(s[:mostShown]) + "..."
	}
	return string(j)
}
