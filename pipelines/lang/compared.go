package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/lang/diag"
)

// comparison reads the compare block.
func (e *evaluator) comparison(m *record.Meta) {
	c := e.m.compare
	if c == nil {
		return
	}
	m.Baseline, m.Result = e.comparedStep(c, "baseline"), e.comparedStep(c, "result")
	if t := c.one("target"); t != nil {
		m.Targets = e.expectations(t.sorted())
	}
	if a := c.attrs["target"]; a != nil {
		m.Targets = e.expectations(objectAttrs(a, e))
	}
}

// comparedStep is the name of the step that an argument of compare refers to.
func (e *evaluator) comparedStep(c *block, arg string) string {
	a := c.attrs[arg]
	if a == nil {
		return ""
	}
	expr, ok := e.branch(a)
	if !ok {
		return ""
	}
	found := e.stepsNamed(expr, scope{in: a.in, what: arg}, arg)
	if len(found) > 1 {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong "+arg, "%s is one step, and %s has for_each: add [\"key\"].", arg, found[0].step.decl.name))
		return ""
	}
	if len(found) == 0 {
		return ""
	}
	e.measures(found[0], arg, a)
	return found[0].name
}

// measures reports an error if the step whose figures are to be compared takes no model.
func (e *evaluator) measures(i *instance, arg string, a *attr) {
	looks := func(n *engine.Node) bool { return n.Traits.Measures || n.Traits.Stage != record.StageData }
	if i.node == nil || i.node.Op == nil || looks(i.node) || i.step.decl.typ.Dynamic {
		return
	}
	var others []string
	for _, s := range e.stepOrder {
		for _, o := range s.instances {
			if o.node != nil && o.node.Op != nil && o.node.Traits.Measures && !o.node.NotNeeded {
				others = append(others, o.String())
			}
		}
	}
	e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong "+arg, "%s is the step whose figures are compared, and %s, %s step, measures no model.%s",
		arg, i, diag.Article(i.step.decl.typeName), diag.HaveList("steps that do", others)))
}

// branch is the expression of an argument that is never evaluated. Of a conditional, it is the branch that is taken.
func (e *evaluator) branch(a *attr) (hcl.Expression, bool) {
	c, ok := a.expr.(*hclsyntax.ConditionalExpr)
	if !ok {
		return a.expr, true
	}
	v, ok := e.eval(c.Condition, scope{in: a.in, what: a.name, roots: []string{"var", "local"}})
	if !ok {
		return nil, false
	}
	if v.Type() != cty.Bool || v.IsNull() {
		e.diags = e.diags.Append(errorAt(c.Condition.Range(), "Wrong type of value", "A condition is true or false; this is %s.", diag.Show(v)))
		return nil, false
	}
	if v.True() {
		return c.TrueResult, true
	}
	return c.FalseResult, true
}
