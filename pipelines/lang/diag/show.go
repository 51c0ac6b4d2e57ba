package diag

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Quote writes a text as a string of the language, with the marks of interpolation escaped.
func Quote(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(s))
}

// QuoteKey writes a key as it stands in an object constructor.
func QuoteKey(k string) string {
	if hclsyntax.ValidIdentifier(k) {
		return k
	}
	return strconv.Quote(k)
}

const showWidth = 80

// Show writes a value in the language's syntax, shortened, on one line. Sensitive parts are left out.
func Show(v cty.Value) string {
	b := &valueWriter{most: 4 * showWidth} // more would be cut anyway
	b.value(v)
	if s := []rune(b.String()); len(s) > showWidth {
		return string(s[:showWidth-3]) + "..."
	}
	return b.String()
}

// Literal writes all of a value.
func Literal(v cty.Value) string {
	b := &valueWriter{most: math.MaxInt}
	b.value(v)
	return b.String()
}

type valueWriter struct {
	strings.Builder
	most int
}

func (b *valueWriter) value(v cty.Value) {
	if b.Len() > b.most {
		return
	}
	t := v.Type()
	switch {
	case v.IsMarked():
		b.WriteString("(sensitive)")
	case !v.IsKnown():
		b.WriteString("(not known)")
	case v.IsNull():
		b.WriteString("null")
	case t == cty.String:
		b.WriteString(Quote(v.AsString()))
	case t == cty.Number:
		b.WriteString(rounded(v.AsBigFloat()))
	case t == cty.Bool:
		fmt.Fprint(b, v.True())
	case t.IsCapsuleType(): // an artifact
		fmt.Fprint(b, v.EncapsulatedValue())
	case t.IsObjectType() || t.IsMapType():
		b.entries(v)
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		b.WriteByte('[')
		for it, i := v.ElementIterator(), 0; it.Next(); i++ {
			if i > 0 {
				b.WriteString(", ")
			}
			_, x := it.Element()
			b.value(x)
		}
		b.WriteByte(']')
	default:
		b.WriteString(t.FriendlyName())
	}
}

func (b *valueWriter) entries(v cty.Value) {
	m := v.AsValueMap()
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b.WriteByte('{')
	for i, k := range keys {
		if b.Len() > b.most {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(QuoteKey(k))
		b.WriteString(" = ")
		b.value(m[k])
	}
	if len(keys) > 0 {
		b.WriteByte(' ')
	}
	b.WriteByte('}')
}

// Decimal is f.Text('f', -1): a number with as few digits as tell it from others. Text takes long for numbers of 512 bits, as the language
// has them. Most have so few digits that float64 tells them too.
func Decimal(f *big.Float) string {
	if text, ok := short(f); ok {
		return text
	}
	return f.Text('f', -1)
}

// rounded is f.Text('g', 12).
func rounded(f *big.Float) string {
	const digits = 12
	if text, ok := short(f); ok && len(text) <= digits {
		near, _ := f.Float64()
		return strconv.FormatFloat(near, 'g', digits, 64)
	}
	return f.Text('g', digits)
}

// short is a number's text if the nearest float64 has the same. Two decimals of at most 17 digits are never the same number of more bits.
func short(f *big.Float) (text string, ok bool) {
	if n, at := f.Int64(); at == big.Exact && n != 0 {
		return strconv.FormatInt(n, 10), true
	}
	near, _ := f.Float64()
	text = strconv.FormatFloat(near, 'f', -1, 64)
	back, _, err := big.ParseFloat(text, 10, f.Prec(), f.Mode())
	return text, err == nil && back.Cmp(f) == 0
}

// IsStep tells whether a value stands for a step: its ports are members.
func IsStep(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && !v.IsMarked() && v.Type().IsObjectType() && holdsArtifact(v)
}

// WhatIs names a value's type, together with the value if that is short.
func WhatIs(v cty.Value) string {
	switch t := v.Type(); {
	case v.IsKnown() && v.IsNull():
		return "null"
	case t == cty.String:
		return "the text " + Show(v)
	case t == cty.Number:
		return "the number " + Show(v)
	case t == cty.Bool:
		return Show(v)
	case t.IsObjectType():
		if holdsArtifact(v) {
			return "a whole step"
		}
		return "an object"
	default:
		return Article(t.FriendlyName())
	}
}

// holdsArtifact tells an object with artifacts among its members.
func holdsArtifact(v cty.Value) bool {
	for it := v.ElementIterator(); it.Next(); {
		_, x := it.Element()
		if x.Type().IsCapsuleType() || (x.Type().IsObjectType() && holdsArtifact(x)) {
			return true
		}
	}
	return false
}
