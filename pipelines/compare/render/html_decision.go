package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"rein/pipelines/compare"
)

// decision is the chart that a strategy is chosen by: recall against FP rate on a logarithmic axis, each column at its own
// threshold on both questions, with intervals and the area that the targets allow.
type decision struct {
	chart
	Box   *rectangle
	Marks []crossed
}

type rectangle struct{ X, Y, W, H float64 }

// crossed is a point with its two intervals.
type crossed struct {
	Name, Class, Text      string
	New                    bool // of new sources: drawn hollow
	X, Y                   float64
	Left, Right, Low, High float64
	LabelX, LabelY         float64
	End                    bool // the label ends at LabelX
}

const (
	decisionW, decisionH = 760.0, 420.0
	leastRate            = 1e-4 // of the axis, where every rate is higher
	labelHeight          = 14.0
)

// decisionChart is nil where no column has both rates.
func (r result) decisionChart() *decision {
	type point struct {
		name     string
		fp, hits compare.Figure
		isNew    bool
	}
	var points []point
	lo, hi := leastRate, 0.02
	for _, name := range r.Columns() {
		measured := r.Baseline.Measured
		if s := r.Strategy(name); s != nil {
			measured = s.Measured
		}
		for _, prefix := range []string{compare.Own, compare.New} {
			fp, tp, ok := compare.Both(measured, prefix+"fp_rate", prefix+"tp_rate")
			if !ok {
				continue
			}
			fp, tp = fp.OverSources(), tp.OverSources()
			points = append(points, point{name, fp, tp, prefix == compare.New})
			hi = max(hi, 1.3*fp.Value, *cmp.Or(fp.High, &fp.Value))
			if fp.Value > 0 {
				lo = min(lo, fp.Value/1.5)
			}
		}
	}
	if len(points) == 0 {
		return nil
	}
	hi = min(hi, 1)
	d := &decision{chart: chart{ID: "decision", Title: "The decision", W: decisionW, H: decisionH, Left: marginLeft, Top: marginTop, PlotW: decisionW - marginLeft - marginRight,
		PlotH: decisionH - marginTop - marginBottom, XLabel: "FP rate at the model's threshold (logarithmic)", YLabel: "recall",
		Desc: "Up and to the left is better. Filled: own traffic; hollow: new sources. Lines are 95% intervals; the shaded area is what the targets allow."}}
	x := func(v float64) float64 {
		return d.Left + d.PlotW*(math.Log(max(v, lo))-math.Log(lo))/(math.Log(hi)-math.Log(lo))
	}
	y := func(v float64) float64 { return d.Top + d.PlotH*(1-v) }
	for v := math.Pow(10, math.Ceil(math.Log10(lo)-1e-9)); v <= hi; v *= 10 {
		d.XTicks = append(d.XTicks, tick{x(v), wholePercent(v)})
	}
	for _, v := range ticks(0, 1) {
		d.YTicks = append(d.YTicks, tick{y(v), wholePercent(v)})
	}
	d.Box = r.allowed(x, y, d.Left)
	for _, p := range points {
		m := crossed{Name: p.name, Class: r.class(p.name), New: p.isNew, X: x(p.fp.Value), Y: y(p.hits.Value)}
		m.Left, m.Right, m.Low, m.High = m.X, m.X, m.Y, m.Y
		if p.fp.Low != nil && p.fp.High != nil {
			m.Left, m.Right = x(*p.fp.Low), x(min(*p.fp.High, hi))
		}
		if p.hits.Low != nil && p.hits.High != nil {
			m.Low, m.High = y(*p.hits.Low), y(*p.hits.High)
		}
		where := "own traffic"
		if p.isNew {
			where = "new sources"
		}
		m.Text = fmt.Sprintf("%s, %s: FP rate %s, recall %s", p.name, where, withInterval("fp_rate", p.fp), withInterval("tp_rate", p.hits))
		d.Marks = append(d.Marks, m)
	}
	d.label()
	return d
}

// allowed is the area within the strategies' targets; nil where they have no common one.
func (r result) allowed(x, y func(float64) float64, left float64) *rectangle {
	var most, least *float64
	for i, s := range r.Contenders() {
		e, floor := s.Targets["fp_rate"], s.Targets["tp_rate"]
		if e.AtMost == nil || i > 0 && *most != *e.AtMost {
			return nil
		}
		most, least = e.AtMost, floor.AtLeast
	}
	if most == nil {
		return nil
	}
	bottom := y(0)
	if least != nil {
		bottom = y(*least)
	}
	return &rectangle{left, y(1), x(*most) - left, bottom - y(1)}
}

// label puts the names beside the points, each where no other is.
func (d *decision) label() {
	order := make([]int, len(d.Marks))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(d.Marks[a].Y, d.Marks[b].Y) })
	var placed []rectangle // by their text's base line; points come first: names keep off them
	for _, m := range d.Marks {
		placed = append(placed, rectangle{m.X - 6, m.Y + 5, 12, 11})
	}
	for _, i := range order {
		m := &d.Marks[i]
		width := letterWidth * float64(len([]rune(m.Name)))
		m.LabelX, m.LabelY, m.End = m.X+9, m.Y+4, m.X+9+width > d.Left+d.PlotW
		if m.End {
			m.LabelX = m.X - 9
		}
		at := rectangle{m.LabelX, m.LabelY, width, labelHeight}
		if m.End {
			at.X -= width
		}
		for slices.ContainsFunc(placed, at.overlaps) {
			at.Y += labelHeight / 2
		}
		m.LabelY = at.Y
		placed = append(placed, at)
	}
}

func (a rectangle) overlaps(b rectangle) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// forests are the differences from the baseline in what decides, with intervals; those of new sources over sources.
func (r result) forests() []whiskers {
	var out []whiskers
	for _, f := range []struct{ metric, title string }{
		{compare.New + compare.Decisive, "Recall at 1% FP rate against the baseline, new sources"},
		{compare.Own + compare.Decisive, "Recall at 1% FP rate against the baseline, own traffic"},
		{compare.New + "fp_rate", "FP rate against the baseline, new sources"}, {compare.Own + "fp_rate", "FP rate against the baseline, own traffic"},
	} {
		var groups []estimates
		for _, s := range r.ranked() {
			t := r.TestOf(compare.BaselineName, s.Name, f.metric)
			if t == nil || t.Conclusion == compare.Incomparable {
				continue
			}
			d := t.Decided()
			words := view{r: r, s: s, measured: s.Measured}.testCell(t).Text
			groups = append(groups, estimates{name: s.Name, note: words, rows: t.Rows, marks: []estimate{{s.Name, r.class(s.Name), d}}})
		}
		if len(groups) > 0 {
			w := newWhiskers("forest-"+f.metric, f.title, "The difference on the same rows, with its 95% interval; on the line there is none.", "difference in points", groups)
			out = append(out, w)
		}
	}
	return out
}
