package table

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// parquetTable builds a file's rows from the values of its leaf columns, as the Dremel paper describes. A value's definition level says how
// much of its path exists; its repetition level says which list it continues.
type parquetTable struct {
	fields  []parquetField
	names   []string
	columns [][]parquet.Value // of the current row, by leaf
}

// parquetField is a column, or a part of a nested one.
type parquetField struct {
	name        string
	repetition  format.FieldRepetitionType
	first, last int // its leaf columns, from first up to but not including last
	convert     func(parquet.Value) any
	kind        groupKind
	fields      []parquetField
	classes     []string // class names of its numbers
}

type groupKind int

const (
	structure groupKind = iota
	list                // one repeated field with the elements
	mapping             // one repeated field with key and value
)

func newParquetTable(pf *parquet.File) (*parquetTable, error) {
	t := &parquetTable{}
	elements := []format.SchemaElement(pf.Metadata().Schema[1:]) // in the order in which fieldOf takes them
	leaf := 0
	classes := classLabels(pf)
	seen := map[string]bool{}
	for _, c := range pf.Root().Columns() {
		f := fieldOf(c, &elements, &leaf)
		f.classes = classes[f.name]
		if seen[f.name] {
			return nil, fmt.Errorf("two columns are called %q", f.name)
		}
		seen[f.name] = true
		t.fields, t.names = append(t.fields, f), append(t.names, f.name)
	}
	t.columns = make([][]parquet.Value, leaf)
	return t, nil
}

// fieldOf describes a column and the fields in it. It takes the type from the file's metadata, because the library's types lack some
// logical types, such as float16.
func fieldOf(c *parquet.Column, elements *[]format.SchemaElement, leaf *int) parquetField {
	e := (*elements)[0]
	*elements = (*elements)[1:]
	f := parquetField{name: c.Name(), first: *leaf, repetition: format.Required}
	switch {
	case c.Repeated():
		f.repetition = format.Repeated
	case c.Optional():
		f.repetition = format.Optional
	}
	if c.Leaf() {
		*leaf++
		f.last = *leaf
		f.convert = converter(c.Type().Kind(), e)
		return f
	}
	for _, child := range c.Columns() {
		f.fields = append(f.fields, fieldOf(child, elements, leaf))
	}
	f.last = *leaf
	f.kind = kindOfGroup(e, f)
	return f
}

func kindOfGroup(e format.SchemaElement, f parquetField) groupKind {
	if len(f.fields) != 1 || f.fields[0].repetition != format.Repeated {
		return structure
	}
	converted := deprecated.ConvertedType(-1)
	if e.ConvertedType.Valid {
		converted = e.ConvertedType.V
	}
	_, isList := e.LogicalType.Value.(*format.ListType)
	_, isMap := e.LogicalType.Value.(*format.MapType)
	switch inner := f.fields[0]; {
	case (isMap || converted == deprecated.Map || converted == deprecated.MapKeyValue) && len(inner.fields) == 2:
		return mapping
	case isList || converted == deprecated.List:
		return list
	}
	return structure
}

// record builds a record from a row.
func (t *parquetTable) record(row parquet.Row, at Place) Record {
	rec := Record{Place: at, Names: t.names, Values: make(map[string]any, len(t.fields))}
	clear(t.columns)
	row.Range(func(i int, values []parquet.Value) bool {
		t.columns[i] = values
		return true
	})
	b := rowBuilder{rec: &rec}
	for i := range t.fields {
		f := &t.fields[i]
		b.column = f.name
		v := b.value(f, t.columns, 0, 0)
		if f.classes != nil {
			v = className(v, f.classes)
		}
		rec.Values[f.name] = v
	}
	return rec
}

type rowBuilder struct {
	rec    *Record
	column string
}

// value returns a field's value. columns are the leaf values that belong to it; rep and def are the repetition and definition level of the
// field around it.
func (b *rowBuilder) value(f *parquetField, columns [][]parquet.Value, rep, def int) any {
	head := columns[f.first]
	if len(head) == 0 {
		return nil
	}
	switch f.repetition {
	case format.Optional:
		if def++; head[0].DefinitionLevel() < def {
			return nil
		}
	case format.Repeated:
		return b.elements(f, columns, rep, def)
	}
	return b.present(f, columns, rep, def)
}

// elements returns the values of a repeated field.
func (b *rowBuilder) elements(f *parquetField, columns [][]parquet.Value, rep, def int) any {
	rep, def = rep+1, def+1
	out := []any{}
	if columns[f.first][0].DefinitionLevel() < def {
		return out
	}
	rest, one := make([][]parquet.Value, len(columns)), make([][]parquet.Value, len(columns))
	copy(rest, columns)
	for len(rest[f.first]) > 0 {
		for i := f.first; i < f.last; i++ {
			n := min(1, len(rest[i]))
			for n < len(rest[i]) && rest[i][n].RepetitionLevel() > rep {
				n++
			}
			one[i], rest[i] = rest[i][:n], rest[i][n:]
		}
		out = append(out, b.present(f, one, rep, def))
	}
	return out
}

// present returns the value of a field that isn't null.
func (b *rowBuilder) present(f *parquetField, columns [][]parquet.Value, rep, def int) any {
	switch {
	case f.convert != nil:
		return b.leaf(f, columns[f.first][0])
	case f.kind == list:
		return b.list(&f.fields[0], columns, rep, def)
	case f.kind == mapping:
		return b.mapping(&f.fields[0], columns, rep, def)
	}
	out := make(map[string]any, len(f.fields))
	for i := range f.fields {
		out[f.fields[i].name] = b.value(&f.fields[i], columns, rep, def)
	}
	return out
}

// list returns the elements of a list. Most writers put a structure of one field around each element, which list removes.
func (b *rowBuilder) list(inner *parquetField, columns [][]parquet.Value, rep, def int) any {
	elements, _ := b.value(inner, columns, rep, def).([]any)
	wrapped := inner.convert == nil && inner.kind == structure && len(inner.fields) == 1 && inner.name != "array"
	for i, e := range elements {
		if m, ok := e.(map[string]any); ok && wrapped {
			elements[i] = m[inner.fields[0].name]
		}
	}
	return elements
}

// mapping returns a map as an object. Keys that aren't strings are written as JSON would write them.
func (b *rowBuilder) mapping(inner *parquetField, columns [][]parquet.Value, rep, def int) any {
	pairs, _ := b.value(inner, columns, rep, def).([]any)
	out := make(map[string]any, len(pairs))
	for _, p := range pairs {
		pair := p.(map[string]any)
		out[fmt.Sprint(pair[inner.fields[0].name])] = pair[inner.fields[1].name]
	}
	return out
}

func (b *rowBuilder) leaf(f *parquetField, v parquet.Value) any {
	if v.IsNull() {
		return nil
	}
	switch x := f.convert(v).(type) {
	case string:
		return b.rec.valid(b.column, x)
	case noNumber:
		b.rec.NotNumbers++
		return nil
	default:
		return x
	}
}
