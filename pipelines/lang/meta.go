package lang

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/pipelines/lang/diag"
)

// bindMeta fills in what every step takes: depends_on, resources, retries, timeout, executor and asserts.
func (e *evaluator) bindMeta(i *instance) bool {
	n := len(e.diags)
	body := i.step.decl.body
	if a := body.attrs["retries"]; a != nil {
		if v, ok := e.metaValue(i, a, cty.Number); ok {
			if f := v.AsBigFloat(); !f.IsInt() || f.Sign() < 0 || f.Cmp(big.NewFloat(1000)) > 0 {
				e.wrongMeta(i, a, "retries is a whole number from 0 to 1000, not %s.", diag.Show(v))
			} else {
				r, _ := f.Int64()
				i.node.Retries = int(r)
			}
		}
	}
	if a := body.attrs["timeout"]; a != nil {
		if v, ok := e.metaValue(i, a, cty.String); ok {
			d, err := time.ParseDuration(v.AsString())
			if err != nil || d <= 0 {
				e.wrongMeta(i, a, "timeout is a time like \"90s\", \"20m\" or \"2h\", not %s.", diag.Show(v))
			}
			i.node.Timeout = d
		}
	}
	if a := body.attrs["executor"]; a != nil {
		if v, ok := e.metaValue(i, a, cty.String); ok {
			if i.node.Executor = v.AsString(); e.project.Check(i.node.Executor) != nil {
				e.wrongMeta(i, a, "There is no executor %s.%s", diag.Show(v), e.project.suggestion(i.node.Executor))
			}
		}
	}
	if b := body.one("resources"); b != nil {
		e.resources(i, b)
	}
	e.dependsOn(i)
	e.asserts(i)
	return !e.diags[n:].HasErrors()
}

// metaValue evaluates a meta-argument. null is the same as leaving it out.
func (e *evaluator) metaValue(i *instance, a *attr, want cty.Type) (cty.Value, bool) {
	sc := i.scope(a.name)
	sc.in, sc.roots = a.in, []string{"var", "local", "each"}
	v, ok := e.eval(a.expr, sc)
	if !ok || v.IsNull() {
		return v, false
	}
	return e.evalAs(a, sc, want)
}

func (e *evaluator) wrongMeta(i *instance, a *attr, format string, args ...any) {
	sc := i.scope(a.name)
	sc.in = a.in
	e.diags = e.diags.Append(e.withValues(errorAt(a.expr.Range(), "Wrong value", format, args...), a, sc))
}

func (e *evaluator) resources(i *instance, b *block) {
	r := &i.node.Resources
	if a := b.attrs["cpus"]; a != nil {
		if v, ok := e.metaValue(i, a, cty.Number); ok {
			if r.CPUs, _ = v.AsBigFloat().Float64(); r.CPUs <= 0 {
				e.wrongMeta(i, a, "cpus is more than 0, not %s.", diag.Show(v))
			}
		}
	}
	if a := b.attrs["gpu"]; a != nil {
		if v, ok := e.metaValue(i, a, cty.Number); ok {
			if f := v.AsBigFloat(); !f.IsInt() || f.Sign() < 0 || f.Cmp(big.NewFloat(1024)) > 0 {
				e.wrongMeta(i, a, "gpu is a number of whole GPUs, not %s.", diag.Show(v))
			} else {
				n, _ := f.Int64()
				r.GPU = int(n)
			}
		}
	}
	if a := b.attrs["memory"]; a != nil {
		if v, ok := e.metaValue(i, a, cty.String); ok {
			n, err := ParseBytes(v.AsString())
			if err != nil || n == 0 {
				e.wrongMeta(i, a, "memory is a number of bytes or a text like \"512MiB\" or \"4GiB\", not %s.", diag.Show(v))
			}
			r.Memory = n
		}
	}
}

// ParseBytes reads "4GiB", "512 MB", "1048576", "0".
func ParseBytes(s string) (int64, error) {
	units := []struct {
		name string
		size float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}}
	text, size := strings.TrimSpace(s), 1.0
	for _, u := range units {
		if t, ok := strings.CutSuffix(text, u.name); ok {
			text, size = strings.TrimSpace(t), u.size
			break
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0) || f*size >= 1<<62 {
		return 0, fmt.Errorf("%q is not a size; want one like 512MiB or 2GiB", s)
	}
	return int64(f * size), nil
}

// dependsOn reads a list of step.NAME and step.NAME["key"]; it is never evaluated.
func (e *evaluator) dependsOn(i *instance) {
	a := i.step.decl.body.attrs["depends_on"]
	if a == nil {
		return
	}
	list, diags := hcl.ExprList(a.expr)
	if diags.HasErrors() {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong depends_on", "depends_on is a list of steps: [step.NAME, ...]."))
		return
	}
	for _, x := range list {
		for _, to := range e.stepsNamed(x, i.scope("depends_on"), "depends_on") {
			if needed, ok := e.isNeeded(to); ok && needed { // a step that never runs isn't waited for
				i.node.After = append(i.node.After, to.node)
				i.edges = append(i.edges, edge{to: to, arg: "depends_on", rng: x.Range()})
			}
		}
	}
}

// stepsNamed reads an expression that names a step, and gives its instances.
func (e *evaluator) stepsNamed(x hcl.Expression, s scope, arg string) []*instance {
	t, diags := hcl.AbsTraversalForExpr(x)
	wrong := func(at hcl.Range, what string) []*instance {
		e.diags = e.diags.Append(errorAt(at, "Wrong "+arg, "%s names steps, as step.NAME or step.NAME[\"key\"]; %s.", arg, what))
		return nil
	}
	if diags.HasErrors() {
		return wrong(x.Range(), "this is no reference")
	}
	r := refOf(t)
	if r.root != "step" || r.name == "" {
		return wrong(x.Range(), "this is no step")
	}
	n := len(e.diags)
	s.roots = anyScope
	if e.checkRef(r, s); len(e.diags) > n {
		return nil
	}
	st := e.steps[r.name]
	if !e.expand(st, r.rng) {
		return nil
	}
	if len(r.rest) == 0 {
		return st.instances
	}
	idx, ok := r.rest[0].(hcl.TraverseIndex)
	if !ok || len(r.rest) > 1 {
		return wrong(r.rest[0].SourceRange(), "leave the output out")
	}
	if !e.checkPort(st, r) {
		return nil
	}
	if key, ok := keyText(idx.Key); ok && st.byKey[key] != nil {
		return []*instance{st.byKey[key]}
	}
	return wrong(idx.SrcRange, "this step has no such key")
}

// asserts turns assert blocks into checks. The step's metrics are only known after it has run.
func (e *evaluator) asserts(i *instance) {
	for _, b := range i.step.decl.body.blocks {
		cond, msg := b.attrs["condition"], b.attrs["error_message"]
		if b.name != "assert" || cond == nil || msg == nil {
			continue
		}
		sc := i.scope("an assert")
		sc.in, sc.roots = b.in, []string{"var", "local", "each", "metric"}
		ok := e.check(cond.expr, e.factsOf(cond.expr), sc)
		ok = e.check(msg.expr, e.factsOf(msg.expr), sc) && ok
		if !ok {
			continue
		}
		c, okCond := e.context(e.factsOf(cond.expr).refs, sc)
		m, okMsg := e.context(e.factsOf(msg.expr).refs, sc)
		if okCond && okMsg {
			a := assertion{pos: shortPos(b.rng), condition: cond.expr, message: msg.expr, condCtx: c, msgCtx: m}
			a.names = metricNames(append(e.factsOf(cond.expr).refs, e.factsOf(msg.expr).refs...))
			i.node.Checks = append(i.node.Checks, engine.Check{Pos: a.pos, Test: a.test})
		}
	}
}

func metricNames(refs []ref) []string {
	var out []string
	for _, r := range refs {
		if r.root == "metric" {
			out = append(out, r.name)
		}
	}
	return out
}
