package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
)

// ref is a reference in an expression: var.NAME, local.NAME, step.NAME..., each.key, metric.NAME.
type ref struct {
	root, name string
	rest       hcl.Traversal // after the name
	rng        hcl.Range     // of root and name
	all        hcl.Range
	trav       hcl.Traversal
}

// facts are what is known of an expression, found once: steps with for_each evaluate it often.
type facts struct {
	refs    []ref
	common  bool // collect could read it, so only the references can be wrong
	literal bool // it has no references and calls nothing
	checked bool
	ok      bool
	known   bool // value is what it evaluates to, because it refers to nothing
	value   cty.Value
}

func (e *evaluator) factsOf(expr hcl.Expression) *facts {
	if f, ok := e.facts[expr]; ok {
		return f
	}
	f := &facts{literal: true}
	if f.common = f.collect(expr, e.functionsIn("")); !f.common {
		*f = facts{}
		for _, t := range expr.Variables() {
			f.refs = append(f.refs, refOf(t))
		}
	}
	e.facts[expr] = f
	return f
}

// collect finds the references of an expression that is made of literals, references, lists, objects and calls, as most are. It is false for
// any other, for unknown functions, and for numbers that are too long. The order is that of the library, whose walk takes several times as
// long.
func (f *facts) collect(expr hcl.Expression, known functionSet) bool {
	all := func(parts []hclsyntax.Expression) bool {
		for _, p := range parts {
			if !f.collect(p, known) {
				return false
			}
		}
		return true
	}
	switch x := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return x.Val.IsKnown() && !isHuge(x.Val)
	case *hclsyntax.TemplateExpr:
		return all(x.Parts)
	case *hclsyntax.TupleConsExpr:
		return all(x.Exprs)
	case *hclsyntax.ScopeTraversalExpr:
		f.literal, f.refs = false, append(f.refs, refOf(x.Traversal))
		return true
	case *hclsyntax.FunctionCallExpr:
		_, ok := known[x.Name]
		f.literal = false
		return ok && all(x.Args)
	case *hclsyntax.ObjectConsExpr:
		for _, item := range x.Items {
			key, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
			if !ok || hcl.ExprAsKeyword(key.Wrapped) == "" && !f.collect(key.Wrapped, known) || !f.collect(item.ValueExpr, known) {
				return false
			}
		}
		return true
	}
	return false
}

func refOf(t hcl.Traversal) ref {
	r := ref{root: t.RootName(), trav: t, all: t.SourceRange()}
	r.rng = t[0].SourceRange()
	if len(t) > 1 {
		r.rest = t[2:]
		r.rng = hcl.RangeBetween(r.rng, t[1].SourceRange())
		switch n := t[1].(type) {
		case hcl.TraverseAttr:
			r.name = n.Name
		case hcl.TraverseIndex: // var["name"]
			r.name, _ = keyText(n.Key)
		}
	}
	return r
}

// check reports references to things that don't exist, before anything is evaluated. So the message can say what was meant, and branches
// that aren't taken are checked too.
func (e *evaluator) check(expr hcl.Expression, f *facts, s scope) bool {
	if f.checked {
		return f.ok
	}
	n := len(e.diags)
	for _, r := range f.refs {
		e.checkRef(r, s)
	}
	if !f.common {
		e.checkFunctions(expr)
	}
	f.checked, f.ok = true, len(e.diags) == n
	return f.ok
}

func (e *evaluator) checkRef(r ref, s scope) {
	report := func(rng hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
		d := errorAt(rng, summary, format, args...)
		e.diags = e.diags.Append(d)
		return d
	}
	if !slices.Contains(s.roots, r.root) {
		e.checkRoot(r, s, report)
		return
	}
	if r.name == "" {
		report(r.all, "Incomplete reference", "%s alone is no value: write %s.NAME.%s", r.root, r.root, diag.HaveList(r.root+" names", e.names(r.root)))
		return
	}
	switch r.root {
	case "each":
		if !s.keyed {
			report(r.all, "No for_each", "each.key and each.value are only known in a step with for_each.")
		} else if r.name != "key" && r.name != "value" {
			report(r.rng, "Unknown name", "each has key and value, not %q.%s", r.name, diag.DidYouMean(r.name, []string{"key", "value"}))
		}
	case "metric":
	default:
		if !e.has(r.root, r.name) {
			e.unknown(r, e.names(r.root), report)
		}
	}
}

// reporter adds an error and gives it back, for adding to it.
type reporter func(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic

func (e *evaluator) unknown(r ref, names []string, report reporter) {
	what := map[string]string{"var": "variable", "local": "local value", "step": "step"}[r.root]
	if off := e.m.removed[r.name]; off != nil && r.root == "step" {
		diag.Also(report(r.rng, "Step is disabled", "step.%s was removed.", r.name), off.rng, "it is disabled here")
		return
	}
	for _, other := range []string{"var", "local", "step"} {
		if other != r.root && e.has(other, r.name) && diag.Nearest(r.name, names) == "" {
			report(r.rng, "Unknown "+what, "There is no %s %q, but there is %s.%s.", what, r.name, other, r.name)
			return
		}
	}
	report(r.rng, "Unknown "+what, "There is no %s %q.%s", what, r.name, diag.Suggest(r.name, what+"s", names))
}

// checkRoot reports a reference whose first word means nothing here.
func (e *evaluator) checkRoot(r ref, s scope, report reporter) {
	all := []string{"var", "local", "step", "each", "metric"}
	if slices.Contains(all, r.root) {
		report(r.all, "Not possible here", "%s can't use %s; it may use %s.", diag.UpperFirst(s.what), r.root, listOr(s.roots, "only plain values"))
		return
	}
	if len(r.trav) == 1 {
		for _, root := range []string{"var", "local"} {
			if slices.Contains(s.roots, root) && e.has(root, r.root) {
				meant := diag.Suggestion{Text: fmt.Sprintf(" Did you mean %s.%s, or the text %q in quotes?", root, r.root, r.root), Given: r.root, Name: root + "." + r.root}
				report(r.all, "Unknown name", "%s means nothing by itself.%s", r.root, meant)
				return
			}
		}
		report(r.all, "Unknown name", "%s means nothing by itself. A text is written in quotes: %q.", r.root, r.root)
		return
	}
	if n := diag.Nearest(r.root, s.roots); n != "" {
		report(r.trav[0].SourceRange(), "Unknown name", "There is no %q.%s", r.root, diag.Suggestion{Text: fmt.Sprintf(" Did you mean %s.%s?", n, r.name), Given: r.root, Name: n})
		return
	}
	if e.has("step", r.root) && slices.Contains(s.roots, "step") {
		report(r.all, "Unknown name", "There is no %q. A step's output is written step.%s.PORT.", r.root, r.root)
		return
	}
	report(r.trav[0].SourceRange(), "Unknown name", "There is no %q; references start with %s.", r.root, listOr(s.roots, "nothing"))
}

func (e *evaluator) has(root, name string) bool {
	ok := false
	switch root {
	case "var":
		_, ok = e.variables[name]
	case "local":
		_, ok = e.locals[name]
	case "step":
		_, ok = e.steps[name]
	}
	return ok
}

func (e *evaluator) names(root string) []string {
	switch root {
	case "var":
		return slices.Sorted(maps.Keys(e.variables))
	case "local":
		return slices.Sorted(maps.Keys(e.locals))
	case "step":
		return slices.Sorted(maps.Keys(e.steps))
	}
	return nil
}

func listOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// checkFunctions reports unknown functions and ports of splats, also where they wouldn't be evaluated.
func (e *evaluator) checkFunctions(expr hcl.Expression) {
	node, ok := expr.(hclsyntax.Expression)
	if !ok {
		return
	}
	set := e.functionsIn("")
	hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			if _, known := set[n.Name]; !known {
				e.diags = e.diags.Append(errorAt(n.NameRange, "Unknown function", "There is no function %q.%s", n.Name, e.suggestFunction(n.Name)))
			}
		case *hclsyntax.LiteralValueExpr:
			if isHuge(n.Val) {
				e.diags = e.diags.Append(errorAt(n.SrcRange, "Number is too long", "It has more than %d digits.", maxExponent*3/10))
			}
		case *hclsyntax.SplatExpr:
			e.checkSplat(n)
		}
		return nil
	})
}

func (e *evaluator) suggestFunction(name string) diag.Suggestion {
	if s := diag.DidYouMean(name, e.functionNames()); s.Text != "" {
		return s
	}
	return diag.Suggestion{Text: fmt.Sprintf(" The language reference lists the %d there are.", len(e.functionNames()))}
}
