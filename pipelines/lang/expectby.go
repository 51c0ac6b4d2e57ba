package lang

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"rein/engine/record"
	"rein/pipelines/lang/diag"
	"rein/steps/metric"
)

// slicedBy are the metrics that an expectation by slices stands for: fp_rate by language is the FP rate that is shown for a language.
func (e *evaluator) slicedBy(a *attr, v cty.Value, x record.Expectation) []string {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return nil
	}
	by, given := v.AsValueMap()[byKey]
	if !given || by.IsNull() {
		return nil
	}
	wrong := func(format string, args ...any) []string {
		e.diags = e.diags.Append(e.withValues(errorAt(a.expr.Range(), "Wrong expectation", format, args...), a, scope{in: a.in}))
		return nil
	}
	list := []cty.Value{by}
	if t := by.Type(); t.IsTupleType() || t.IsListType() || t.IsSetType() {
		list = by.AsValueSlice()
	}
	name := metric.Canonical(a.name)
	kinds := metric.SlicesOf(name)
	switch {
	case len(kinds) == 0:
		return wrong("%s can't be held to a limit by slice; fp_rate with at_most can, and tp_rate with at_least.", a.name)
	case x.Value != nil || (name == "fp_rate") != (x.AtMost != nil) || (name == "tp_rate") != (x.AtLeast != nil):
		return wrong("%s.by goes with at_most for fp_rate, with at_least for tp_rate, and with no other limit.", a.name)
	}
	var out []string
	for _, n := range list {
		if n.IsNull() || n.Type() != cty.String || !slices.Contains(kinds, n.AsString()) {
			return wrong("%s.by is what the rows are sliced by, or a list of that: %s.%s", a.name, strings.Join(kinds, ", "), diag.Suggest(keyOrNothing(n), "slices", kinds))
		}
		out = append(out, name+metric.By+n.AsString())
	}
	return out
}

// keyOrNothing is a text to suggest others for.
func keyOrNothing(v cty.Value) string {
	s, _ := keyText(v)
	return s
}

// byKey is the key of an expectation that names the column by which rows are sliced.
const byKey = "by"
