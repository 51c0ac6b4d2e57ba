package ahead

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
)

// scope is where a node stands: the values that it can name.
type scope struct {
	dot  *value
	vars []*variable // innermost last; the first is $
}

// value is Go code and its type; of a constant the type is nil.
type value struct {
	code string
	t    reflect.Type
}

type variable struct {
	name string
	value
	used bool
}

func (s scope) with(vars ...*variable) scope {
	s.vars = append(s.vars[:len(s.vars):len(s.vars)], vars...)
	return s
}

// fresh makes a variable with a Go name that the function doesn't have yet.
func (c *compiler) fresh(name string, t reflect.Type) *variable {
	c.n++
	return &variable{name: name, value: value{fmt.Sprintf("%s%d", strings.TrimPrefix(name, "$"), c.n), t}}
}

// template makes a template's function.
func (c *compiler) template(name string) (string, error) {
	t := c.Templates.Lookup(name)
	if t == nil || t.Tree == nil {
		return "", fmt.Errorf("there is none")
	}
	c.n = 0
	typeName, err := c.typeName(c.types[name])
	if err != nil {
		return "", err
	}
	dot := &variable{name: "$", value: value{"d", c.types[name]}}
	body, err := c.list(t.Tree.Root, scope{dot: &dot.value, vars: []*variable{dot}})
	return fmt.Sprintf("\nfunc %s(w *markup.Writer, d %s) {\n%s}\n", funcName(name), typeName, body), err
}

// list makes the statements of nodes. A variable that no later node of the list uses isn't declared.
func (c *compiler) list(l *parse.ListNode, s scope) (string, error) {
	if l == nil {
		return "", nil
	}
	var b strings.Builder
	for i, n := range l.Nodes {
		if a, ok := n.(*parse.ActionNode); ok && len(a.Pipe.Decl) == 1 && !a.Pipe.IsAssign {
			v, err := c.pipe(a.Pipe, s)
			if err != nil {
				return "", err
			}
			x := c.fresh(a.Pipe.Decl[0].Ident[0], v.t)
			if lit, ok := a.Pipe.Cmds[0].Args[0].(*parse.StringNode); ok {
				x.t = reflect.TypeOf(lit.Text)
			}
			rest, err := c.list(&parse.ListNode{Nodes: l.Nodes[i+1:]}, s.with(x))
			if x.used {
				fmt.Fprintf(&b, "%s := %s\n", x.code, v.code)
			}
			return b.String() + rest, err
		}
		code, err := c.node(n, s)
		if err != nil {
			return "", err
		}
		b.WriteString(code)
	}
	return b.String(), nil
}

func (c *compiler) node(n parse.Node, s scope) (string, error) {
	switch n := n.(type) {
	case *parse.TextNode:
		return fmt.Sprintf("w.WriteString(%q)\n", n.Text), nil
	case *parse.ActionNode:
		if n.Pipe.IsAssign {
			v, err := c.pipe(n.Pipe, s)
			if err != nil {
				return "", err
			}
			to, err := c.variable(n.Pipe.Decl[0].Ident[0], s)
			return fmt.Sprintf("%s = %s\n", to.code, v.code), err
		}
		return c.output(n.Pipe, s)
	case *parse.IfNode:
		return c.branch(&n.BranchNode, s, nil)
	case *parse.WithNode:
		return c.branch(&n.BranchNode, s, c.fresh("x", nil))
	case *parse.RangeNode:
		return c.loop(n, s)
	case *parse.TemplateNode:
		if n.Pipe == nil {
			return "", fmt.Errorf("%s has no data", n)
		}
		v, err := c.pipe(n.Pipe, s)
		if err != nil {
			return "", err
		}
		c.reach(n.Name, v.t)
		v, err = v.as(c.types[n.Name])
		return fmt.Sprintf("%s(w, %s)\n", funcName(n.Name), v.code), err
	}
	return "", fmt.Errorf("%s can't be compiled", n)
}

// branch makes an if, or a with if the value has a variable.
func (c *compiler) branch(n *parse.BranchNode, s scope, dot *variable) (string, error) {
	v, err := c.pipe(n.Pipe, s)
	if err != nil {
		return "", err
	}
	if len(n.Pipe.Decl) > 0 {
		return "", fmt.Errorf("%s declares a variable", n.Pipe)
	}
	inner, first := s, ""
	if dot != nil {
		dot.t = v.t
		inner.dot = &dot.value
		first = fmt.Sprintf("%s := %s; ", dot.code, v.code)
		v = dot.value
	}
	condition, err := v.truth()
	if err != nil {
		return "", fmt.Errorf("%s: %w", n.Pipe, err)
	}
	then, err := c.list(n.List, inner)
	if err != nil {
		return "", err
	}
	other, err := c.list(n.ElseList, s)
	if other != "" {
		other = " else {\n" + other + "}"
	}
	return fmt.Sprintf("if %s%s {\n%s}%s\n", first, condition, then, other), err
}

func (c *compiler) loop(n *parse.RangeNode, s scope) (string, error) {
	v, err := c.pipe(n.Pipe, s)
	if err != nil {
		return "", err
	}
	if k := v.t.Kind(); k != reflect.Slice && k != reflect.Array {
		return "", fmt.Errorf("%s is no list", n.Pipe)
	}
	all, elem, index := c.fresh("all", v.t), c.fresh("e", v.t.Elem()), c.fresh("i", reflect.TypeFor[int]())
	inner := s
	inner.dot = &elem.value
	switch d := n.Pipe.Decl; len(d) {
	case 1:
		elem.name = d[0].Ident[0]
		inner = inner.with(elem)
	case 2:
		index.name, elem.name = d[0].Ident[0], d[1].Ident[0]
		inner = inner.with(index, elem)
	}
	body, err := c.list(n.List, inner)
	if err != nil {
		return "", err
	}
	i, e := "_", elem.code
	if index.used {
		i = index.code
	}
	if !mentions(body, e) {
		e = "_"
	}
	other, err := c.list(n.ElseList, s)
	if other == "" {
		return fmt.Sprintf("for %s, %s := range %s {\n%s}\n", i, e, v.code, body), err
	}
	return fmt.Sprintf("%s := %s\nfor %s, %s := range %s {\n%s}\nif len(%s) == 0 {\n%s}\n", all.code, v.code, i, e, all.code, body, all.code, other), err
}

// mentions tells whether code has a name in it that stands for itself.
func mentions(code, name string) bool {
	for {
		i := strings.Index(code, name)
		if i < 0 {
			return false
		}
		word := func(j int) bool {
			return j >= 0 && j < len(code) && (code[j] == '_' || code[j] >= '0' && code[j] <= '9' || code[j]|0x20 >= 'a' && code[j]|0x20 <= 'z')
		}
		if !word(i-1) && !word(i+len(name)) {
			return true
		}
		code = code[i+len(name):]
	}
}

func (c *compiler) variable(name string, s scope) (*variable, error) {
	for i := len(s.vars) - 1; i >= 0; i-- {
		if v := s.vars[i]; v.name == name {
			v.used = true
			return v, nil
		}
	}
	return nil, fmt.Errorf("there is no %s", name)
}
