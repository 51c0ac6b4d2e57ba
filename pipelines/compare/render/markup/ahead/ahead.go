// Package ahead compiles templates of html/template to Go, for package markup. Only tests import it. It lets html/template decide how each
// value is escaped, and the types of the data decide what the code is; what can't be compiled is an error.
package ahead

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"html/template"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Input is what to compile.
type Input struct {
	Package   string // import path of the code's package
	Templates *template.Template
	Functions map[string]any // the named functions that the templates call; of another package they have to be exported
	Data      map[string]any // for templates that the package draws by itself, by name: a value of their data's type
}

// Compile makes a Go file with a function drawNAME for each template that is reached from Data.
func Compile(in Input) ([]byte, error) {
	for _, t := range in.Templates.Templates() { // to escape a template, execute it; it fails later, because it has no data
		err := in.Templates.ExecuteTemplate(io.Discard, t.Name(), nil)
		if bad := (*template.Error)(nil); errors.As(err, &bad) {
			return nil, err
		}
	}
	c := &compiler{Input: in, types: map[string]reflect.Type{}, imports: map[string]bool{"rein/pipelines/compare/render/markup": true}}
	for _, name := range slices.Sorted(maps.Keys(in.Data)) {
		c.reach(name, reflect.TypeOf(in.Data[name]))
	}
	var body bytes.Buffer
	for len(c.todo) > 0 {
		name := c.todo[0]
		c.todo = c.todo[1:]
		code, err := c.template(name)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		body.WriteString(code)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "// Code generated from templates by package ahead; DO NOT EDIT.\n\n//go:build !uncompiled\n\npackage %s\n\nimport (\n", in.Package[strings.LastIndexByte(in.Package, '/')+1:])
	std := func(path string) bool { return !strings.HasPrefix(path, "rein/") }
	for _, path := range slices.Sorted(maps.Keys(c.imports)) {
		if std(path) {
			fmt.Fprintf(&out, "%q\n", path)
		}
	}
	out.WriteByte('\n')
	for _, path := range slices.Sorted(maps.Keys(c.imports)) {
		if !std(path) {
			fmt.Fprintf(&out, "%q\n", path)
		}
	}
	fmt.Fprintf(&out, ")\n%s", body.Bytes())
	return format.Source(out.Bytes())
}

type compiler struct {
	Input
	types   map[string]reflect.Type // of the templates' data
	todo    []string
	imports map[string]bool
	n       int // of variables
}

// reach notes that a template is drawn with data of type t. Its first caller decides on the type.
func (c *compiler) reach(name string, t reflect.Type) {
	if c.types[name] == nil {
		c.types[name] = t
		c.todo = append(c.todo, name)
	}
}

// funcName is the Go function of a template.
func funcName(template string) string {
	var b strings.Builder
	b.WriteString("draw")
	for _, word := range strings.FieldsFunc(template, func(r rune) bool { return !unicode.IsLetter(r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// typeName writes a type as the code's package does.
func (c *compiler) typeName(t reflect.Type) (string, error) {
	switch {
	case t.Name() != "":
		return c.qualified(t.PkgPath(), t.Name()), nil
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice:
		elem, err := c.typeName(t.Elem())
		return map[reflect.Kind]string{reflect.Pointer: "*", reflect.Slice: "[]"}[t.Kind()] + elem, err
	}
	return "", fmt.Errorf("the type %s has no name", t)
}

// qualified is a name of a package as the code's package writes it.
func (c *compiler) qualified(path, name string) string {
	if path == "" || path == c.Package {
		return name
	}
	c.imports[path] = true
	return path[strings.LastIndexByte(path, '/')+1:] + "." + name
}
