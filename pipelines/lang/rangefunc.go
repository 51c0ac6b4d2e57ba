package lang

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// mostNumbers bounds what range gives: a typing mistake must not fill the memory.
const mostNumbers = 1_000_000

// rangeFunc is the standard library's, without its limit of 1,024 numbers: steps are made of such lists.
var rangeFunc = function.New(&function.Spec{
	Description: "A list of numbers: range(limit) from 0, range(start, limit), range(start, limit, step); the limit itself isn't in it.",
	VarParam:    &function.Parameter{Name: "start_limit_step", Type: cty.Number},
	Type:        function.StaticReturnType(cty.List(cty.Number)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		start, step := new(big.Float), new(big.Float)
		var limit *big.Float
		switch len(args) {
		case 1:
			limit = args[0].AsBigFloat()
		case 2, 3:
			start, limit = args[0].AsBigFloat(), args[1].AsBigFloat()
		default:
			return cty.NilVal, errors.New("wants a limit, or start and limit, or start, limit and step")
		}
		if step.SetInt64(1); start.Cmp(limit) > 0 {
			step.SetInt64(-1)
		}
		if len(args) == 3 {
			step = args[2].AsBigFloat()
		}
		return numbers(start, limit, step)
	},
})

func numbers(start, limit, step *big.Float) (cty.Value, error) {
	if start.IsInf() || limit.IsInf() || step.IsInf() {
		return cty.NilVal, errors.New("its numbers must be finite")
	}
	way := limit.Cmp(start)
	if way != 0 && step.Sign() != way {
		return cty.NilVal, fmt.Errorf("steps of %s never get from %s to %s", step.Text('g', 6), start.Text('g', 6), limit.Text('g', 6))
	}
	var out []cty.Value
	for x := start; x.Cmp(limit) == -way && way != 0; x = new(big.Float).Add(x, step) {
		if len(out) == mostNumbers {
			return cty.NilVal, fmt.Errorf("more than %d numbers", mostNumbers)
		}
		out = append(out, cty.NumberVal(x))
	}
	if len(out) == 0 {
		return cty.ListValEmpty(cty.Number), nil
	}
	return cty.ListVal(out), nil
}
