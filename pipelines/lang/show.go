package lang

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Quote writes a text as a string of the language: with the interpolation marks escaped too.
func Quote(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(s))
}

const showWidth = 80

// showValue writes a value as the language would, on one line, shortened; sensitive parts are not written.
func showValue(v cty.Value) string {
	b := &valueWriter{most: 4 * showWidth} // more would be cut anyway
	b.value(v)
	if s := []rune(b.String()); len(s) > showWidth {
		return string(s[:showWidth-3]) + "..."
	}
	return b.String()
}

// literal writes all of a value.
func literal(v cty.Value) string {
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
		b.WriteString(v.AsBigFloat().Text('g', 12))
	case t == cty.Bool:
		fmt.Fprint(b, v.True())
	case t.Equals(productType):
		b.WriteString(v.EncapsulatedValue().(*product).String())
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
		b.WriteString(quoteKey(k))
		b.WriteString(" = ")
		b.value(m[k])
	}
	if len(keys) > 0 {
		b.WriteByte(' ')
	}
	b.WriteByte('}')
}
