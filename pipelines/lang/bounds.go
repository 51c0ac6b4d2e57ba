package lang

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
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
	if !v.IsKnown() || v.IsNull() || !holds(v.Type(), cty.Number) {
		return false
	}
	v, _ = v.Unmark()
	switch t := v.Type(); {
	case t == cty.Number:
		f := v.AsBigFloat()
		exp := f.MantExp(nil)
		return !f.IsInf() && (exp > maxExponent || exp < -maxExponent)
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

// mostText is the longest text that a function makes, in bytes.
const mostText = 256 << 20

// ofSize is a function that makes texts whose length is estimated first: one call could take more memory than there is.
func ofSize(f function.Function, bytes func(args []cty.Value) float64) function.Function {
	return bounded(f, func(args []cty.Value) error {
		for _, a := range args {
			if !a.IsWhollyKnown() || a.IsNull() {
				return nil
			}
		}
		if bytes(args) > mostText {
			return fmt.Errorf("makes a text of more than %d MiB", mostText>>20)
		}
		return nil
	})
}

// textLength is the length of a text; 0 of anything else.
func textLength(v cty.Value) float64 {
	if v.Type() != cty.String || v.IsNull() {
		return 0
	}
	return float64(len(v.AsString()))
}

var (
	boundedReplace = ofSize(stdlib.ReplaceFunc, func(args []cty.Value) float64 {
		n := strings.Count(args[0].AsString(), args[1].AsString())
		return textLength(args[0]) + float64(n)*textLength(args[2])
	})
	boundedRegexReplace = ofSize(stdlib.RegexReplaceFunc, func(args []cty.Value) float64 {
		re, err := regexp.Compile(args[1].AsString())
		if err != nil {
			return 0 // the function says what is wrong
		}
		text, with := args[0].AsString(), args[2].AsString()
		n := 0
		if textLength(args[0])*(textLength(args[2])+1) > mostText { // else nothing can be too long
			n = len(re.FindAllStringIndex(text, mostText/max(len(with), 1)+1))
		}
		return float64(n)*float64(len(with)) + float64(1+strings.Count(with, "$"))*float64(len(text))
	})
	boundedIndent = ofSize(stdlib.IndentFunc, func(args []cty.Value) float64 {
		spaces, _ := args[0].AsBigFloat().Float64()
		return textLength(args[1]) + float64(strings.Count(args[1].AsString(), "\n"))*spaces
	})
	boundedJoin = ofSize(stdlib.JoinFunc, func(args []cty.Value) float64 {
		var sum float64
		for _, list := range args[1:] {
			if !list.CanIterateElements() {
				return 0
			}
			for it := list.ElementIterator(); it.Next(); {
				_, e := it.Element()
				sum += textLength(e) + textLength(args[0])
			}
		}
		return sum
	})
)

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
