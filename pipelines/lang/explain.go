package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// explain makes the evaluator's messages say what there is, where it knows and they don't.
func explain(diags hcl.Diagnostics) hcl.Diagnostics {
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

// explainArgument names the function, which the message leaves out.
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
		d.Detail = fmt.Sprintf("%s is empty: there is nothing at %s.", traversalText(t), showValue(key))
		return
	}
	d.Detail = fmt.Sprintf("%s has %d elements, counted from 0 to %d; there is none at %s.", traversalText(t), n, n-1, showValue(key))
}

// explainMember names the members that there are when one isn't there.
func explainMember(d *hcl.Diagnostic) {
	x, ok := d.Expression.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return
	}
	v, t := shortened(x.Traversal, d.EvalContext)
	if t == nil || len(t) == len(x.Traversal) || v.IsNull() || v.IsMarked() {
		return
	}
	var name string
	switch s := x.Traversal[len(t)].(type) {
	case hcl.TraverseAttr:
		name = s.Name
	case hcl.TraverseIndex:
		key, ok := keyText(s.Key)
		if s.Key.Type() != cty.String || !ok {
			explainIndex(d, t, v, s.Key)
			return
		}
		name = key
	default:
		return
	}
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		d.Detail = fmt.Sprintf("%s is %s; it has no parts, so there is no %q in it.", traversalText(t), describe(v), name)
		return
	}
	names := slices.Sorted(maps.Keys(v.AsValueMap()))
	say(d, "There is no %q in %s.%s", name, traversalText(t), suggest(name, "names", names))
}

// shortened is as much of a traversal as has a value, and that value; nil if not even the start has.
func shortened(t hcl.Traversal, ctx *hcl.EvalContext) (cty.Value, hcl.Traversal) {
	for n := len(t) - 1; n > 0; n-- {
		if v, diags := t[:n].TraverseAbs(ctx); !diags.HasErrors() && (n > 1 || !isRoot(t)) {
			return v, t[:n]
		}
	}
	return cty.DynamicVal, nil
}

func isRoot(t hcl.Traversal) bool {
	return slices.Contains([]string{"var", "local", "step", "metric"}, t.RootName())
}

func isStepValue(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && !v.IsMarked() && v.Type().IsObjectType() && isStep(v)
}

// printable replaces what would move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && (r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x202e || r == 0x2066 || r == 0x2067) {
			return '\uFFFD'
		}
		return r
	}, s)
}
