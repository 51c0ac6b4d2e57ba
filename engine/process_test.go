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
