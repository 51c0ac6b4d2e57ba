package view

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"rein/engine"
	"rein/pipelines/human"
)

// frame is the live part: running steps by strategy, a line on each strategy if there are several, and the whole.
func (t *TTY) frame() []string {
	width, height := t.size()
	width-- // after a full line some terminals put the cursor on the next one
	now := t.now()
	if t.trace.done != nil {
		return nil
	}
	if t.trace.started.IsZero() {
		if d := now.Sub(t.born); d >= time.Second { // reading much data takes long
			return []string{t.paint.Bold(clip("planning, "+elapsed(d), width))}
		}
		return nil
	}
	var lines []string
	if height >= roomy {
		lines = append(lines, "") // apart from what has ended
	}
	column := t.column(width)
	for _, s := range t.trace.live() {
		lines = append(lines, clip(t.running(s, now, column, width), width))
	}
	foot := t.strategies(width)
	if limit := max(height-2-len(foot), 1); len(lines) > limit {
		more := len(lines) - limit + 1
		lines = append(lines[:limit-1], clip(fmt.Sprintf("and %d more", more), width))
	}
	for _, l := range foot {
		lines = append(lines, t.paint.Dim(l))
	}
	lines = append(lines, t.paint.Bold(fit(t.whole(now), width)))
	return lines[max(0, len(lines)-max(height-1, 1)):]
}

// roomy is the height in lines from which there is room for an empty line.
const roomy = 16

// column is the width of names. It is the same for all lines of a run, and leaves room for the rest of a line.
func (t *TTY) column(width int) int {
	widest := 0
	for _, s := range t.trace.steps {
		if !s.started.IsZero() || s.waiting {
			widest = max(widest, runewidth.StringWidth(label(s)))
		}
	}
	if t.expected != nil {
		widest = max(widest, t.expected.widest)
	}
	const said = 36 // time, share, rate, time left
	return max(min(widest, width-said), min(widest, width/4), 1)
}

// live are the steps that run or wait, grouped by strategy.
func (t *trace) live() []*step {
	order := map[string]int{}
	var out []*step
	for _, s := range t.steps {
		if _, ok := order[s.pipeline]; !ok {
			order[s.pipeline] = len(order)
		}
		if s.status == "" && (s.waiting || !s.started.IsZero()) {
			out = append(out, s)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return order[out[i].pipeline] < order[out[j].pipeline] })
	return out
}

// strategies shows the progress of each strategy, as many to a line as fit; nothing if there is only one.
func (t *TTY) strategies(width int) []string {
	var names []string
	done, faults := map[string]int{}, map[string]int{}
	for _, s := range t.trace.steps {
		if _, ok := done[s.pipeline]; !ok {
			names = append(names, s.pipeline)
			done[s.pipeline] = 0
		}
		if s.status != "" && s.status != engine.StatusNotNeeded {
			done[s.pipeline]++
		}
		if s.status == engine.StatusFailed || s.status == engine.StatusVerdict {
			faults[s.pipeline]++
		}
	}
	if len(names) < 2 {
		return nil
	}
	var lines []string
	line := ""
	for _, n := range names {
		cell := fmt.Sprintf("%s %d done", n, done[n])
		if t.expected != nil && t.expected.steps[n] >= done[n] {
			cell = fmt.Sprintf("%s %d of %d", n, done[n], t.expected.steps[n])
		}
		if faults[n] > 0 {
			cell += fmt.Sprintf(" (%d failed)", faults[n])
		}
		switch {
		case line == "":
			line = cell
		case runewidth.StringWidth(line)+3+runewidth.StringWidth(cell) <= width:
			line += "   " + cell
		default:
			lines, line = append(lines, line), cell
		}
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = clip(lines[i], width)
	}
	return lines
}

// whole describes the run so far, the most important part first: a narrow terminal shows only that.
func (t *TTY) whole(now time.Time) []string {
	ended, running, away := t.trace.ended(), 0, 0
	for _, s := range t.trace.steps {
		switch {
		case s.status != "" || s.started.IsZero():
		case s.executor != "":
			away++
		case !s.waiting:
			running++
		}
	}
	total := max(t.trace.needed(), ended+running+away)
	parts := []string{fmt.Sprintf("%d of %d steps", ended, total), elapsed(now.Sub(t.trace.started))}
	if left, ok := t.left(now); ok {
		parts = append(parts, left)
	}
	parts = append(parts, fmt.Sprintf("%d cached", t.trace.counts[engine.StatusCached]+t.trace.counts[engine.StatusUnchanged]))
	switch {
	case away > 0 && running == 0:
	case t.slots > 0:
		parts = append(parts, fmt.Sprintf("%d of %d slots busy", running, t.slots))
	default:
		parts = append(parts, fmt.Sprintf("%d running", running))
	}
	if away > 0 {
		parts = append(parts, fmt.Sprintf("%d on a cluster", away))
	}
	if n := total - ended - running - away; n > 0 {
		parts = append(parts, fmt.Sprintf("%d queued", n))
	}
	return parts
}

// fit joins as many parts as a line takes.
func fit(parts []string, width int) string {
	line := parts[0]
	for _, p := range parts[1:] {
		if runewidth.StringWidth(line)+2+runewidth.StringWidth(p) > width {
			break
		}
		line += ", " + p
	}
	return clip(line, width)
}

// wideUnit is the width from which rates and remaining times have columns of their own.
const wideUnit = 80

// cell is a column of a running step's line. If the line is too narrow, cells with the highest number are left out first; those with 0
// always stay.
type cell struct {
	text string
	drop int
}

// running is one step in columns: name, time, bar, share, counts, rate, time left, loss so far.
func (t *TTY) running(s *step, now time.Time, column, width int) string {
	name := pad(shorten(s.pipeline, s.name, column), column)
	if s.waiting {
		return name + "  waits: " + s.text
	}
	cells := []cell{{name, 0}, {fmt.Sprintf("%7s", elapsed(now.Sub(s.started))), 0}}
	usual := time.Duration(0)
	if t.expected != nil {
		usual = t.expected.times[[2]string{s.pipeline, s.name}]
	}
	switch {
	case s.unit != "":
		cells = append(cells, progressCells(s, now, width)...)
	case usual >= time.Second:
		cells = append(cells, cell{"of about " + elapsed(usual), 1})
	}
	return strings.TrimRight(line(append(cells, cell{curve(s, 8), 5}), width), " ")
}

func progressCells(s *step, now time.Time, width int) []cell {
	r := s.rate(now)
	rate, left := "", ""
	if r > 0 {
		rate = human.Rate(r) + "/s"
	}
	if s.total <= 0 {
		return []cell{{human.Count(s.done) + " " + s.unit, 3}, {rate, 2}}
	}
	if r > 0 && s.total > s.done {
		left = elapsed(time.Duration(float64(s.total-s.done)/r*float64(time.Second))) + " left"
	}
	if width >= wideUnit {
		rate, left = fmt.Sprintf("%9s", rate), fmt.Sprintf("%-11s", left)
	}
	total := human.Count(s.total)
	return []cell{
		{bar(s), 4},
		{fmt.Sprintf("%3d%%", min(s.done, s.total)*100/s.total), 1},
		{fmt.Sprintf("%*s of %s", len(total), human.Count(s.done), total), 7},
		{s.unit, 6},
		{rate, 2},
		{left, 3},
	}
}

// line puts cells side by side, two blanks between, as many as fit.
func line(cells []cell, width int) string {
	for {
		var texts []string
		last := 0
		for i, c := range cells {
			if c.text != "" {
				texts = append(texts, c.text)
				if c.drop > cells[last].drop || cells[last].text == "" {
					last = i
				}
			}
		}
		out := strings.Join(texts, "  ")
		if runewidth.StringWidth(strings.TrimRight(out, " ")) <= width || cells[last].drop == 0 {
			return out
		}
		cells[last].text = ""
	}
}

// shorten fits "pipeline/name" into a width. The pipeline is shortened first.
func shorten(pipeline, name string, width int) string {
	full := pipeline + "/" + name
	rest := width - runewidth.StringWidth("../"+name)
	if runewidth.StringWidth(full) <= width || rest < 2 {
		return full
	}
	return runewidth.Truncate(pipeline, rest, "") + "../" + name
}

// elapsed is a duration in whole seconds, because milliseconds would only flicker.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return human.Duration(d)
}

const barWidth = 10

func bar(s *step) string {
	full := int(min(s.done, s.total) * barWidth / s.total)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// curve draws the loss on the training rows as a sparkline with a logarithmic scale, since the first fall would otherwise flatten the rest.
func curve(s *step, width int) string {
	var names []string
	for name, v := range s.series {
		if strings.HasSuffix(name, "loss") && strings.HasPrefix(name, "train") && len(v) > 1 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	v := s.series[slices.Min(names)]
	logs := make([]float64, len(v))
	for i, x := range v {
		logs[i] = math.Log(x)
	}
	return fmt.Sprintf("loss %s %.3f", Sparkline(condense(logs, width), width), v[len(v)-1])
}

// condense reduces v to at most n values, each the mean of a part.
func condense(v []float64, n int) []float64 {
	if len(v) <= n {
		return v
	}
	out := make([]float64, n)
	for i := range out {
		part := v[i*len(v)/n : (i+1)*len(v)/n]
		for _, x := range part {
			out[i] += x / float64(len(part))
		}
	}
	return out
}
