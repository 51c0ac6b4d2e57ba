package render

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"rein/engine/record"
	"rein/pipelines/compare"
)

// outcomeFigures is how many of a pipeline's figures a run ends with.
const outcomeFigures = 4

// Outcome ends a run with what it was made for: each pipeline's main figures, the targets and the expectations that they miss, and what to do next.
// Expectations that bind are left out: missing one is the run's error. Pipelines without figures have no line, and
// those without a result aren't to be compared. flags are those of the run that the comparison needs, too.
func Outcome(w io.Writer, pipelines []record.Pipeline, flags string, o Options) error {
	var files []string
	var b strings.Builder
	for _, p := range pipelines {
		s, err := compare.Summarize(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.File, err)
		}
		var parts []string
		for _, m := range mainMetrics {
			if f, ok := s.Figures[m]; ok && len(parts) < outcomeFigures {
				parts = append(parts, label(m)+" "+Format(m, f))
			}
		}
		if len(parts) == 0 {
			continue
		}
		if s.Missing == nil {
			files = append(files, p.File)
		}
		width := cmp.Or(o.Width, math.MaxInt)
		b.WriteString(paragraph(p.Name+": ", strings.Join(parts, ", "), width))
		missed := map[string]bool{} // by metric: a target says as much as an expectation of the same figure
		for _, g := range slices.Concat(s.Gates, s.Hopes) {
			if !g.Passed && !g.Binding && !missed[g.Metric] {
				missed[g.Metric] = true
				b.WriteString(paragraph("  misses ", Missed(g), width))
			}
		}
	}
	if len(files) > 0 {
		fmt.Fprintf(&b, "next: rein compare %s%s\n", strings.Join(files, " "), flags)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
