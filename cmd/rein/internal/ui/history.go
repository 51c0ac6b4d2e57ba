package ui

import (
	"maps"
	"net/http"
	"slices"

	"rein/cmd/rein/internal/runlog"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/compare/render/markup"
	"rein/steps/metric"
)

// historyView is a metric over runs.
type historyView struct {
	Metric, Pipeline   string
	Metrics, Pipelines []string
	Last               int
	Chart              markup.HTML
	Lines              []historyLine // newest first
}

type historyLine struct {
	runlog.Summary
	Pipeline string
	Figure   *compare.Figure
	Change   string // difference from the pipeline's previous run
}

// trendLength is how many runs a trend has at most, unless more are asked for.
const trendLength = 100

func (s *Server) historyPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	v := &historyView{Metric: "fp_rate", Pipeline: q.Get("pipeline"), Last: trendLength}
	if m := q.Get("metric"); m != "" {
		v.Metric = metric.Canonical(m)
	}
	if n := number(r, "last"); n > 0 {
		v.Last = n
	}
	all, err := s.runs()
	if err != nil {
		return err
	}
	v.offer(all)
	runs := all
	if !runlog.InSummary(v.Metric) { // then the records have it
		if runs, _, err = runlog.History(s.Store, v.Last, []string{v.Metric}, v.wants); err != nil {
			return err
		}
	}
	v.collect(runs)
	v.draw()
	return s.page(w, http.StatusOK, frame{Title: "History", At: "/history", Body: body(drawHistory, v)})
}

func (v *historyView) wants(run runlog.Summary) bool {
	return v.Pipeline == "" || slices.ContainsFunc(run.Pipelines, func(p runlog.PipelineSummary) bool { return p.Name == v.Pipeline })
}

// offer lists what can be chosen.
func (v *historyView) offer(all []runlog.Summary) {
	metrics, pipelines := map[string]bool{v.Metric: true}, map[string]bool{}
	for _, run := range all {
		for _, p := range run.Pipelines {
			pipelines[p.Name] = true
			for m := range p.Figures {
				metrics[m] = true
			}
		}
	}
	v.Metrics, v.Pipelines = slices.Sorted(maps.Keys(metrics)), slices.Sorted(maps.Keys(pipelines))
	for _, m := range metric.Names() {
		if !metrics[m] {
			v.Metrics = append(v.Metrics, m)
		}
	}
}

// collect makes a line for each pipeline of the newest runs that measured the metric.
func (v *historyView) collect(runs []runlog.Summary) {
	shown := 0
	for _, run := range runs {
		if shown == v.Last {
			break
		}
		has := false
		for _, p := range run.Pipelines {
			f, ok := p.Figures[v.Metric]
			if !ok || v.Pipeline != "" && p.Name != v.Pipeline {
				continue
			}
			has = true
			v.Lines = append(v.Lines, historyLine{Summary: run, Pipeline: p.Name, Figure: &f})
		}
		if has {
			shown++
		}
	}
	before := map[string]*historyLine{}
	for i := len(v.Lines) - 1; i >= 0; i-- {
		l := &v.Lines[i]
		if b := before[l.Pipeline]; b != nil && b.Figure.Value != l.Figure.Value {
			l.Change = "up"
			if l.Figure.Value < b.Figure.Value {
				l.Change = "down"
			}
		}
		before[l.Pipeline] = l
	}
}

func (v *historyView) draw() {
	var labels, order []string
	lines, last := map[string][]render.Point{}, ""
	for _, l := range slices.Backward(v.Lines) {
		if l.ID != last {
			last = l.ID
			labels = append(labels, axisLabel(l.Git, l.Summary))
		}
		if lines[l.Pipeline] == nil {
			order = append(order, l.Pipeline)
		}
		lines[l.Pipeline] = append(lines[l.Pipeline], render.Point{At: len(labels) - 1, Value: l.Figure.Value})
	}
	slices.Sort(order)
	v.Chart = render.Trend(v.Metric, order, lines, labels)
}

// axisLabel is the label below a run: its commit, otherwise its day.
func axisLabel(g record.Git, s runlog.Summary) string {
	if g.Revision != "" {
		return g.Revision[:min(len(g.Revision), 7)]
	}
	return s.Started.Local().Format("01-02")
}
