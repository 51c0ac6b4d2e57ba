// Package draw pictures the pipelines of a graph: as Graphviz dot, as Mermaid, and as SVG that needs no other program.
package draw

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rein/engine"
)

// mostInstances is up to how many instances of a step with for_each are drawn one by one.
const mostInstances = 4

// picture is a pipeline reduced to what is drawn.
type picture struct {
	name, title string
	nodes       []*node
	edges       []*edge
}

// node is a step, all instances of one, or a file that is read.
type node struct {
	id     int
	name   string // "baseline", "own.csv"
	typ    string // step type; "file", "dir", "glob" or "path" for what is read
	pos    string
	count  int  // instances it stands for
	unused bool // `when` is false
	input  bool // a file of the user's

	layer, order int
	x, y, w      float64 // centre and width
	dummy        bool    // a bend of a long edge
}

// edge is all that goes from one node to another.
type edge struct {
	from, to *node
	kinds    []string // of the artifacts, sorted; empty for depends_on alone
	ports    []string // "train -> rows"
	bends    []*node
}

// pictureOf makes a picture of a pipeline.
func pictureOf(p *engine.Pipeline) *picture {
	pic := &picture{name: p.Name, title: p.Title}
	instances := map[string]int{}
	for _, n := range p.Nodes {
		instances[stepName(n.Name)]++
	}
	byName := map[string]*node{}
	of := func(n *engine.Node) *node {
		name := n.Name
		if step := stepName(name); instances[step] > mostInstances {
			name = step
		}
		d := byName[name]
		if d == nil {
			d = pic.add(&node{name: name, typ: n.Type, pos: n.Pos, unused: true})
			byName[name] = d
		}
		return d
	}
	for _, n := range p.Nodes {
		d := of(n)
		d.count++
		d.unused = d.unused && n.NotNeeded
	}
	between := map[[2]*node]*edge{}
	for _, n := range p.Nodes {
		to := of(n)
		for _, in := range n.Inputs {
			for _, r := range in.Refs {
				if r.Node != nil {
					pic.connect(between, of(r.Node), to, kindOf(r), r.Port+" -> "+in.Port)
				} else {
					pic.connect(between, pic.file(byName, r.Path), to, "file", in.Port)
				}
			}
		}
		for _, a := range n.After {
			pic.connect(between, of(a), to, "", "depends_on")
		}
	}
	return pic
}

func (p *picture) add(n *node) *node {
	n.id = len(p.nodes)
	p.nodes = append(p.nodes, n)
	return n
}

func (p *picture) file(byName map[string]*node, path *engine.Path) *node {
	key := "\x00" + path.Abs
	if n := byName[key]; n != nil {
		return n
	}
	n := p.add(&node{name: shortPath(path), typ: string(path.Kind), pos: path.Text, count: 1, input: true})
	byName[key] = n
	return n
}

func (p *picture) connect(between map[[2]*node]*edge, from, to *node, kind, ports string) {
	k := [2]*node{from, to}
	e := between[k]
	if e == nil {
		e = &edge{from: from, to: to}
		between[k] = e
		p.edges = append(p.edges, e)
	}
	if kind != "" && !slices.Contains(e.kinds, kind) {
		e.kinds = append(e.kinds, kind)
		slices.Sort(e.kinds)
	}
	if !slices.Contains(e.ports, ports) {
		e.ports = append(e.ports, ports)
	}
}

// stepName is an instance's name without its key.
func stepName(name string) string {
	step, _, _ := strings.Cut(name, "[")
	return step
}

func kindOf(r engine.Ref) string {
	for _, p := range r.Node.Ports {
		if p.Name == r.Port {
			return p.Kind
		}
	}
	return "file"
}

// shortPath is the end of a path, enough to recognise it.
func shortPath(p *engine.Path) string {
	text := filepath.ToSlash(p.Text)
	if text == "" {
		text = filepath.ToSlash(p.Abs)
	}
	const most = 28
	if len([]rune(text)) <= most {
		return text
	}
	if base := path.Base(text); len([]rune(base)) <= most-4 {
		return ".../" + base
	}
	r := []rune(text)
	return "..." + string(r[len(r)-most+3:])
}

// label is what stands in a node.
func (n *node) label() string {
	if n.count > 1 {
		return n.name + " \u00d7 " + thousands(n.count)
	}
	return n.name
}

func thousands(n int) string {
	s := ""
	for ; n >= 1000; n /= 1000 {
		s = "," + string([]byte{byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)}) + s
	}
	digits := ""
	for ; n > 0 || digits == ""; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return digits + s
}
