package lang

import (
	"context"

	"rein/cache/flat"
	"rein/engine"
	"rein/steps"
)

// coder writes or reads a snapshot.
type coder struct {
	flat.Coder

	nodes []*engine.Node
	index map[*engine.Node]int // of nodes, for the writer
}

func (c *coder) reads(l *[]read) {
	flat.List(&c.Coder, l, func(r *read) {
		flat.Text(&c.Coder, &r.of)
		flat.Text(&c.Coder, &r.name)
		c.Fixed(r.answer[:])
	})
}

// program codes a program without its syntax. types are needed for reading.
func (c *coder) program(p *Program, types map[string]*steps.Type) {
	c.Texts(&p.files)
	jsonText(c, &p.Project)
	flat.List(&c.Coder, &p.Pipelines, c.pipeline)
	if c.Bad {
		return
	}
	if c.Reading {
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
		flat.List(&c.Coder, &pl.Outputs, func(o *engine.Output) {
			flat.Text(&c.Coder, &o.Name)
			flat.Text(&c.Coder, &o.Path)
			flat.Text(&c.Coder, &o.Pos)
			c.ref(&o.Ref)
		})
	}
}

func (c *coder) pipeline(p **Pipeline) {
	if c.Reading {
		*p = &Pipeline{node: &engine.Pipeline{}}
	}
	pl := *p
	flat.Text(&c.Coder, &pl.Name)
	flat.Text(&c.Coder, &pl.Title)
	flat.Text(&c.Coder, &pl.File)
	c.Texts(&pl.Bases)
	jsonText(c, &pl.Sweep)
	flat.Text(&c.Coder, &pl.node.Name)
	flat.Text(&c.Coder, &pl.node.Title)
	flat.Text(&c.Coder, &pl.node.File)
	c.Bytes((*[]byte)(&pl.node.Meta))
}

// declare makes the nodes, so that references to them can be read.
func (c *coder) declare(g *engine.Graph) {
	c.index = map[*engine.Node]int{}
	for _, p := range g.Pipelines {
		flat.List(&c.Coder, &p.Nodes, func(n **engine.Node) {
			if c.Reading {
				*n = &engine.Node{}
			} else {
				c.index[*n] = len(c.nodes)
			}
			c.nodes = append(c.nodes, *n)
			flat.Text(&c.Coder, &(*n).Name)
		})
	}
}

func (c *coder) node(n *engine.Node, types map[string]*steps.Type) {
	flat.Text(&c.Coder, &n.Type)
	flat.Text(&c.Coder, &n.Pos)
	flat.List(&c.Coder, &n.Inputs, func(in *engine.Input) {
		flat.Text(&c.Coder, &in.Port)
		flat.List(&c.Coder, &in.Refs, c.ref)
	})
	flat.List(&c.Coder, &n.Ports, func(p *engine.Port) {
		flat.Text(&c.Coder, &p.Name)
		flat.Text(&c.Coder, &p.Kind)
	})
	flat.List(&c.Coder, &n.After, c.nodeRef)
	c.Flag(&n.NotNeeded)
	c.Float(&n.Resources.CPUs)
	flat.Number(&c.Coder, &n.Resources.Memory)
	flat.Number(&c.Coder, &n.Resources.GPU)
	flat.Number(&c.Coder, &n.Retries)
	flat.Number(&c.Coder, &n.Timeout)
	flat.Text(&c.Coder, &n.Executor)
	c.op(n, types)
}

// op is what an Op says of itself.
func (c *coder) op(n *engine.Node, types map[string]*steps.Type) {
	has := n.Op != nil
	if c.Flag(&has); !has || c.Bad {
		return
	}
	var d engine.Description
	if !c.Reading {
		var err error
		if d, err = n.Op.Describe(context.Background()); err == nil {
			d.Lines, err = engine.ConfigLines(d)
		}
		if err != nil || len(d.Sensitive) > 0 {
			c.Bad = true
			return
		}
	}
	c.Bytes((*[]byte)(&d.Config))
	c.Texts(&d.Lines)
	if !c.Reading {
		return
	}
	t := types[n.Type]
	if t == nil {
		c.Bad = true
		return
	}
	n.Op = t.Revive(d.Config, d.Lines)
	n.Traits = t.Traits(n.Op)
}

func (c *coder) checks(p *Program, n *engine.Node, pipeline, node int) {
	i := 0
	flat.List(&c.Coder, &n.Checks, func(k *engine.Check) {
		if flat.Text(&c.Coder, &k.Pos); c.Reading {
			*k = p.lateCheck(pipeline, node, i, n.Name, k.Pos)
		}
		i++
	})
}

func (c *coder) ref(r *engine.Ref) {
	flat.Text(&c.Coder, &r.Port)
	flat.Text(&c.Coder, &r.Pos)
	isPath := r.Path != nil
	if c.Flag(&isPath); !isPath {
		c.nodeRef(&r.Node)
		return
	}
	if c.Reading {
		r.Path = &engine.Path{}
	}
	flat.Text(&c.Coder, &r.Path.Kind)
	flat.Text(&c.Coder, &r.Path.Abs)
	flat.Text(&c.Coder, &r.Path.Text)
	c.Flag(&r.Path.Absent)
}

func (c *coder) nodeRef(n **engine.Node) {
	i, ok := 0, true
	if !c.Reading {
		i, ok = c.index[*n]
	}
	flat.Number(&c.Coder, &i)
	if !ok || i < 0 || i >= len(c.nodes) {
		c.Bad = true
		return
	}
	*n = c.nodes[i]
}
