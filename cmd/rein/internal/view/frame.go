package view

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"rein/engine"
)

// The widths from which a running step's line has more than name, time, share, rate and time left.
const (
	wideUnit   = 80  // the rate's unit, the loss curve
	wideBar    = 120 // a bar
	wideCounts = 150 // how many of how many
)

// frame is the live part: running steps by strategy, a line on each strategy if there are several, and the whole.
func (t *TTY) frame() []string {
	if t.trace.done != nil || t.trace.started.IsZero() {
		return nil
	}
	width, height := t.size()
	width-- // a full line would put some terminals' cursor on the next one
	now := t.now()
	live := t.trace.live()
	column := 0
	for _, s := range live {
		column = max(column, runewidth.StringWidth(label(s)))
	}
	column = max(min(column, width/3), 1)
	var lines []string
	for _, s := range live {
		lines = append(lines, clip(t.running(s, now, column, width), width))
	}
	foot := t.strategies(width)
	if limit := max(height-2-len(foot), 1); len(lines) > limit {
		more := len(lines) - limit + 1
		lines = append(lines[:limit-1], clip(fmt.Sprintf("and %d more", more), width))
	}
	for _, l := range foot {
		lines = append(lines, t.paint.dim(l))
	}
	lines = append(lines, t.paint.bold(clip(t.whole(now), width)))
	return lines[max(0, len(lines)-max(height-1, 1)):]
}

// live are the steps that run or wait, those of one strategy together.
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

// strategies says of each strategy how far it is, as many to a line as fit; nothing if there is but one.
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

// whole is the run so far in one line, the most wanted first.
func (t *TTY) whole(now time.Time) string {
	ended, running, away := 0, 0, 0
	for _, s := range t.trace.steps {
		switch {
		case s.status != "":
			ended++
		case !s.started.IsZero() && s.executor != "":
			away++
		case !s.started.IsZero() && !s.waiting:
			running++
		}
	}
	total := max(t.trace.total, ended+running+away)
	parts := []string{
		fmt.Sprintf("%d of %d steps", ended, total),
		fmt.Sprintf("%d cached", t.trace.counts[engine.StatusCached]+t.trace.counts[engine.StatusUnchanged]),
	}
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
	parts = append(parts, elapsed(now.Sub(t.trace.started)))
	if left, ok := t.left(now); ok {
		parts = append(parts, left)
	}
	return strings.Join(parts, ", ")
}

// running is one step in columns: name, time, bar, share, counts, rate, time left, loss so far.
func (t *TTY) running(s *step, now time.Time, column, width int) string {
	name := pad(label(s), column)
	if s.waiting {
		return name + "  waits: " + s.text
	}
	cells := []string{name, fmt.Sprintf("%7s", elapsed(now.Sub(s.started)))}
	if s.done > 0 {
		cells = append(cells, progressCells(s, now, width)...)
	} else if t.expected != nil && t.expected.times[[2]string{s.pipeline, s.name}] >= time.Second {
		cells = append(cells, "of about "+elapsed(t.expected.times[[2]string{s.pipeline, s.name}]))
	}
	if width >= wideUnit {
		cells = append(cells, strings.TrimSpace(curve(s, 8)))
	}
	return strings.TrimRight(strings.Join(cells, "  "), " ")
}

func progressCells(s *step, now time.Time, width int) []string {
	var cells []string
	r := s.rate(now)
	rate, left := "", ""
	if r > 0 {
		rate = Rate(r) + "/s"
		if width >= wideUnit {
			rate = Rate(r) + " " + s.unit + "/s"
		}
	}
	if s.total <= 0 {
		return []string{Count(s.done) + " " + s.unit, rate}
	}
	if width >= wideBar {
		cells = append(cells, bar(s))
	}
	cells = append(cells, fmt.Sprintf("%3d%%", min(s.done, s.total)*100/s.total))
	if width >= wideCounts {
		total := Count(s.total)
		cells = append(cells, fmt.Sprintf("%*s of %s", len(total), Count(s.done), total))
	}
	if r > 0 && s.total > s.done {
		left = elapsed(time.Duration(float64(s.total-s.done)/r*float64(time.Second))) + " left"
	}
	if width >= wideUnit {
		return append(cells, fmt.Sprintf("%14s", rate), fmt.Sprintf("%-11s", left))
	}
	return append(cells, rate, left)
}

// elapsed is Duration in whole seconds: a frame is read at a glance, and milliseconds only dance.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return Duration(d)
}

const barWidth = 10

func bar(s *step) string {
	full := int(min(s.done, s.total) * barWidth / s.total)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// curve draws the loss on the training rows as a sparkline.
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
	sort.Strings(names)
	v := s.series[names[0]]
	return fmt.Sprintf("  loss %s %.3f", Sparkline(v, width), v[len(v)-1])
}
