package ahead

import (
	"fmt"
	"html/template"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"text/template/parse"

	"rein/pipelines/compare/render/markup"
)

var (
	errorType    = reflect.TypeFor[error]()
	stringerType = reflect.TypeFor[fmt.Stringer]()
)

// pipe makes the value of a pipeline, without the escapers at its end.
func (c *compiler) pipe(p *parse.PipeNode, s scope) (value, error) {
	var v value
	for i, cmd := range p.Cmds {
		if id, ok := cmd.Args[0].(*parse.IdentifierNode); ok && strings.HasPrefix(id.Ident, "_html_template_") {
			break
		}
		var last []value
		if i > 0 {
			last = []value{v}
		}
		var err error
		if v, err = c.command(cmd, s, last); err != nil {
			return value{}, fmt.Errorf("%s: %w", p, err)
		}
	}
	return v, nil
}

func (c *compiler) command(cmd *parse.CommandNode, s scope, last []value) (value, error) {
	args := last
	for i := len(cmd.Args) - 1; i > 0; i-- {
		v, err := c.operand(cmd.Args[i], s, nil)
		if err != nil {
			return value{}, err
		}
		args = append([]value{v}, args...)
	}
	return c.operand(cmd.Args[0], s, args)
}

// operand makes a node's value; args are those of a function or a method.
func (c *compiler) operand(n parse.Node, s scope, args []value) (value, error) {
	switch n := n.(type) {
	case *parse.DotNode:
		return *s.dot, nil
	case *parse.FieldNode:
		return c.fields(*s.dot, n.Ident, args)
	case *parse.VariableNode:
		v, err := c.variable(n.Ident[0], s)
		if err != nil {
			return value{}, err
		}
		return c.fields(v.value, n.Ident[1:], args)
	case *parse.ChainNode:
		v, err := c.operand(n.Node, s, nil)
		if err != nil {
			return value{}, err
		}
		return c.fields(v, n.Field, args)
	case *parse.PipeNode:
		return c.pipe(n, s)
	case *parse.StringNode:
		return value{code: strconv.Quote(n.Text)}, nil
	case *parse.NumberNode:
		return value{code: n.Text}, nil
	case *parse.IdentifierNode:
		if f := Code[n.Ident]; f != nil {
			return args[0].as(reflect.TypeOf(f).In(0))
		}
		if f, ok := c.Functions[n.Ident]; ok {
			full := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
			dot := strings.LastIndexByte(full, '/') + 1
			dot += strings.IndexByte(full[dot:], '.')
			if strings.ContainsAny(full[dot+1:], ".[") {
				return value{}, fmt.Errorf("the function has no name")
			}
			return call(c.qualified(full[:dot], full[dot+1:]), reflect.TypeOf(f), args)
		}
		return c.builtin(n.Ident, args)
	}
	return value{}, fmt.Errorf("%s can't be compiled", n)
}

// fields goes along a chain of fields and methods. The last may be a method with arguments.
func (c *compiler) fields(v value, names []string, args []value) (value, error) {
	for i, name := range names {
		code := v.code + "." + name
		method, ok := v.t.MethodByName(name)
		if !ok && v.t.Kind() != reflect.Pointer {
			method, ok = reflect.PointerTo(v.t).MethodByName(name)
		}
		if ok {
			var given []value
			if i == len(names)-1 {
				given = args
			}
			t := method.Type
			in := make([]reflect.Type, 0, t.NumIn())
			for j := 1; j < t.NumIn(); j++ {
				in = append(in, t.In(j))
			}
			var err error
			if v, err = call(code, reflect.FuncOf(in, outs(t), false), given); err != nil {
				return value{}, err
			}
			continue
		}
		of := v.t
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return value{}, fmt.Errorf("%s of %s is no field", name, v.t)
		}
		f, ok := of.FieldByName(name)
		if !ok {
			return value{}, fmt.Errorf("%s has no %s", v.t, name)
		}
		v = value{code, f.Type}
	}
	return v, nil
}

func outs(t reflect.Type) []reflect.Type {
	var out []reflect.Type
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return out
}

func call(name string, t reflect.Type, args []value) (value, error) {
	if t.NumOut() != 1 {
		return value{}, fmt.Errorf("%s has not one result", name)
	}
	var codes []string
	for i, a := range args {
		if i < t.NumIn() && !t.IsVariadic() {
			var err error
			if a, err = a.as(t.In(i)); err != nil {
				return value{}, err
			}
		}
		codes = append(codes, a.code)
	}
	return value{name + "(" + strings.Join(codes, ", ") + ")", t.Out(0)}, nil
}

// as is the value as another type takes it: what a pointer points to, or a pointer to it.
func (v value) as(t reflect.Type) (value, error) {
	switch {
	case v.t == nil || v.t.AssignableTo(t):
		return v, nil
	case v.t.Kind() == reflect.Pointer && v.t.Elem() == t:
		return value{"*" + v.code, t}, nil
	case t.Kind() == reflect.Pointer && t.Elem() == v.t:
		return value{"&" + v.code, t}, nil
	}
	return v, fmt.Errorf("%s is of type %s, not %s", v.code, v.t, t)
}

var operators = map[string]string{"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&&", "or": "||"}

func (c *compiler) builtin(name string, args []value) (value, error) {
	codes := make([]string, len(args))
	for i, a := range args {
		codes[i] = a.code
	}
	list := strings.Join(codes, ", ")
	boolean, text := reflect.TypeFor[bool](), reflect.TypeFor[string]()
	switch {
	case name == "len" && len(args) == 1:
		return value{"len(" + list + ")", reflect.TypeFor[int]()}, nil
	case name == "index" && len(args) == 2:
		return value{codes[0] + "[" + codes[1] + "]", args[0].t.Elem()}, nil
	case name == "printf":
		c.imports["fmt"] = true
		return value{"fmt.Sprintf(" + list + ")", text}, nil
	case name == "print":
		c.imports["fmt"] = true
		return value{"fmt.Sprint(" + list + ")", text}, nil
	case name == "not" && len(args) == 1:
		truth, err := args[0].truth()
		return value{"!(" + truth + ")", boolean}, err
	case (name == "and" || name == "or") && len(args) > 1: // the result stands for its truth, not for one of the values
		for i, a := range args {
			truth, err := a.truth()
			if err != nil {
				return value{}, err
			}
			codes[i] = truth
		}
		return value{"(" + strings.Join(codes, " "+operators[name]+" ") + ")", boolean}, nil
	case operators[name] != "" && len(args) == 2:
		if a, b := args[0].t, args[1].t; a != nil && b != nil && a != b {
			if a.Kind() != reflect.String || b.Kind() != reflect.String {
				return value{}, fmt.Errorf("%s and %s can't be compared", a, b)
			}
			codes[0], codes[1] = "string("+codes[0]+")", "string("+codes[1]+")"
		}
		return value{"(" + codes[0] + " " + operators[name] + " " + codes[1] + ")", boolean}, nil
	}
	return value{}, fmt.Errorf("%s with %d arguments can't be compiled", name, len(args))
}

// truth is the condition that html/template means with a value.
func (v value) truth() (string, error) {
	if v.t == nil {
		return "", fmt.Errorf("a constant is no condition")
	}
	switch v.t.Kind() {
	case reflect.Bool:
		return v.code, nil
	case reflect.String:
		return v.code + ` != ""`, nil
	case reflect.Int, reflect.Int64, reflect.Float64:
		return v.code + " != 0", nil
	case reflect.Slice, reflect.Map, reflect.Array:
		return "len(" + v.code + ") > 0", nil
	case reflect.Pointer, reflect.Interface:
		return v.code + " != nil", nil
	}
	return "", fmt.Errorf("a %s is no condition", v.t)
}

// escapes is the code for each chain of escapers that html/template asks for; %s is a string. Text between tags, text of a title and quoted
// attributes are escaped alike.
var escapes = map[string]string{
	"htmlescaper":                         "w.Text(%s)",
	"rcdataescaper":                       "w.Text(%s)",
	"attrescaper":                         "w.Text(%s)",
	"urlfilter attrescaper":               "w.Text(markup.Link(%s))",
	"urlfilter urlnormalizer attrescaper": "w.Text(markup.Path(markup.Link(%s)))",
	"urlnormalizer attrescaper":           "w.Text(markup.Path(%s))",
	"urlescaper attrescaper":              "w.Text(markup.Query(%s))",
}

// Code is what templates write code with, in html/template: add it to the functions of each.
var Code = template.FuncMap{
	"raw": func(s markup.HTML) template.HTML { return template.HTML(s) },
	"css": func(s markup.CSS) template.CSS { return template.CSS(s) },
	"js":  func(s markup.JS) template.JS { return template.JS(s) },
}

// places are where code may stand: what html/template asks for there.
var places = map[reflect.Type]string{reflect.TypeFor[markup.HTML](): "htmlescaper", reflect.TypeFor[markup.CSS](): "cssvaluefilter", reflect.TypeFor[markup.JS](): "jsvalescaper"}

// output makes the statement that writes a value.
func (c *compiler) output(p *parse.PipeNode, s scope) (string, error) {
	v, err := c.pipe(p, s)
	if err != nil {
		return "", err
	}
	var chain []string
	for _, cmd := range p.Cmds {
		if id, ok := cmd.Args[0].(*parse.IdentifierNode); ok {
			if name, ok := strings.CutPrefix(id.Ident, "_html_template_"); ok {
				chain = append(chain, name)
			}
		}
	}
	escape := strings.Join(chain, " ")
	if place, ok := places[v.t]; ok {
		if place != escape {
			return "", fmt.Errorf("%s: a %s doesn't belong there", p, v.t)
		}
		return fmt.Sprintf("w.WriteString(string(%s))\n", v.code), nil
	}
	if escapes[escape] == "" {
		return "", fmt.Errorf("%s: there is no code for %q", p, escape)
	}
	return fmt.Sprintf(escapes[escape]+"\n", c.text(v)), nil
}

// text makes a string of a value, as package fmt prints it.
func (c *compiler) text(v value) string {
	if v.t == nil {
		return v.code
	}
	if v.t.Kind() == reflect.Pointer && !v.t.Implements(stringerType) && !v.t.Implements(errorType) {
		v = value{"*" + v.code, v.t.Elem()}
	}
	said := v.t.Implements(stringerType) || v.t.Implements(errorType)
	switch {
	case v.t == reflect.TypeFor[string]():
		return v.code
	case v.t.Kind() == reflect.String && !said:
		return "string(" + v.code + ")"
	case v.t == reflect.TypeFor[int]() && !said:
		c.imports["strconv"] = true
		return "strconv.Itoa(" + v.code + ")"
	}
	c.imports["fmt"] = true
	return "fmt.Sprint(" + v.code + ")"
}
