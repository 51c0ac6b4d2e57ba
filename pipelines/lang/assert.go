package lang

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"rein/engine"
	"rein/pipelines/lang/diag"
	"rein/steps/metric"
)

// assertion is an assert block, ready to be tested when the step's metrics are known.
type assertion struct {
	pos                string
	condition, message hcl.Expression
	condCtx, msgCtx    *hcl.EvalContext // everything but metric
	names              []string         // of the metrics that it uses
}

// test returns a verdict if the assertion doesn't hold. It may be called from any goroutine.
func (a *assertion) test(metrics map[string]float64) error {
	have := slices.Sorted(maps.Keys(metrics))
	for _, n := range a.names {
		if _, ok := metrics[metric.Canonical(n)]; !ok {
			return a.verdict("the step has no metric %q.%s", n, diag.Suggest(n, "metrics", have))
		}
	}
	m := map[string]cty.Value{}
	for k, f := range metrics {
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			m[k] = cty.NumberFloatVal(f)
		}
	}
	for _, n := range a.names { // other names of the same figures
		if v, ok := m[metric.Canonical(n)]; ok {
			m[n] = v
		}
	}
	c, err := a.eval(a.condition, a.condCtx, m, cty.Bool)
	if err != nil {
		return a.verdict("the condition can't be computed: %s", err)
	}
	if c.True() {
		return nil
	}
	msg, err := a.eval(a.message, a.msgCtx, m, cty.String)
	if err != nil {
		return a.verdict("the condition is false, and its message can't be computed: %s", err)
	}
	return a.verdict("%s", msg.AsString())
}

func (a *assertion) eval(x hcl.Expression, base *hcl.EvalContext, metrics map[string]cty.Value, want cty.Type) (cty.Value, error) {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: base.Functions}
	maps.Copy(ctx.Variables, base.Variables)
	ctx.Variables["metric"] = cty.ObjectVal(metrics)
	v, diags := x.Value(ctx)
	if diags.HasErrors() {
		return v, fmt.Errorf("%s: %s", diags[0].Summary, diags[0].Detail)
	}
	if v.ContainsMarked() && want == cty.String {
		return cty.StringVal("(the message is sensitive)"), nil
	}
	v, _ = v.UnmarkDeep()
	if v, err := convert.Convert(v, want); err != nil || v.IsNull() || !v.IsKnown() {
		return v, fmt.Errorf("it is no %s", want.FriendlyName())
	}
	return convert.Convert(v, want)
}

func (a *assertion) verdict(format string, args ...any) error {
	return &engine.Verdict{Text: fmt.Sprintf("assert at %s: ", a.pos) + fmt.Sprintf(format, args...)}
}
