package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// listSplats makes step.NAME[*].PORT go over all instances of a step with for_each. Such a step's value is an object
// by key, over which a splat would not go, so the splat's source is wrapped in a call that lists the instances.
func listSplats(body hcl.Body) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return
	}
	hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		s, ok := n.(*hclsyntax.SplatExpr)
		if !ok {
			return nil
		}
		src, ok := s.Source.(*hclsyntax.ScopeTraversalExpr)
		if ok && len(src.Traversal) == 2 && src.Traversal.RootName() == "step" {
			r := src.Range()
			s.Source = &hclsyntax.FunctionCallExpr{Name: instancesFunc, Args: []hclsyntax.Expression{src}, NameRange: r, OpenParenRange: r, CloseParenRange: r}
		}
		return nil
	})
}

// checkSplat reports a port that the instances don't have.
func (e *evaluator) checkSplat(x *hclsyntax.SplatExpr) {
	call, ok := x.Source.(*hclsyntax.FunctionCallExpr)
	each, isRef := x.Each.(*hclsyntax.RelativeTraversalExpr)
	if !ok || !isRef || call.Name != instancesFunc {
		return
	}
	r := refOf(call.Args[0].(*hclsyntax.ScopeTraversalExpr).Traversal)
	s := e.steps[r.name]
	if s == nil || s.decl.typ == nil || !e.expand(s, r.rng) || s.instances0() == nil {
		return // reported where the name is
	}
	first := s.instances0()
	if e.findPorts(first) {
		e.checkPortOf(s, first, r.name, each.Traversal)
	}
}
