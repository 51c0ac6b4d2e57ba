package steps

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// decodeInto sets the fields of the struct v from the attributes of the object val. Absent and null attributes take their default. Errors
// begin with the attribute's path.
func decodeInto(v reflect.Value, fields []Field, val cty.Value, path string) error {
	for _, f := range fields {
		at := f.Name
		if path != "" {
			at = path + "." + f.Name
		}
		fv := v.Field(f.index)
		x := cty.NullVal(f.Type)
		if val.Type().HasAttribute(f.Name) {
			x = val.GetAttr(f.Name)
		}
		if x.IsNull() {
			if f.Required {
				return fmt.Errorf("%s: is required", at)
			}
			if f.Default == cty.NilVal {
				if f.Block && fv.Kind() == reflect.Struct { // the fields of an absent block still have defaults
					if err := decodeInto(fv, f.Fields, cty.EmptyObjectVal, at); err != nil {
						return err
					}
				}
				continue
			}
			x = f.Default
		}
		if err := decodeValue(fv, f, x, at); err != nil {
			return err
		}
	}
	return nil
}

func decodeValue(fv reflect.Value, f Field, x cty.Value, at string) error {
	if f.Block {
		switch fv.Kind() {
		case reflect.Slice:
			out := reflect.Zero(fv.Type())
			for it := x.ElementIterator(); it.Next(); {
				_, e := it.Element()
				n := reflect.New(fv.Type().Elem()).Elem()
				if err := decodeInto(n, f.Fields, e, at); err != nil {
					return err
				}
				out = reflect.Append(out, n)
			}
			fv.Set(out)
			return nil
		case reflect.Pointer:
			fv.Set(reflect.New(fv.Type().Elem()))
			return decodeInto(fv.Elem(), f.Fields, x, at)
		}
		return decodeInto(fv, f.Fields, x, at)
	}
	if err := decodeGo(fv, x, at); err != nil {
		return err
	}
	if len(f.Enum) > 0 {
		return checkEnum(f, x, at)
	}
	return nil
}

func checkEnum(f Field, x cty.Value, at string) error {
	each := []cty.Value{x}
	if x.Type() != cty.String {
		each = x.AsValueSlice()
	}
	for _, e := range each {
		s := e.AsString()
		if s == "" && !f.Required && f.Default == cty.NilVal {
			continue // how encode writes an argument that is not set
		}
		if !slices.Contains(f.Enum, s) {
			return fmt.Errorf("%s: %q is none of %s", at, s, strings.Join(f.Enum, ", "))
		}
	}
	return nil
}

// decodeGo sets fv to x, after it has converted x to the type of fv.
func decodeGo(fv reflect.Value, x cty.Value, at string) error {
	x, err := convert.Convert(x, ctyType(fv.Type()))
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if x.IsNull() {
		return nil
	}
	switch fv.Kind() {
	case reflect.String:
		fv.SetString(x.AsString())
	case reflect.Bool:
		fv.SetBool(x.True())
	case reflect.Int, reflect.Int64:
		n, acc := x.AsBigFloat().Int64()
		if acc != big.Exact && !x.AsBigFloat().IsInt() {
			return fmt.Errorf("%s: %s is not a whole number", at, x.AsBigFloat().Text('g', 12))
		}
		if acc != big.Exact {
			return fmt.Errorf("%s: %s is too large a number", at, x.AsBigFloat().Text('g', 12))
		}
		fv.SetInt(n)
	case reflect.Float64:
		n, _ := x.AsBigFloat().Float64()
		if math.IsInf(n, 0) {
			return fmt.Errorf("%s: %s is too large a number", at, x.AsBigFloat().Text('g', 12))
		}
		fv.SetFloat(n)
	case reflect.Pointer:
		fv.Set(reflect.New(fv.Type().Elem()))
		return decodeGo(fv.Elem(), x, at)
	case reflect.Slice:
		fv.SetZero() // an empty list decodes to nil, like no list, so both give the same key
		if n := x.LengthInt(); n > 0 {
			fv.Set(reflect.MakeSlice(fv.Type(), n, n))
		}
		for i, it := 0, x.ElementIterator(); it.Next(); i++ {
			_, e := it.Element()
			if err := decodeGo(fv.Index(i), e, at); err != nil {
				return err
			}
		}
	case reflect.Map:
		if x.LengthInt() == 0 {
			return nil
		}
		out := reflect.MakeMap(fv.Type())
		for it := x.ElementIterator(); it.Next(); {
			k, e := it.Element()
			n := reflect.New(fv.Type().Elem()).Elem()
			if err := decodeGo(n, e, at+"."+k.AsString()); err != nil {
				return err
			}
			out.SetMapIndex(reflect.ValueOf(k.AsString()), n)
		}
		fv.Set(out)
	case reflect.Struct:
		return decodeInto(fv, fieldsOf(fv.Type()), x, at)
	default:
		panic(fmt.Sprintf("steps: %v is no config type", fv.Type()))
	}
	return nil
}

// encode returns a config struct as maps, slices, strings, bools and numbers, with hcl names as keys. Its JSON form is canonical, so it can
// be part of the key.
func encode(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		m := map[string]any{}
		for _, f := range fieldsOf(v.Type()) {
			m[f.Name] = encode(v.Field(f.index))
		}
		return m
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return encode(v.Elem())
	case reflect.Slice:
		s := make([]any, v.Len())
		for i := range s {
			s[i] = encode(v.Index(i))
		}
		return s
	case reflect.Map:
		m := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = encode(it.Value())
		}
		return m
	}
	return v.Interface()
}
