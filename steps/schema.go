package steps

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/steps/artifact"
)

// Field is one argument of a step's config, or of a block in it.
type Field struct {
	Name     string
	Doc      string
	Type     cty.Type // of an attribute its type, of a block the object type of its Fields
	Required bool
	Default  cty.Value // cty.NilVal if there is none: then the Go zero value applies
	Enum     []string  // the allowed values; nil: any
	Unkeyed  bool      // can't change the result, so it isn't part of the key
	Extent   bool      // only says how far to go (epochs), so it isn't part of the checkpoint's key
	Block    bool      // written as NAME { ... }
	Repeated bool      // a block that may be written several times
	Fields   []Field   // the arguments in a block
	index    int
}

// Port is one input or output of a step type.
type Port struct {
	Name     string
	Kind     string // "rows", "scores", "model", "report", "package", "file"
	Doc      string
	List     bool // the input takes a list of references
	Optional bool
	Absent   bool   // a path to a file that doesn't exist counts as no input
	Missing  string // advice for the error when the path's file doesn't exist
	// Block names the block in which the input is written; "" means the step itself. If the block also has the argument Unless, then the
	// attribute in the block isn't the input but an argument of the same name.
	Block, Unless string
	index         int
}

// Written returns the port's name as users write it: BLOCK.NAME if it stands in a block.
func (p Port) Written() string {
	if p.Block == "" {
		return p.Name
	}
	return p.Block + "." + p.Name
}

var kinds = map[reflect.Type]string{
	reflect.TypeFor[artifact.Rows]():    "rows",
	reflect.TypeFor[artifact.Scores]():  "scores",
	reflect.TypeFor[artifact.Model]():   "model",
	reflect.TypeFor[artifact.Report]():  "report",
	reflect.TypeFor[artifact.Package](): "package",
	reflect.TypeFor[artifact.File]():    "file",
}

// schemas caches the fields of config structs, because a file may have thousands of steps of a few types.
var schemas sync.Map // reflect.Type -> []Field

// fieldsOf returns the arguments that a config struct declares in its hcl, default, doc, enum and key tags. Callers must not change the
// result. It panics on invalid tags, which are a programmer's mistake.
func fieldsOf(t reflect.Type) []Field {
	if known, ok := schemas.Load(t); ok {
		return known.([]Field)
	}
	out := readFields(t)
	schemas.Store(t, out)
	return out
}

func readFields(t reflect.Type) []Field {
	var out []Field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, opts, _ := strings.Cut(sf.Tag.Get("hcl"), ",")
		if !sf.IsExported() || name == "" {
			panic(fmt.Sprintf("steps: %v.%s: config fields are exported and have an hcl tag", t, sf.Name))
		}
		f := Field{Name: name, Doc: sf.Tag.Get("doc"), Unkeyed: sf.Tag.Get("key") == "-", Extent: sf.Tag.Get("key") == "extent", Default: cty.NilVal, index: i}
		if f.Doc == "" {
			panic(fmt.Sprintf("steps: %v.%s: no doc tag", t, sf.Name))
		}
		if e := sf.Tag.Get("enum"); e != "" {
			f.Enum = strings.Split(e, ",")
		}
		ft := sf.Type
		switch {
		case opts == "block":
			f.Block = true
			switch ft.Kind() {
			case reflect.Slice:
				f.Repeated, ft = true, ft.Elem()
			case reflect.Pointer:
				ft = ft.Elem()
			}
			f.Fields = fieldsOf(ft)
			f.Type = ctyType(sf.Type)
		default:
			f.Type = ctyType(ft)
			f.Required = opts != "optional"
			if d, ok := sf.Tag.Lookup("default"); ok {
				f.Default, f.Required = parseDefault(f.Type, d), false
			}
		}
		out = append(out, f)
	}
	return out
}

func parseDefault(t cty.Type, s string) cty.Value {
	switch t {
	case cty.String:
		return cty.StringVal(s)
	case cty.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			panic(err)
		}
		return cty.BoolVal(b)
	case cty.Number:
		return cty.MustParseNumberVal(s)
	}
	if t.Equals(cty.List(cty.String)) {
		var vs []cty.Value
		for _, p := range strings.Split(s, ",") {
			vs = append(vs, cty.StringVal(p))
		}
		return cty.ListVal(vs)
	}
	v, err := ctyjson.Unmarshal([]byte(s), t)
	if err != nil {
		panic(fmt.Sprintf("steps: default %s is not JSON of a %s: %v", s, t.FriendlyName(), err))
	}
	return v
}

// ctyType returns the type of the language that corresponds to a Go type of a config.
func ctyType(t reflect.Type) cty.Type {
	switch t.Kind() {
	case reflect.String:
		return cty.String
	case reflect.Bool:
		return cty.Bool
	case reflect.Int, reflect.Int64, reflect.Float64:
		return cty.Number
	case reflect.Pointer:
		return ctyType(t.Elem())
	case reflect.Slice:
		return cty.List(ctyType(t.Elem()))
	case reflect.Map:
		return cty.Map(ctyType(t.Elem()))
	case reflect.Struct:
		attrs := map[string]cty.Type{}
		var optional []string
		for _, f := range fieldsOf(t) {
			attrs[f.Name] = f.Type
			if !f.Required {
				optional = append(optional, f.Name)
			}
		}
		return cty.ObjectWithOptionalAttrs(attrs, optional)
	}
	panic(fmt.Sprintf("steps: %v is no config type", t))
}

// portsOf returns the ports that an inputs or outputs struct declares in its tags: port:"rows", port:"rows,optional" or port:"file,absent",
// and doc, missing, in and unless.
func portsOf(t reflect.Type) []Port {
	var out []Port
	for i := range t.NumField() {
		sf := t.Field(i)
		name, opts, _ := strings.Cut(sf.Tag.Get("port"), ",")
		if !sf.IsExported() || name == "" {
			panic(fmt.Sprintf("steps: %v.%s: ports are exported fields with a port tag", t, sf.Name))
		}
		p := Port{Name: name, Doc: sf.Tag.Get("doc"), Missing: sf.Tag.Get("missing"), Optional: opts == "optional" || opts == "absent", Absent: opts == "absent",
			Block: sf.Tag.Get("in"), Unless: sf.Tag.Get("unless"), index: i}
		ft := sf.Type
		if ft.Kind() == reflect.Slice {
			p.List, ft = true, ft.Elem()
		}
		if p.Kind = kinds[ft]; p.Kind == "" {
			panic(fmt.Sprintf("steps: %v.%s: %v is no artifact", t, sf.Name, sf.Type))
		}
		out = append(out, p)
	}
	return out
}
