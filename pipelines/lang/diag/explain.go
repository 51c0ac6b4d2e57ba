package diag

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Explain adds to the evaluator's messages what exists, if they only say what doesn't.
func Explain(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		if d.Expression == nil || d.EvalContext == nil {
			continue
		}
		hideArguments(d)
		if text, _, ok := strings.Cut(d.Detail, "panic in function implementation: "); ok {
			_, what, _ := strings.Cut(d.Detail, "panic in function implementation: ")
			what, _, _ = strings.Cut(what, "\n")
			d.Detail = text + "its library broke down (" + what + "). Please report it with this expression."
		}
		switch d.Summary {
		case "Unsupported attribute", "Invalid index":
			explainMember(d)
		case "Unknown variable":
			explainRoot(d)
		case "Invalid function argument":
			explainArgument(d)
		case "Inconsistent conditional result types":
			if strings.Contains(d.Detail, "artifact") {
				d.Detail += " An artifact is step.NAME.PORT, file(), dir() or glob(); a plain text is none."
			}
		}
	}
	return diags
}

// explainRoot says which names an expression may start with.
func explainRoot(d *hcl.Diagnostic) {
	x, ok := d.Expression.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(d.EvalContext.Variables) == 0 {
		return
	}
	name := x.Traversal.RootName()
	Say(d, "There is no %q here.%s", name, Suggest(name, "names", slices.Sorted(maps.Keys(d.EvalContext.Variables))))
}

// explainArgument adds the name of the function, which the message leaves out.
func explainArgument(d *hcl.Diagnostic) {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	rest, cut := strings.CutPrefix(d.Detail, "Invalid value for ")
	if ok && cut {
		d.Detail = fmt.Sprintf("%s() got a wrong value for %s", call.CalledFunctionName(), rest)
	}
}

// explainIndex says how long a list is.
func explainIndex(d *hcl.Diagnostic, t hcl.Traversal, list, key cty.Value) {
	if key.Type() != cty.Number || !list.IsKnown() || !(list.Type().IsTupleType() || list.Type().IsListType()) {
		return
	}
	n := list.LengthInt()
	if n == 0 {
		d.Detail = fmt.Sprintf("%s is empty: there is nothing at %s.", traversalText(t), Show(key))
		return
	}
	d.Detail = fmt.Sprintf("%s has %d elements, counted from 0 to %d; there is none at %s.", traversalText(t), n, n-1, Show(key))
}

// explainMember lists the existing members if a member doesn't exist.
func explainMember(d *hcl.Diagnostic) {
	x, ok := d.Expression.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return
	}
	v, t := beginning(x.Traversal, d.EvalContext, 1)
	if t == nil || len(t) == len(x.Traversal) || v.IsNull() || v.IsMarked() {
		return
	}
	var name string
	switch s := x.Traversal[len(t)].(type) {
	case hcl.TraverseAttr:
		name = s.Name
	case hcl.TraverseIndex:
		if k := s.Key; k.Type() != cty.String || !k.IsKnown() || k.IsNull() || k.IsMarked() {
			explainIndex(d, t, v, k)
			return
		}
		name = s.Key.AsString()
	default:
		return
	}
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		d.Detail = fmt.Sprintf("%s is %s; it has no parts, so there is no %q in it.", traversalText(t), WhatIs(v), name)
		return
	}
	names := slices.Sorted(maps.Keys(v.AsValueMap()))
	Say(d, "There is no %q in %s.%s", name, traversalText(t), Suggest(name, "names", names))
}

// hideArguments removes the reason from a function's error if an argument is sensitive, because functions quote arguments and values made
// from them.
func hideArguments(d *hcl.Diagnostic) {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if !ok || !usesSensitive(d) {
		return
	}
	d.Detail = call.CalledFunctionName() + "() can't be computed. The reason isn't shown, because an argument is sensitive."
}

// usesSensitive tells whether a diagnostic's expression refers to a sensitive value.
func usesSensitive(d *hcl.Diagnostic) bool {
	return slices.ContainsFunc(d.Expression.Variables(), func(t hcl.Traversal) bool {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() {
			v, _ = shortened(t, d.EvalContext)
		}
		return v.ContainsMarked()
	})
}

// shortened is the longest beginning of a traversal that has a value to show, and the value; nil if there is none.
func shortened(t hcl.Traversal, ctx *hcl.EvalContext) (cty.Value, hcl.Traversal) {
	if isRoot(t) {
		return beginning(t, ctx, 2)
	}
	return beginning(t, ctx, 1)
}

// beginning is the longest beginning of a traversal that has a value and at least so many parts, and the value; nil if there is none.
func beginning(t hcl.Traversal, ctx *hcl.EvalContext, least int) (cty.Value, hcl.Traversal) {
	for n := len(t) - 1; n >= least; n-- {
		if v, diags := t[:n].TraverseAbs(ctx); !diags.HasErrors() {
			return v, t[:n]
		}
	}
	return cty.DynamicVal, nil
}

func isRoot(t hcl.Traversal) bool {
	return slices.Contains([]string{"var", "local", "step", "metric"}, t.RootName())
}
