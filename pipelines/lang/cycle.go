package lang

import (
	"fmt"
	"strings"
)

// checkCycles reports steps that need their own output, with every edge of the circle.
func (e *evaluator) checkCycles() {
	color := map[*instance]state{}
	var path []edge // from the root of the search
	var visit func(i *instance) bool
	visit = func(i *instance) bool {
		color[i] = computing
		for _, x := range i.edges {
			switch color[x.to] {
			case computing:
				e.stepCircle(append(path, x), x.to)
				return false
			case pending:
				path = append(path, x)
				if !visit(x.to) {
					return false
				}
				path = path[:len(path)-1]
			}
		}
		color[i] = done
		return true
	}
	for _, s := range e.stepOrder {
		for _, i := range s.instances {
			if color[i] == pending && !visit(i) {
				return // one at a time: the rest of a knot repeats the same edges
			}
		}
	}
}

// stepCircle reports the end of path that leads from a step back to itself.
func (e *evaluator) stepCircle(path []edge, start *instance) {
	from := len(path) - 1
	for from > 0 && path[from-1].to != start {
		from--
	}
	var b strings.Builder
	at := start
	for _, x := range path[from:] {
		fmt.Fprintf(&b, "\n  %s needs %s: its %s at %s", at, x.to, x.arg, linePos(x.rng))
		at = x.to
	}
	last := path[len(path)-1]
	e.diags = e.diags.Append(errorAt(last.rng, "Steps in a circle", "%s can't run, because it needs its own result:%s\nBreak the circle at one of these.", start, b.String()))
}
