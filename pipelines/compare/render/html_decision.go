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
	Class string // "wide" or "narrow": which screens it is for
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
	End                    bool   // the label ends at LabelX
	Leader                 string // the path from the point to a label that stands apart from it
}

const (
	leastRate   = 1e-4 // of the axis, where every rate is higher
	labelHeight = 14.0
)

// decisions are the chart as a wide screen and as a phone shows it; none where no column has both rates.
func (r result) decisions() []*decision {
	points, lo, hi := r.decisionPoints()
	if len(points) == 0 {
		return nil
	}
	return []*decision{r.decisionChart("wide", 760, 420, points, lo, hi), r.decisionChart("narrow", 345, 400, points, lo, hi)}
}

// decisionPoint is a column on one question.
type decisionPoint struct {
	name     string
	fp, hits compare.Figure
	isNew    bool
}

// decisionPoints are all points, and the ends of their axis of FP rates.
func (r result) decisionPoints() (points []decisionPoint, lo, hi float64) {
	lo, hi = leastRate, 0.02
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
			points = append(points, decisionPoint{name, fp, tp, prefix == compare.New})
			hi = max(hi, 1.3*fp.Value, *cmp.Or(fp.High, &fp.Value))
			if fp.Value > 0 {
				lo = min(lo, fp.Value/1.5)
			}
		}
	}
	return points, lo, min(hi, 1)
}

func (r result) decisionChart(class string, width, height float64, points []decisionPoint, lo, hi float64) *decision {
	d := &decision{Class: class, chart: chart{ID: "decision-" + class, Title: "The decision", W: width, H: height, Left: marginLeft, Top: marginTop, PlotW: width - marginLeft - marginRight,
		PlotH: height - marginTop - marginBottom, XLabel: "FP rate at the model's threshold (logarithmic)", YLabel: "recall",
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

// What a name's place costs: on another name or a point it can't be read, on a line it can, and far from its point it has to be
// looked for.
const (
	costName, costPoint, costLine, costLeft = 1000.0, 400.0, 7.0, 4.0
	mostLabelShift                          = 9 // half lines up or down
)

// label puts the names beside the points, each where it costs least.
func (d *decision) label() {
	order := make([]int, len(d.Marks))
	var points, lines, names []rectangle
	for i, m := range d.Marks {
		order[i] = i
		points = append(points, rectangle{m.X - 6, m.Y - 6, 12, 12})
		lines = append(lines, rectangle{m.Left, m.Y - 1, m.Right - m.Left, 2}, rectangle{m.X - 1, m.High, 2, m.Low - m.High})
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.Marks[a].Y, d.Marks[b].Y) })
	for _, i := range order {
		m := &d.Marks[i]
		width := letterWidth * float64(len([]rune(m.Name)))
		best, least := rectangle{}, math.Inf(1)
		for _, end := range []bool{false, true} {
			for shift := -mostLabelShift; shift <= mostLabelShift; shift++ {
				at := rectangle{m.X + 9, m.Y - labelHeight/2 + float64(shift)*labelHeight/2, width, labelHeight}
				cost := math.Abs(float64(shift)) * 2
				if end {
					at.X = m.X - 9 - width
					cost += costLeft
				}
				cost += costName*at.hits(names) + costPoint*at.hits(points) + costLine*at.hits(lines)
				if at.X < d.Left || at.X+width > d.Left+d.PlotW || at.Y < d.Top || at.Y+labelHeight > d.Top+d.PlotH {
					cost += 10 * costName
				}
				if cost < least {
					best, least, m.End = at, cost, end
				}
			}
		}
		names = append(names, best)
		m.LabelX, m.LabelY = best.X, best.Y+labelHeight-3
		if m.End {
			m.LabelX += width
		}
		if middle := best.Y + labelHeight/2; math.Abs(middle-m.Y) > labelHeight {
			m.Leader = fmt.Sprintf("M%.1f %.1fL%.1f %.1f", m.X, m.Y, m.LabelX, middle)
		}
	}
}

// hits counts the rectangles that overlap with this one.
func (a rectangle) hits(list []rectangle) float64 {
	n := 0.0
	for _, b := range list {
		if a.overlaps(b) {
			n++
		}
	}
	return n
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
			w := newWhiskers("forest-"+f.metric, f.title, "The difference on the same rows, with its 95% interval; on the line there is none.", "difference in percentage points", inPoints, groups)
			out = append(out, w)
		}
	}
	return out
}
