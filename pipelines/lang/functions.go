package lang

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"rein/engine"
)

// functionSet is what expressions of one folder's files may call.
type functionSet map[string]function.Function

// StandardFunctions are the functions that depend on nothing but their arguments, for expressions outside pipeline files.
func StandardFunctions() map[string]function.Function { return standard() }

// standard are the functions that depend on nothing but their arguments.
func standard() functionSet {
	return functionSet{
		"abs": stdlib.AbsoluteFunc, "can": tryfunc.CanFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc,
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"csvdecode": stdlib.CSVDecodeFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": bounded(stdlib.FormatFunc, formatWidths),
		"formatdate": stdlib.FormatDateFunc, "formatlist": bounded(stdlib.FormatListFunc, formatWidths), "indent": boundedIndent,
		"index": stdlib.IndexFunc, "int": stdlib.IntFunc, "join": boundedJoin, "jsondecode": stdlib.JSONDecodeFunc,
		"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": lengthFunc, "log": stdlib.LogFunc,
		"lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "range": rangeFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "regexreplace": boundedRegexReplace,
		"replace": boundedReplace, "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
		"setproduct": setProduct, "setsubtract": stdlib.SetSubtractFunc,
		"setsymmetricdifference": stdlib.SetSymmetricDifferenceFunc, "setunion": stdlib.SetUnionFunc,
		"signum": stdlib.SignumFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc,
		"strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
		"timeadd": stdlib.TimeAddFunc, "title": stdlib.TitleFunc, "tobool": stdlib.MakeToFunc(cty.Bool),
		"tolist": collection(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber": stdlib.MakeToFunc(cty.Number), "toset": collection(cty.Set(cty.DynamicPseudoType)),
		"tostring": stdlib.MakeToFunc(cty.String), "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "try": tryfunc.TryFunc,
		"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}

// collection is the standard library's conversion to a list or a set, without its slow case. The library finds the common type of a tuple's
// elements by comparing every pair, which takes seconds for the tens of thousands of keys of a for_each.
func collection(to cty.Type) function.Function {
	f := stdlib.MakeToFunc(to)
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		Type:        func(args []cty.Value) (cty.Type, error) { return f.ReturnTypeForValues([]cty.Value{alike(args[0])}) },
		Impl:        func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call([]cty.Value{alike(args[0])}) },
	})
}

// alike converts a tuple whose elements have the same type to a list. It returns anything else unchanged.
func alike(v cty.Value) cty.Value {
	if v.IsMarked() || !v.IsKnown() || v.IsNull() || !v.Type().IsTupleType() || v.LengthInt() == 0 {
		return v
	}
	types := v.Type().TupleElementTypes()
	if types[0].HasDynamicTypes() || slices.ContainsFunc(types, func(t cty.Type) bool { return !t.Equals(types[0]) }) {
		return v
	}
	return cty.ListVal(v.AsValueSlice())
}

// functionsIn are the functions for the files of a folder: the standard ones, and those that read the outside world.
func (l *loader) functionsIn(folder string) functionSet {
	if f, ok := l.functions[folder]; ok {
		return f
	}
	if l.standard == nil {
		l.standard = standard()
	}
	f := maps.Clone(l.standard)
	f["file"] = pathFunc(engine.PathFile, folder, "A file, as an input of a step. Its content is part of the key, its place is not.")
	f["dir"] = pathFunc(engine.PathDir, folder, "A folder with everything in it, as an input of a step.")
	f["glob"] = pathFunc(engine.PathGlob, folder, "All files that match a pattern (`*`, `?`, `**` for any folders), as an input of a step.")
	f["env"] = l.envFunc()
	f[instancesFunc] = instances
	l.functions[folder] = f
	return f
}

// Functions are the functions of the language, by name.
func Functions() map[string]function.Function {
	l := &loader{functions: map[string]functionSet{}}
	f := l.functionsIn("")
	delete(f, instancesFunc)
	return f
}

func (l *loader) functionNames() []string {
	names := slices.Sorted(maps.Keys(l.functionsIn("")))
	return slices.DeleteFunc(names, func(n string) bool { return n == instancesFunc })
}

func pathFunc(kind engine.PathKind, folder, doc string) function.Function {
	return function.New(&function.Spec{
		Description: doc,
		Params:      []function.Parameter{{Name: "path", Type: cty.String, Description: "Relative to the file in which it is written."}},
		Type:        function.StaticReturnType(productType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].AsString() == "" {
				return cty.NilVal, function.NewArgErrorf(0, "the path is empty")
			}
			return pathVal(kind, folder, args[0].AsString()), nil
		},
	})
}

// envFunc reads a variable of the environment as it was when loading began. The value becomes part of a step's config, and so of its key.
func (l *loader) envFunc() function.Function {
	return function.New(&function.Spec{
		Description: "An environment variable; the second argument is what it is if it isn't set. Without one, not being set is an error.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam:    &function.Parameter{Name: "default", Type: cty.String},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if len(args) > 2 {
				return cty.NilVal, errors.New("wants a name and at most one default")
			}
			l.reads.add(question{ofEnv, name}, digestOfEnv(l.env, name))
			if v, ok := l.env[name]; ok {
				return cty.StringVal(v), nil
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "%s is not set in the environment; env(%q, \"\") makes it empty instead", name, name)
		},
	})
}

// lengthFunc also takes a string, as most people expect.
var lengthFunc = function.New(&function.Spec{
	Description: "The number of elements of a list, map or object, or of characters of a string.",
	Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true}},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		t := v.Type()
		switch {
		case t == cty.String:
			n, err := stdlib.Strlen(v)
			return n.WithMarks(marks), err
		case t.IsTupleType() || t.IsObjectType() || v.CanIterateElements():
			return cty.NumberIntVal(int64(v.LengthInt())).WithMarks(marks), nil
		}
		return cty.NilVal, function.NewArgErrorf(0, "wants a string, list, map or object, not %s", t.FriendlyName())
	},
})

// instancesFunc is what a splat's source is wrapped in (see splat.go); no identifier can name it.
const instancesFunc = "instances of"

// instances lists the instances of a step with for_each in the order of their keys, for a splat to go over.
var instances = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "step", Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if !args[0].Type().IsObjectType() {
			return cty.DynamicPseudoType, fmt.Errorf("is no step")
		}
		return instancesOf(args[0]).Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return instancesOf(args[0]), nil },
})

func instancesOf(step cty.Value) cty.Value {
	var list []cty.Value
	for it := step.ElementIterator(); it.Next(); {
		_, v := it.Element()
		if v.Type().Equals(productType) {
			return cty.TupleVal([]cty.Value{step}) // without for_each: one
		}
		list = append(list, v)
	}
	return cty.TupleVal(list)
}
