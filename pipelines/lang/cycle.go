package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"rein/pipelines/lang/diag"
)

// checkCycles reports steps that need their own output, with every edge of the cycle.
func (e *evaluator) checkCycles() {
	color := map[*instance]state{}
	var path []edge // from the root of the search
	var visit func(i *instance) bool
	visit = func(i *instance) bool {
		color[i] = computing
		for _, x := range i.edges {
			switch color[x.to] {
			case computing:
				e.stepCycle(append(path, x), x.to)
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
				return // one cycle at a time, because others nearby would repeat its edges
			}
		}
	}
}

// stepCycle reports the end of path that leads from a step back to itself.
func (e *evaluator) stepCycle(path []edge, start *instance) {
	from := len(path) - 1
	for from > 0 && path[from-1].to != start {
		from--
	}
	var links []link
	at := start
	for _, x := range path[from:] {
		links = append(links, link{at.String(), x.to.String(), x.rng})
		at = x.to
	}
	e.diags = e.diags.Append(cycleError("Cycle of steps", "can't run, because it needs its own result", links))
}

// link is one edge of a cycle.
type link struct {
	from, to string
	rng      hcl.Range
}

// mostLinks is how many edges of a cycle are shown with their lines.
const mostLinks = 12

// cycleError reports a cycle with all its edges: the last as the subject, the others as related places.
func cycleError(summary, what string, links []link) *hcl.Diagnostic {
	var b strings.Builder
	for _, l := range links {
		fmt.Fprintf(&b, "\n  %s needs %s (%s)", l.from, l.to, linePos(l.rng))
	}
	last := links[len(links)-1]
	d := errorAt(last.rng, summary, "%s %s:%s\nBreak the cycle at one of these.", last.to, what, b.String())
	for _, l := range links[:min(mostLinks, len(links)-1)] {
		diag.Also(d, l.rng, "%s needs %s", l.from, l.to)
	}
	return d
}
