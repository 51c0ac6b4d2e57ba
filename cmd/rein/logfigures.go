package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rein/cmd/rein/internal/runlog"
	"rein/cmd/rein/internal/view"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
)

// loggedFigures are one pipeline's figures in one run.
type loggedFigures struct {
	run      string
	started  time.Time
	git      record.Git
	outcome  string
	pipeline string
	figures  map[string]compare.Figure
}

// figuresOf are the lines of runs, newest first: one for each pipeline, or for the one that is named.
func figuresOf(runs []runlog.Summary, pipeline string) []loggedFigures {
	var out []loggedFigures
	for _, r := range runs {
		for _, p := range r.Pipelines {
			if pipeline == "" || p.Name == pipeline {
				out = append(out, loggedFigures{r.ID, r.Started, r.Git, r.Outcome, p.Name, p.Figures})
			}
		}
	}
	return out
}

// logFigures prints a line for each pipeline of a run.
func (a *app) logFigures(lines []loggedFigures, metrics []string) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	head := []string{"run", "started", "revision", "outcome", "pipeline"}
	for _, m := range metrics {
		head = append(head, render.Label(m))
	}
	t.Painted(paint.Dim, head...)
	for _, l := range lines {
		cells := []string{l.run, human.Time(l.started), view.Revision(l.git), l.outcome, l.pipeline}
		for _, m := range metrics {
			text := "–"
			if f, ok := l.figures[m]; ok {
				text = render.Format(m, f)
			}
			cells = append(cells, text)
		}
		t.Row(cells...)
	}
	return t.Write(a.out)
}

// write writes the lines for programs.
func (f *logFlags) write(w io.Writer, lines []loggedFigures) error {
	if f.format == "csv" {
		return writeLogCSV(w, lines, f.metrics)
	}
	type line struct {
		Run      string                    `json:"run"`
		Started  time.Time                 `json:"started"`
		Revision string                    `json:"revision,omitempty"`
		Dirty    bool                      `json:"dirty,omitempty"`
		Outcome  string                    `json:"outcome"`
		Pipeline string                    `json:"pipeline"`
		Metrics  map[string]compare.Figure `json:"metrics"`
	}
	out := []line{}
	for _, l := range lines {
		x := line{l.run, l.started, l.git.Revision, l.git.Dirty, l.outcome, l.pipeline, map[string]compare.Figure{}}
		for _, m := range f.metrics {
			if v, ok := l.figures[m]; ok {
				x.Metrics[m] = v
			}
		}
		out = append(out, x)
	}
	return writeJSON(w, out)
}

// writeLogCSV writes a column for each metric. A metric that a run didn't measure is empty.
func writeLogCSV(w io.Writer, lines []loggedFigures, metrics []string) error {
	out := csv.NewWriter(w)
	rows := [][]string{append([]string{"run", "started", "revision", "dirty", "outcome", "pipeline"}, metrics...)}
	for _, l := range lines {
		row := []string{l.run, l.started.UTC().Format(time.RFC3339), l.git.Revision, strconv.FormatBool(l.git.Dirty), l.outcome, l.pipeline}
		for _, m := range metrics {
			text := ""
			if v, ok := l.figures[m]; ok {
				text = strconv.FormatFloat(v.Value, 'g', -1, 64)
			}
			row = append(row, text)
		}
		rows = append(rows, cells(row))
	}
	return out.WriteAll(rows)
}

// chartWidth is how many characters the longest bar of a chart has.
const chartWidth = 40

// logChart draws a metric over the runs, oldest first. Bars begin at 0.
func (a *app) logChart(lines []loggedFigures, name string) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	highest := 0.0
	for _, l := range lines {
		highest = max(highest, l.figures[name].Value)
	}
	t.Painted(paint.Dim, "started", "revision", "pipeline", render.Label(name), "")
	drawn := 0
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		f, ok := l.figures[name]
		if !ok {
			continue
		}
		drawn++
		n := 0
		if highest > 0 && f.Value > 0 {
			n = max(int(f.Value/highest*chartWidth+0.5), 1)
		}
		t.Row(human.Time(l.started), view.Revision(l.git), l.pipeline, render.Format(name, f), strings.Repeat("█", n))
	}
	if drawn == 0 {
		return configError(fmt.Errorf("none of these runs measured %s", name))
	}
	return t.Write(a.out)
}
