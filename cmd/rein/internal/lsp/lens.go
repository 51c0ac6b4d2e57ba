package lsp

import (
	"fmt"
	"strings"
	"time"

	"rein/engine"
	"rein/pipelines/human"
)

// codeLenses shows above each step what is known of it: "cached", "re-runs 4 steps, about 14 s", its FP rate. There are none before the
// store was asked.
func (s *server) codeLenses(snap *snapshot, file string) (any, error) {
	out := []codeLens{}
	body := snap.body(file)
	k, pipeline := s.knownOf(snap, file)
	if body == nil || k.statuses == nil {
		return out, nil
	}
	after := k.dependents()
	t := snap.text(file)
	for _, b := range body.Blocks {
		if b.Type != "step" || len(b.Labels) != 2 {
			continue
		}
		title := k.lens(b.Labels[1], after)
		if title == "" {
			continue
		}
		if pipeline != file { // a base: the strategies that extend it may differ
			title = k.program.Pipelines[0].Name + ": " + title
		}
		out = append(out, codeLens{t.span(b.TypeRange.Start.Byte, b.OpenBraceRange.Start.Byte), command{Title: title}})
	}
	return out, nil
}

// lens is the text over a step.
func (k known) lens(step string, after map[*engine.Node][]*engine.Node) string {
	nodes := k.instances(step)
	var parts []string
	count := map[engine.PlanStatus]int{}
	waiting := map[*engine.Node]bool{}
	for _, n := range nodes {
		x := k.statuses[n.Name]
		count[x.Plan.Status]++
		if x.Plan.Status == engine.PlanRun || x.Plan.Status == engine.PlanUnknown {
			k.wait(n, after, waiting)
		}
	}
	switch {
	case len(nodes) == 0:
		return ""
	case count[engine.PlanSkipped] == len(nodes):
		return "not needed"
	case len(waiting) > 0:
		parts = append(parts, k.again(waiting))
	case count[engine.PlanCached] > 0:
		parts = append(parts, "cached")
	}
	if count[engine.PlanCached] > 0 && len(waiting) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d cached", count[engine.PlanCached], len(nodes)))
	}
	if len(nodes) == 1 && k.statuses[nodes[0].Name].Headline != "" {
		parts = append(parts, k.statuses[nodes[0].Name].Headline)
	}
	return strings.Join(parts, " · ")
}

// wait adds a node that has to run, or may, and those behind it.
func (k known) wait(n *engine.Node, after map[*engine.Node][]*engine.Node, to map[*engine.Node]bool) {
	status := k.statuses[n.Name].Plan.Status
	if to[n] || status != engine.PlanRun && status != engine.PlanUnknown {
		return
	}
	to[n] = true
	for _, next := range after[n] {
		k.wait(next, after, to)
	}
}

// again describes how much runs: the sum of the times of past runs.
func (k known) again(nodes map[*engine.Node]bool) string {
	ms, unknown := int64(0), 0
	for n := range nodes {
		x := k.statuses[n.Name].Plan
		ms += x.ForecastMS
		if x.Samples == 0 {
			unknown++
		}
	}
	out := "re-runs 1 step"
	if len(nodes) != 1 {
		out = fmt.Sprintf("re-runs %d steps", len(nodes))
	}
	switch {
	case unknown == len(nodes):
	case unknown > 0:
		out += ", more than " + human.Duration(time.Duration(ms)*time.Millisecond)
	default:
		out += ", about " + human.Duration(time.Duration(ms)*time.Millisecond)
	}
	return out
}

// dependents maps each node to the nodes that take its outputs or wait for it.
func (k known) dependents() map[*engine.Node][]*engine.Node {
	out := map[*engine.Node][]*engine.Node{}
	for _, n := range k.program.Graph.Pipelines[0].Nodes {
		for _, in := range n.Inputs {
			for _, r := range in.Refs {
				if r.Node != nil {
					out[r.Node] = append(out[r.Node], n)
				}
			}
		}
		for _, a := range n.After {
			out[a] = append(out[a], n)
		}
	}
	return out
}
