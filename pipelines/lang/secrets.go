package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// shortestSecret is the least length of a text that is masked, in bytes. Shorter ones are easily guessed and occur in every other text.
const shortestSecret = 3

// keepSecret records the sensitive texts within a value, so that no message shows them, whichever package wrote it.
func (l *loader) keepSecret(v cty.Value) {
	if v.ContainsMarked() {
		l.secrets = append(l.secrets, secretTexts(v)...)
	}
}

// secretTexts are the texts and numbers within the sensitive parts of a value.
func secretTexts(v cty.Value) []string {
	var out []string
	_ = cty.Walk(v, func(_ cty.Path, x cty.Value) (bool, error) {
		if s := pieces(x); len(s) >= shortestSecret {
			out = append(out, s)
		}
		if !x.HasMark(sensitive) {
			return true, nil
		}
		plain, _ := x.UnmarkDeep()
		_ = cty.Walk(plain, func(_ cty.Path, y cty.Value) (bool, error) {
			if t := y.Type(); !y.IsKnown() || y.IsNull() || t != cty.String && t != cty.Number {
				return true, nil
			}
			if s, err := convert.Convert(y, cty.String); err == nil && len(s.AsString()) >= shortestSecret {
				out = append(out, s.AsString())
			}
			return true, nil
		})
		return false, nil
	})
	return out
}

// pieces is a list of short texts as a message shows it, if some of them are sensitive: what split("", var.token) gives.
func pieces(v cty.Value) string {
	if !v.ContainsMarked() {
		return ""
	}
	plain, _ := v.UnmarkDeep()
	if t := plain.Type(); !plain.IsWhollyKnown() || plain.IsNull() || !t.IsListType() && !t.IsTupleType() {
		return ""
	}
	var all []string
	short := false
	for _, x := range plain.AsValueSlice() {
		s, err := convert.Convert(x, cty.String)
		if err != nil || s.IsNull() {
			return ""
		}
		all = append(all, s.AsString())
		short = short || len(s.AsString()) < shortestSecret
	}
	if !short {
		return ""
	}
	return strings.Join(all, " ")
}

// mayBeShown reports an error if a value that plans and records show is sensitive.
func (e *evaluator) mayBeShown(a *attr, s scope) bool {
	v, ok := e.eval(a.expr, s)
	if ok && !e.factsOf(a.expr).literal && v.ContainsMarked() {
		e.diags = e.diags.Append(errorAt(a.expr.Range(), "Sensitive value", "%s would be shown and recorded, and its value is sensitive.", a.name))
		return false
	}
	return ok
}

// scrub removes sensitive texts from diagnostics.
func (l *loader) scrub(diags hcl.Diagnostics) hcl.Diagnostics {
	longest := slices.Clone(l.secrets) // longest first, because one may be a part of another
	slices.SortStableFunc(longest, func(a, b string) int { return len(b) - len(a) })
	for _, d := range diags {
		for _, s := range longest {
			d.Summary, d.Detail = strings.ReplaceAll(d.Summary, s, "(sensitive)"), strings.ReplaceAll(d.Detail, s, "(sensitive)")
		}
	}
	return diags
}
