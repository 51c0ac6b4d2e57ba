package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
)

// scenario makes the graph that a started process runs.
func scenario(name string, args []string) (*engine.Graph, error) {
	switch name {
	case "pid":
		return graph(step("pid", pidOp(args[0]))), nil
	case "chain": // FILE: five steps that log their names
		return chain(args[0], 5, 0), nil
	case "short chain":
		return publishedChain(args[0], 3), nil
	case "alone", "gpu alone":
		return alone(args[0], args[1], name == "gpu alone"), nil
	case "wide":
		return wide(args[0]), nil
	case "slow chain":
		return chain(args[0], 5, 50*time.Millisecond), nil
	}
	return nil, fmt.Errorf("no scenario %q", name)
}

// chain is n steps in a row, each reading the one before.
func chain(file string, n int, sleep time.Duration) *engine.Graph {
	var nodes []*engine.Node
	for i := range n {
		node := step(fmt.Sprintf("s%d", i), logOp(file, fmt.Sprintf("s%d", i), sleep))
		if i > 0 {
			node.Inputs = append(node.Inputs, from("x", nodes[i-1]))
		}
		nodes = append(nodes, node)
	}
	return graph(nodes...)
}

// publishedChain is a chain whose last output is copied to FILE.out.
func publishedChain(file string, n int) *engine.Graph {
	g := chain(file, n, 0)
	p := g.Pipelines[0]
	p.Outputs = []engine.Output{{Name: "o", Ref: engine.Ref{Node: p.Nodes[n-1], Port: "out"}, Path: file + ".out"}}
	return g
}

// alone is six independent steps of a name, each noting if another step is under way.
func alone(file, who string, gpu bool) *engine.Graph {
	var nodes []*engine.Node
	for i := range 6 {
		o := &op{Config: map[string]any{"who": who, "i": i}}
		o.Do = func(_ context.Context, c *engine.Call) error {
			words := who
			busy := file + ".busy"
			if err := os.Mkdir(busy, 0o777); err != nil {
				words += " overlap"
			}
			time.Sleep(10 * time.Millisecond)
			f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
			if err != nil {
				return err
			}
			fmt.Fprintln(f, words)
			return errors.Join(f.Close(), os.Remove(busy), enginetest.WriteAll(c, who))
		}
		n := step(fmt.Sprintf("%s%d", who, i), o)
		if gpu {
			n.Resources.GPU = 1
		}
		nodes = append(nodes, n)
	}
	return graph(nodes...)
}

// append3 is a chain of three with one more step, so that the last of the three is read.
func append3(file string) *engine.Graph {
	g := chain(file, 3, 0)
	p := g.Pipelines[0]
	p.Nodes = append(p.Nodes, step("more", logOp(file, "more", 0), from("x", p.Nodes[2])))
	return g
}
