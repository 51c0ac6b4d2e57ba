package lang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// show is a value in few characters, as one would write it.
func (e *evaluator) show(v cty.Value, secret bool) string {
	if secret {
		return "(sensitive)"
	}
	return showValue(v)
}

const showWidth = 80

// showValue writes a value as the language would, on one line, shortened; sensitive parts are not written.
func showValue(v cty.Value) string {
	var b strings.Builder
	writeValue(&b, v)
	if s := []rune(b.String()); len(s) > showWidth {
		return string(s[:showWidth-3]) + "..."
	}
	return b.String()
}

func writeValue(b *strings.Builder, v cty.Value) {
	if b.Len() > 4*showWidth {
		return // it will be cut anyway
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
		b.WriteString(strconv.Quote(v.AsString()))
	case t == cty.Number:
		b.WriteString(v.AsBigFloat().Text('g', 12))
	case t == cty.Bool:
		fmt.Fprint(b, v.True())
	case t.Equals(productType):
		b.WriteString(v.EncapsulatedValue().(*product).String())
	case t.IsObjectType() || t.IsMapType():
		writeEntries(b, v)
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		b.WriteByte('[')
		for it, i := v.ElementIterator(), 0; it.Next(); i++ {
			if i > 0 {
				b.WriteString(", ")
			}
			_, x := it.Element()
			writeValue(b, x)
		}
		b.WriteByte(']')
	default:
		b.WriteString(t.FriendlyName())
	}
}

func writeEntries(b *strings.Builder, v cty.Value) {
	m := v.AsValueMap()
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b.WriteByte('{')
	for i, k := range keys {
		if b.Len() > 4*showWidth {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(quoteKey(k))
		b.WriteString(" = ")
		writeValue(b, m[k])
	}
	if len(keys) > 0 {
		b.WriteByte(' ')
	}
	b.WriteByte('}')
}
