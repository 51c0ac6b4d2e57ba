package lang

import (
	"fmt"
	"runtime"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
)

// evaluator evaluates one pipeline's expressions. Variables, locals and the keys of steps are computed when something
// asks for them, each once, so that files need no order and a cycle is seen with everything on it.
type evaluator struct {
	*loader
	m         *merged
	variables map[string]*variable
	locals    map[string]*lazy
	steps     map[string]*step
	stepOrder []*step
	texts     map[string]string // resolved path -> as it was written
	stack     []frame           // what is being computed
	read      []readPath        // files that steps read
	facts     map[hcl.Expression]*facts
}

// lazy is a value that is computed once.
type lazy struct {
	attr     *attr
	state    state
	value    cty.Value
	byKey    map[string]*lazy // of a local that depends on the instance which uses it
	mentions state            // whether it does: done, or failed for no
}

type state int

const (
	pending state = iota
	computing
	done
	failed // its error was reported; what depends on it isn't reported again
)

// frame is one thing on the way to a value.
type frame struct {
	name string    // "local.base", "the keys of step.parts"
	rng  hcl.Range // the reference that led to it
}

// scope is what an expression may refer to besides var, local and step.
type scope struct {
	in     *module
	what   string // for messages: "a variable's default"
	roots  []string
	keyed  bool      // in a step with for_each, also one that is null
	each   cty.Value // its each
	key    string    // of the instance; "": it has none
	metric cty.Value // metric, in an assert
}

var (
	stepScope = []string{"var", "local", "step", "each"}
	anyScope  = []string{"var", "local", "step"}
	varScope  = []string{"var"}
)

// eval computes an expression. If ok is false it failed, and the reason has been reported here or where it arose.
func (e *evaluator) eval(expr hcl.Expression, s scope) (cty.Value, bool) {
	if over := e.opts.over; over != nil && over.Load() {
		runtime.Goexit() // or an editor's server would go on with a bomb for ever
	}
	f := e.factsOf(expr)
	if f.known {
		return f.value, true
	}
	if !e.check(expr, f, s) {
		return cty.DynamicVal, false
	}
	if _, alone := expr.(*hclsyntax.ScopeTraversalExpr); alone && e.has(f.refs[0].root, f.refs[0].name) { // needs no context
		v, ok := e.lookup(f.refs[0], s)
		if !ok {
			return cty.DynamicVal, false
		}
		if v, diags := f.refs[0].rest.TraverseRel(v); !diags.HasErrors() && v.IsWhollyKnown() && !isHuge(v) {
			return v, true
		}
	}
	ctx, ok := e.context(f.refs, s)
	if !ok {
		return cty.DynamicVal, false
	}
	v, diags := expr.Value(ctx)
	e.add(diag.Explain(diags))
	if diags.HasErrors() || !f.literal && !e.usable(v, expr, s) {
		return cty.DynamicVal, false
	}
	f.known, f.value = len(f.refs) == 0, v
	return v, true
}

// usable reports a value that steps can't get.
func (e *evaluator) usable(v cty.Value, expr hcl.Expression, s scope) bool {
	if isHuge(v) {
		e.diags = e.diags.Append(errorAt(expr.Range(), "Number is too long", "%s has a number of more than %d digits.", diag.UpperFirst(s.what), maxExponent*3/10))
		return false
	}
	if v.IsWhollyKnown() {
		return true
	}
	if !e.diags.HasErrors() { // the parser's stand-in for what it couldn't read
		e.diags = e.diags.Append(errorAt(expr.Range(), "Value is not known", "%s has no value that is known before anything runs.", diag.UpperFirst(s.what)))
	}
	return false
}

// context holds just what the references need.
func (e *evaluator) context(refs []ref, s scope) (*hcl.EvalContext, bool) {
	ctx := &hcl.EvalContext{Functions: e.functionsIn(s.in.folder)}
	if len(refs) == 0 {
		return ctx, true
	}
	ok := true
	values := make([]cty.Value, len(refs)) // cty.NilVal: it failed
	for i, r := range refs {
		if v, found := e.lookup(r, s); found {
			values[i] = v
		} else {
			ok = false
		}
	}
	ctx.Variables = map[string]cty.Value{}
	for i, r := range refs {
		if _, done := ctx.Variables[r.root]; done || values[i] == cty.NilVal {
			continue
		}
		switch r.root {
		case "each":
			ctx.Variables[r.root] = s.each
		case "metric":
			ctx.Variables[r.root] = s.metric
		default:
			ctx.Variables[r.root] = namesOf(r.root, refs[i:], values[i:])
		}
	}
	return ctx, ok
}

// namesOf is an object of the values of references with a root.
func namesOf(root string, refs []ref, values []cty.Value) cty.Value {
	names := make(map[string]cty.Value, len(refs))
	for i, r := range refs {
		if r.root == root && values[i] != cty.NilVal {
			names[r.name] = values[i]
		}
	}
	return cty.ObjectVal(names)
}

// lookup gives what a reference's first two parts stand for.
func (e *evaluator) lookup(r ref, s scope) (cty.Value, bool) {
	switch r.root {
	case "var":
		return e.variable(r)
	case "local":
		return e.local(r, s.key)
	case "step":
		return e.stepValue(r, s.key)
	}
	return cty.DynamicVal, true
}

// compute computes a lazy value once, and reports a cycle.
func (e *evaluator) compute(z *lazy, name string, at hcl.Range, work func() (cty.Value, bool)) (cty.Value, bool) {
	switch z.state {
	case done:
		return z.value, true
	case failed:
		return cty.DynamicVal, false
	case computing:
		e.cycle(name, at)
		return cty.DynamicVal, false
	}
	z.state = computing
	e.stack = append(e.stack, frame{name, at})
	v, ok := work()
	e.stack = e.stack[:len(e.stack)-1]
	if z.value, z.state = v, done; !ok {
		z.state = failed
	}
	return v, ok
}

// cycle reports that the value of name needs itself, with every reference on the way.
func (e *evaluator) cycle(name string, at hcl.Range) {
	from := len(e.stack) - 1
	for from > 0 && e.stack[from].name != name {
		from--
	}
	var links []link
	for i := from; i < len(e.stack); i++ {
		next, rng := name, at
		if i+1 < len(e.stack) {
			next, rng = e.stack[i+1].name, e.stack[i+1].rng
		}
		links = append(links, link{e.stack[i].name, next, rng})
	}
	e.diags = e.diags.Append(cycleError("Cycle of values", "can't be computed, because it needs itself", links))
}

// linePos is file:line,column.
func linePos(r hcl.Range) string {
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}
