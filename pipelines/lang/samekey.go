package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// In an instance of a step with for_each, step.NAME.PORT of another step with for_each is that step's instance of the same
// key. So a chain of steps is written once, and runs once for each key, or once where the keys are null.

// ofKey is the instance that a reference without an index means in the instance of a key; nil if it doesn't mean one.
func (s *step) ofKey(r ref, key string) *instance {
	if !s.keyed || key == "" || len(r.rest) == 0 {
		return nil
	}
	if _, plain := r.rest[0].(hcl.TraverseAttr); !plain {
		return nil
	}
	return s.byKey[key]
}

// local computes a local value: once, or once for each key where it depends on the instance that uses it.
func (e *evaluator) local(r ref, key string) (cty.Value, bool) {
	z := e.locals[r.name]
	sc := scope{in: z.attr.in, what: "a local value", roots: anyScope}
	name := "local." + r.name
	if e.dependsOnKey(z) {
		if key == "" && r.trav == nil { // this isn't a use; the value is checked where it is used
			return cty.DynamicVal, true
		}
		if key != "" {
			sc.key = key
			name += " of " + key
			if z.byKey[key] == nil {
				if z.byKey == nil {
					z.byKey = map[string]*lazy{}
				}
				z.byKey[key] = &lazy{attr: z.attr}
			}
			z = z.byKey[key]
		}
	}
	return e.compute(z, name, r.rng, func() (cty.Value, bool) { return e.eval(z.attr.expr, sc) })
}

// dependsOnKey tells whether a local value refers to an instance without naming its key, directly or through other locals.
func (e *evaluator) dependsOnKey(z *lazy) bool {
	if z.mentions != pending {
		return z.mentions == done
	}
	z.mentions = computing // a cycle is reported when it is computed
	for _, r := range e.factsOf(z.attr.expr).refs {
		if e.mentionsKey(r) {
			z.mentions = done
			return true
		}
	}
	z.mentions = failed
	return false
}

func (e *evaluator) mentionsKey(r ref) bool {
	switch {
	case r.root == "local" && e.has("local", r.name):
		return e.dependsOnKey(e.locals[r.name])
	case r.root == "step" && e.has("step", r.name) && len(r.rest) > 0:
		s := e.steps[r.name]
		_, plain := r.rest[0].(hcl.TraverseAttr)
		return plain && s.decl.body.attrs["for_each"] != nil && s.keys.state != computing && e.expand(s, r.rng) && s.keyed
	}
	return false
}
