package lang

import (
	"iter"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"rein/engine"
)

// product is the value of a reference to a step's port, or of file(), dir() and glob(). It is a value like any other, so conditionals,
// lists and locals may hold it. The edges of the graph are the products in the arguments of steps.
type product struct {
	from *instance // nil: a path
	port string    // of from
	kind string    // of the port; "file" for a path
	path *engine.Path
}

// productType is opaque: the language can only pass an artifact on.
var productType = cty.CapsuleWithOps("artifact", reflect.TypeFor[product](), &cty.CapsuleOps{
	GoString:     func(v any) string { return v.(*product).String() },
	TypeGoString: func(reflect.Type) string { return "artifact" },
})

func productVal(a *product) cty.Value { return cty.CapsuleVal(productType, a) }

// String is how the artifact is written in a pipeline file.
func (a *product) String() string {
	if a.from != nil {
		return "step." + a.from.name + "." + a.port
	}
	switch a.path.Kind {
	case engine.PathAny:
		return a.path.Text
	default:
		return string(a.path.Kind) + "(\"" + a.path.Text + "\")"
	}
}

// holds tells whether a type is of a kind or has parts of it.
func holds(t cty.Type, kind cty.Type) bool {
	some := func(parts iter.Seq[cty.Type]) bool {
		for p := range parts {
			if holds(p, kind) {
				return true
			}
		}
		return false
	}
	switch {
	case t.IsCollectionType():
		return holds(t.ElementType(), kind)
	case t.IsTupleType():
		return some(slices.Values(t.TupleElementTypes()))
	case t.IsObjectType():
		return some(maps.Values(t.AttributeTypes()))
	}
	return t.Equals(kind)
}

// keyText is a key as text. A file that couldn't be read to its end may have keys without a value.
func keyText(key cty.Value) (string, bool) {
	if !key.IsKnown() || key.IsNull() || key.IsMarked() {
		return "", false
	}
	s, err := convert.Convert(key, cty.String)
	if err != nil || s.IsNull() {
		return "", false
	}
	return s.AsString(), true
}

func pathVal(kind engine.PathKind, folder, text string) cty.Value {
	if kind == engine.PathGlob {
		folder = asPattern(folder)
	}
	return productVal(&product{kind: "file", path: &engine.Path{Kind: kind, Abs: resolvePath(folder, text), Text: text}})
}

// asPattern is a pattern that matches just this folder, even if it is called "[old] data".
func asPattern(folder string) string {
	if filepath.Separator == '\\' {
		return folder // which a pattern can't escape
	}
	return metas.Replace(folder)
}

var metas = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)

// resolvePath makes a path absolute that is written in a file of a folder.
func resolvePath(folder, text string) string {
	p := filepath.FromSlash(text)
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(folder, p)
}
