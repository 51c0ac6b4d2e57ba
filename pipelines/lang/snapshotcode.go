package lang

import (
	"context"
	"encoding/binary"
	"math"

	"rein/engine"
	"rein/steps"
)

// coder writes or reads a snapshot by the same calls, so the two sides can't disagree. Texts that are read share the memory of the file.
type coder struct {
	reading bool
	out     []byte
	in      string
	bad     bool // the text isn't one of ours, or the program can't be written

	nodes []*engine.Node
	index map[*engine.Node]int // of nodes, for the writer
}

func (c *coder) uint(n *uint64) {
	if !c.reading {
		c.out = binary.AppendUvarint(c.out, *n)
		return
	}
	*n = 0
	for shift := 0; shift < 64; shift += 7 {
		if c.in == "" {
			break
		}
		b := c.in[0]
		c.in = c.in[1:]
		if *n |= uint64(b&0x7f) << shift; b < 0x80 {
			return
		}
	}
	*n, c.bad = 0, true
}

func number[T ~int | ~int64](c *coder, n *T) {
	u := uint64(*n)
	c.uint(&u)
	*n = T(u)
}

func (c *coder) flag(b *bool) {
	u := uint64(0)
	if *b {
		u = 1
	}
	c.uint(&u)
	*b = u == 1
}

func (c *coder) float(f *float64) {
	u := math.Float64bits(*f)
	c.uint(&u)
	*f = math.Float64frombits(u)
}

func text[T ~string](c *coder, s *T) {
	n := uint64(len(*s))
	if c.uint(&n); !c.reading {
		c.out = append(c.out, *s...)
		return
	}
	if n > uint64(len(c.in)) {
		*s, c.bad = "", true
		return
	}
	*s, c.in = T(c.in[:n]), c.in[n:]
}

func (c *coder) bytes(b *[]byte) {
	s := string(*b)
	if text(c, &s); c.reading {
		*b = []byte(s)
	}
}

// list goes over a list's elements; an empty one is nil.
func list[T any](c *coder, l *[]T, each func(*T)) {
	n := uint64(len(*l))
	if c.uint(&n); c.reading {
		if n > uint64(len(c.in)) { // an element takes a byte at least
			n, c.bad = 0, true
		}
		if *l = nil; n > 0 {
			*l = make([]T, n)
		}
	}
	for i := range *l {
		if c.bad {
			return
		}
		each(&(*l)[i])
	}
}

func (c *coder) texts(l *[]string) { list(c, l, func(s *string) { text(c, s) }) }

func (c *coder) reads(l *[]read) {
	list(c, l, func(r *read) {
		text(c, &r.of)
		text(c, &r.name)
		answer := r.answer[:]
		c.bytes(&answer)
		copy(r.answer[:], answer)
	})
}

// program codes a program without its syntax. types are needed for reading.
func (c *coder) program(p *Program, types map[string]*steps.Type) {
	c.texts(&p.files)
	jsonText(c, &p.Project)
	list(c, &p.Pipelines, c.pipeline)
	if c.bad {
		return
	}
	if c.reading {
		p.Graph = &engine.Graph{}
		for _, pl := range p.Pipelines {
			p.Graph.Pipelines = append(p.Graph.Pipelines, pl.node)
		}
	}
	c.declare(p.Graph)
	for i, pl := range p.Graph.Pipelines {
		for j, n := range pl.Nodes {
			c.node(n, types)
			c.checks(p, n, i, j)
		}
		list(c, &pl.Outputs, func(o *engine.Output) {
			text(c, &o.Name)
			text(c, &o.Path)
			text(c, &o.Pos)
			c.ref(&o.Ref)
		})
	}
}

func (c *coder) pipeline(p **Pipeline) {
	if c.reading {
		*p = &Pipeline{node: &engine.Pipeline{}}
	}
	pl := *p
	text(c, &pl.Name)
	text(c, &pl.Title)
	text(c, &pl.File)
	c.texts(&pl.Bases)
	jsonText(c, &pl.Sweep)
	text(c, &pl.node.Name)
	text(c, &pl.node.Title)
	text(c, &pl.node.File)
	c.bytes((*[]byte)(&pl.node.Meta))
}

// declare makes the nodes, so that references to them can be read.
func (c *coder) declare(g *engine.Graph) {
	c.index = map[*engine.Node]int{}
	for _, p := range g.Pipelines {
		list(c, &p.Nodes, func(n **engine.Node) {
			if c.reading {
				*n = &engine.Node{}
			} else {
				c.index[*n] = len(c.nodes)
			}
			c.nodes = append(c.nodes, *n)
			text(c, &(*n).Name)
		})
	}
}

func (c *coder) node(n *engine.Node, types map[string]*steps.Type) {
	text(c, &n.Type)
	text(c, &n.Pos)
	list(c, &n.Inputs, func(in *engine.Input) {
		text(c, &in.Port)
		list(c, &in.Refs, c.ref)
	})
	list(c, &n.Ports, func(p *engine.Port) {
		text(c, &p.Name)
		text(c, &p.Kind)
	})
	list(c, &n.After, c.nodeRef)
	c.flag(&n.NotNeeded)
	c.float(&n.Resources.CPUs)
	number(c, &n.Resources.Memory)
	number(c, &n.Resources.GPU)
	number(c, &n.Retries)
	number(c, &n.Timeout)
	text(c, &n.Executor)
	c.op(n, types)
}

// op is what an Op says of itself.
func (c *coder) op(n *engine.Node, types map[string]*steps.Type) {
	has := n.Op != nil
	if c.flag(&has); !has || c.bad {
		return
	}
	var d engine.Description
	if !c.reading {
		var err error
		if d, err = n.Op.Describe(context.Background()); err == nil {
			d.Lines, err = engine.ConfigLines(d)
		}
		if err != nil || len(d.Sensitive) > 0 {
			c.bad = true
			return
		}
	}
	c.bytes((*[]byte)(&d.Config))
	c.texts(&d.Lines)
	if !c.reading {
		return
	}
	t := types[n.Type]
	if t == nil {
		c.bad = true
		return
	}
	n.Op = t.Revive(d.Config, d.Lines)
	n.Traits = t.Traits(n.Op)
}

func (c *coder) checks(p *Program, n *engine.Node, pipeline, node int) {
	i := 0
	list(c, &n.Checks, func(k *engine.Check) {
		if text(c, &k.Pos); c.reading {
			*k = p.lateCheck(pipeline, node, i, n.Name, k.Pos)
		}
		i++
	})
}

func (c *coder) ref(r *engine.Ref) {
	text(c, &r.Port)
	text(c, &r.Pos)
	isPath := r.Path != nil
	if c.flag(&isPath); !isPath {
		c.nodeRef(&r.Node)
		return
	}
	if c.reading {
		r.Path = &engine.Path{}
	}
	text(c, &r.Path.Kind)
	text(c, &r.Path.Abs)
	text(c, &r.Path.Text)
	c.flag(&r.Path.Absent)
}

func (c *coder) nodeRef(n **engine.Node) {
	i, ok := 0, true
	if !c.reading {
		i, ok = c.index[*n]
	}
	number(c, &i)
	if !ok || i < 0 || i >= len(c.nodes) {
		c.bad = true
		return
	}
	*n = c.nodes[i]
}
