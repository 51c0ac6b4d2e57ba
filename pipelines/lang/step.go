package lang

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/pipelines/lang/diag"
)

// step is a step block after inheritance. An instance is what becomes a node: the step, or one of its keys.
type step struct {
	decl      *stepDecl
	keys      lazy
	value     lazy // what step.NAME stands for
	keyed     bool
	instances []*instance
	byKey     map[string]*instance
}

type instance struct {
	step    *step
	name    string    // "parts", `parts["a"]`
	each    cty.Value // with for_each; its key and value are null where for_each is
	key     string
	when    lazy
	ports   []engine.Port
	portsOK state
	node    *engine.Node
	config  *configurer // nil: the step is not needed, or has mistakes elsewhere
	edges   []edge
}

// edge is a reference that orders two instances.
type edge struct {
	to  *instance
	arg string // "rows", "depends_on"
	rng hcl.Range
}

func newInstance(s *step, name string) *instance {
	return &instance{step: s, name: name, node: &engine.Node{Name: name, Type: s.decl.typeName, Pos: shortPos(s.decl.rng)}}
}

func (i *instance) scope(what string) scope {
	return scope{in: i.step.decl.in, what: what, roots: stepScope, keyed: i.each != cty.NilVal, each: i.each, key: i.key}
}

func (i *instance) port(name string) (engine.Port, bool) {
	n := slices.IndexFunc(i.ports, func(p engine.Port) bool { return p.Name == name })
	if n < 0 {
		return engine.Port{}, false
	}
	return i.ports[n], true
}

// expand finds a step's instances.
func (e *evaluator) expand(s *step, at hcl.Range) bool {
	if s.keys.state == done {
		return true
	}
	_, ok := e.compute(&s.keys, "the keys of step."+s.decl.name, at, func() (cty.Value, bool) {
		a := s.decl.body.attrs["for_each"]
		if a == nil {
			s.instances = []*instance{newInstance(s, s.decl.name)}
			return cty.True, true
		}
		v, ok := e.eval(a.expr, scope{in: a.in, what: "for_each", roots: anyScope})
		if !ok {
			return v, false
		}
		return v, e.expandKeys(s, a, v)
	})
	return ok
}

func (e *evaluator) expandKeys(s *step, a *attr, v cty.Value) bool {
	report := func(format string, args ...any) bool {
		e.diags = e.diags.Append(e.withValues(errorAt(a.expr.Range(), "Wrong for_each", format, args...), a, scope{in: a.in}))
		return false
	}
	if v.ContainsMarked() {
		return report("Sensitive values can't be keys: keys are shown as parts of names.")
	}
	t := v.Type()
	if v.IsNull() { // an override removes a base's for_each
		i := newInstance(s, s.decl.name)
		i.each = cty.ObjectVal(map[string]cty.Value{"key": cty.NullVal(cty.String), "value": cty.NullVal(cty.DynamicPseudoType)})
		s.instances = []*instance{i}
		return true
	}
	s.keyed, s.byKey = true, map[string]*instance{}
	values := map[string]cty.Value{}
	switch {
	case t.IsMapType() || t.IsObjectType():
		values = v.AsValueMap()
	case t.IsListType() || t.IsSetType() || t.IsTupleType():
		for it := v.ElementIterator(); it.Next(); {
			_, x := it.Element()
			k, ok := keyText(x)
			if !ok {
				return report("A list for for_each has strings, which become the keys; it has %s.", diag.Show(x))
			}
			if _, dup := values[k]; dup {
				return report("The key %q is there twice.", k)
			}
			values[k] = cty.StringVal(k)
		}
	default:
		return report("for_each wants a map, or a list of strings, not a %s.", t.FriendlyName())
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		i := newInstance(s, s.decl.name+"["+strconv.Quote(k)+"]")
		i.each = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(k), "value": values[k]})
		i.key, s.instances, s.byKey[k] = k, append(s.instances, i), i
	}
	return true
}

// stepValue gives what step.NAME stands for: an object of artifacts by port, with for_each an object of those by key. In an
// instance with a key, a reference without one means the instance of that key.
func (e *evaluator) stepValue(r ref, key string) (cty.Value, bool) {
	s := e.steps[r.name]
	if s == nil { // an editor asks about files with mistakes
		return cty.DynamicVal, false
	}
	if !e.expand(s, r.rng) || s.decl.typ == nil {
		return cty.DynamicVal, false
	}
	v, ok := e.compute(&s.value, "the outputs of step."+r.name, r.rng, func() (cty.Value, bool) {
		objects := map[string]cty.Value{}
		for _, i := range s.instances {
			if !e.findPorts(i) {
				return cty.DynamicVal, false
			}
			ports := map[string]cty.Value{}
			for _, p := range i.ports {
				ports[p.Name] = productVal(&product{from: i, port: p.Name, kind: p.Kind})
			}
			if !s.keyed {
				return cty.ObjectVal(ports), true
			}
			objects[i.each.GetAttr("key").AsString()] = cty.ObjectVal(ports)
		}
		return cty.ObjectVal(objects), true
	})
	if i := s.ofKey(r, key); i != nil && ok {
		return v.GetAttr(key), e.checkPortOf(s, i, r.name, r.rest)
	}
	return v, ok && e.checkPort(s, r)
}

// findPorts fills in an instance's outputs. If the pipeline names them, it evaluates that argument.
func (e *evaluator) findPorts(i *instance) bool {
	if i.portsOK != pending {
		return i.portsOK == done
	}
	i.portsOK = done
	t := i.step.decl.typ
	for _, p := range t.Out {
		i.ports = append(i.ports, engine.Port{Name: p.Name, Kind: p.Kind})
	}
	a := i.step.decl.body.attrs["outputs"]
	if !t.Dynamic || a == nil {
		return true
	}
	sc := i.scope("outputs")
	sc.in, sc.roots = a.in, []string{"var", "local", "each"}
	v, ok := e.evalAs(a, sc, cty.List(cty.String))
	if !ok || !e.mayBeShown(a, sc) {
		i.portsOK = failed
		return false
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, x := it.Element(); !x.IsNull() {
			i.ports = append(i.ports, engine.Port{Name: x.AsString(), Kind: "file"})
		}
	}
	return true
}

// checkPort reports a reference to a port or key that isn't there.
func (e *evaluator) checkPort(s *step, r ref) bool {
	rest := r.rest
	if len(rest) == 0 {
		return true
	}
	report := func(at hcl.Range, summary, format string, args ...any) bool {
		e.diags = e.diags.Append(errorAt(at, summary, format, args...))
		return false
	}
	i := s.instances0()
	if s.keyed {
		idx, ok := rest[0].(hcl.TraverseIndex)
		if !ok {
			if _, ok := rest[0].(hcl.TraverseSplat); ok {
				return true
			}
			return report(r.all, "Missing key", "step.%s has for_each: write step.%s[\"key\"].PORT for one, or step.%s[*].PORT for all, or give this step for_each = step.%s for an instance with each.%s", r.name, r.name, r.name, r.name, diag.HaveList("keys", slices.Collect(maps.Keys(s.byKey))))
		}
		key, ok := keyText(idx.Key)
		if !ok {
			return report(idx.SrcRange, "Wrong key", "The keys of step.%s are strings.", r.name)
		}
		if i = s.byKey[key]; i == nil {
			return report(idx.SrcRange, "Unknown key", "step.%s has no key %q.%s", r.name, key, diag.Suggest(key, "keys", slices.Collect(maps.Keys(s.byKey))))
		}
		rest = rest[1:]
	} else if idx, ok := rest[0].(hcl.TraverseIndex); ok && idx.Key.Type() != cty.String {
		return report(idx.SrcRange, "No for_each", "step.%s has no for_each, so there is only one: write step.%s.PORT.", r.name, r.name)
	}
	return i == nil || e.checkPortOf(s, i, r.name, rest)
}

// checkPortOf checks what follows an instance in a reference: nothing, or a port and no more.
func (e *evaluator) checkPortOf(s *step, i *instance, stepName string, rest hcl.Traversal) bool {
	report := func(at hcl.Range, summary, format string, args ...any) bool {
		e.diags = e.diags.Append(errorAt(at, summary, format, args...))
		return false
	}
	if len(rest) == 0 {
		return true
	}
	at := rest[0].SourceRange()
	var name string
	switch p := rest[0].(type) {
	case hcl.TraverseAttr:
		name = p.Name
	case hcl.TraverseIndex:
		name, _ = keyText(p.Key)
	default:
		return true
	}
	if _, ok := i.port(name); !ok {
		var names []string
		for _, p := range i.ports {
			names = append(names, p.Name)
		}
		return report(at, "Unknown port", "%s step has no output %q.%s", diag.UpperFirst(diag.Article(s.decl.typeName)), name, diag.Suggest(name, "outputs", names))
	}
	if len(rest) > 1 {
		return report(rest[1].SourceRange(), "Nothing to look into", "step.%s.%s is an artifact: it can be passed on, but has no parts.", stepName, name)
	}
	return true
}

// instances0 is any one instance: all instances of a step have the same static ports.
func (s *step) instances0() *instance {
	if len(s.instances) == 0 {
		return nil
	}
	return s.instances[0]
}

// isNeeded evaluates `when`.
func (e *evaluator) isNeeded(i *instance) (needed, ok bool) {
	a := i.step.decl.body.attrs["when"]
	if a == nil {
		return true, true
	}
	v, ok := e.compute(&i.when, "when of step."+i.name, a.expr.Range(), func() (cty.Value, bool) {
		sc := i.scope("when")
		sc.in, sc.roots = a.in, []string{"var", "local", "each"}
		v, ok := e.eval(a.expr, sc)
		if ok && v.IsNull() {
			return cty.True, true
		}
		if !ok {
			return v, false
		}
		return e.evalAs(a, sc, cty.Bool)
	})
	if !ok {
		return false, false
	}
	return v.True(), true
}

// withValues adds an expression to a message, so that the values in it are shown.
func (e *evaluator) withValues(d *hcl.Diagnostic, a *attr, s scope) *hcl.Diagnostic {
	d.Expression, d.EvalContext = a.expr, e.contextFor(a.expr, s)
	return d
}

func (i *instance) String() string { return fmt.Sprintf("step.%s", i.name) }
