package view

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"rein/engine"
	"rein/pipelines/human"
)

// harmless makes every text of an event safe that a step or its data may have written.
func harmless(e engine.Event) engine.Event {
	e.Pipeline, e.Step, e.Type = human.Safe(e.Pipeline), human.Safe(e.Step), human.Safe(e.Type)
	e.Unit, e.Metric = human.Safe(e.Unit), human.Safe(e.Metric)
	if e.Action != engine.ActionEnd && e.Action != engine.ActionNote {
		e.Text = human.Safe(e.Text)
	} else { // an error or a note may have several lines
		lines := strings.Split(e.Text, "\n")
		for i, l := range lines {
			lines[i] = human.Safe(l)
		}
		e.Text = strings.Join(lines, "\n")
	}
	reasons := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		reasons[i] = human.Safe(r)
	}
	e.Reasons = reasons
	e.Why = slices.Clone(e.Why)
	for i, r := range e.Why {
		e.Why[i].Of, e.Why[i].Detail = human.Safe(r.Of), human.Safe(r.Detail)
	}
	return e
}

// clip cuts a line without colours at width cells, because a wrapped line would break the frame.
func clip(s string, width int) string {
	if width < 4 {
		return runewidth.Truncate(s, max(width, 0), "")
	}
	return runewidth.Truncate(s, width, "...")
}

// pad makes a line without colours exactly width cells wide.
func pad(s string, width int) string { return runewidth.FillRight(clip(s, width), width) }
