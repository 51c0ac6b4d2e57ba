package engine_test

import (
	"fmt"
	"time"

	"rein/engine"
)

// scenario makes the graph that a started process runs.
func scenario(name string, args []string) (*engine.Graph, error) {
	switch name {
	case "pid":
		return graph(step("pid", childOp(map[string]any{"do": "pid", "file": args[0]}))), nil
	case "chain": // FILE: five steps that log their names
		return chain(args[0], 5, 0), nil
	case "short chain":
		return chain(args[0], 3, 0), nil
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

// append3 is a chain of three with one more step, so that the last of the three is read.
func append3(file string) *engine.Graph {
	g := chain(file, 3, 0)
	p := g.Pipelines[0]
	p.Nodes = append(p.Nodes, step("more", logOp(file, "more", 0), from("x", p.Nodes[2])))
	return g
}
