package lang

import (
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// A short text can stand for a value of any size. The size of a function's result is estimated before the function is called. Everything
// else is bounded by the memory that Load allows.

const (
	// maxExponent bounds numbers, as a power of 2: writing out longer ones takes minutes. 64-bit floats end at 1024.
	maxExponent = 1 << 14
	// mostProducts is the most elements that setproduct makes.
	mostProducts = 1_000_000
)

// isHuge tells whether a value holds a number that has too many digits to be written out.
func isHuge(v cty.Value) bool {
	if !v.IsKnown() || v.IsNull() {
		return false
	}
	v, _ = v.Unmark()
	switch t := v.Type(); {
	case t == cty.Number:
		f := v.AsBigFloat()
		exp := f.MantExp(nil)
		return !f.IsInf() && (exp > maxExponent || exp < -maxExponent)
	case t.IsPrimitiveType() || t.IsCapsuleType() || t.IsListType() && t.ElementType() == cty.String:
		return false
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			if _, e := it.Element(); isHuge(e) {
				return true
			}
		}
	}
	return false
}

// bounded is a function that checks its arguments first.
func bounded(f function.Function, check func(args []cty.Value) error) function.Function {
	for _, p := range f.Params() {
		if p.AllowMarked {
			panic("lang: the check would have to unmark")
		}
	}
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		VarParam:    f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

var setProduct = bounded(stdlib.SetProductFunc, func(args []cty.Value) error {
	n := 1
	for _, a := range args {
		if a.IsKnown() && !a.IsNull() && a.CanIterateElements() {
			if n *= a.LengthInt(); n > mostProducts {
				return fmt.Errorf("makes more than %d combinations", mostProducts)
			}
		}
	}
	return nil
})

// wide is a verb whose width or precision has six digits or more.
var wide = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`%[^%a-zA-Z]*[0-9]{6}`) })

func formatWidths(args []cty.Value) error {
	if len(args) > 0 && args[0].IsKnown() && !args[0].IsNull() && args[0].Type() == cty.String && wide().MatchString(args[0].AsString()) {
		return errors.New("the format has a width or precision of more than 99999")
	}
	for _, a := range args {
		if isHuge(a) {
			return errors.New("a number is too long to be written out")
		}
	}
	return nil
}
