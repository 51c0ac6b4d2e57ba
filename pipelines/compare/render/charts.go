package render

import (
	"fmt"
	"math"
	"strings"

	"rein/pipelines/compare"
)

// Charts are drawn as SVG by the templates; here their coordinates are worked out. Colours are CSS classes c0, c1, ... so that
// one drawing serves light, dark and paper.

// chart is a plot of lines on two linear axes.
type chart struct {
	ID, Title, Desc string
	XLabel, YLabel  string
	Lines           []plotLine
	XTicks, YTicks  []tick
	Diagonal        string // path of the line of reference; "" for none
	W, H            float64
	Left, Top       float64
	PlotW, PlotH    float64
}

type plotLine struct {
	Name  string
	Class string // c0 to c7
	Dash  bool
	Path  string
	Dots  [][2]float64
}

type tick struct {
	At   float64
	Text string
}

// series is a line before it is scaled.
type series struct {
	name   string
	class  string
	dash   bool
	dots   bool
	points [][2]float64
}

// axis is a range and how its ticks read.
type axis struct {
	label  string
	lo, hi float64
	format func(float64) string
}

const (
	chartW, chartH           = 460.0, 320.0
	marginLeft, marginBottom = 58.0, 46.0
	marginTop, marginRight   = 12.0, 24.0
	wantedTicks              = 5
	decimals                 = 1 // of coordinates: keeps the file small
)

func newChart(id, title, desc string, x, y axis, lines []series) chart {
	left := marginLeft
	for _, v := range ticks(y.lo, y.hi) { // between the axis and its label
		left = max(left, 32+tickWidth*float64(len(y.format(v))))
	}
	c := chart{ID: id, Title: title, Desc: desc, XLabel: x.label, YLabel: y.label, W: chartW, H: chartH, Left: left, Top: marginTop,
		PlotW: chartW - left - marginRight, PlotH: chartH - marginTop - marginBottom}
	for _, v := range ticks(x.lo, x.hi) {
		c.XTicks = append(c.XTicks, tick{c.x(x, v), x.format(v)})
	}
	for _, v := range ticks(y.lo, y.hi) {
		c.YTicks = append(c.YTicks, tick{c.y(y, v), y.format(v)})
	}
	for _, l := range lines {
		c.Lines = append(c.Lines, c.line(x, y, l))
	}
	return c
}

func (c *chart) x(a axis, v float64) float64 { return c.Left + c.PlotW*(v-a.lo)/(a.hi-a.lo) }
func (c *chart) y(a axis, v float64) float64 { return c.Top + c.PlotH*(1-(v-a.lo)/(a.hi-a.lo)) }

// line scales a series; what is beyond the x axis is cut where it crosses the edge.
func (c *chart) line(x, y axis, s series) plotLine {
	l := plotLine{Name: s.name, Class: s.class, Dash: s.dash}
	var b strings.Builder
	var last [2]float64
	for i, p := range s.points {
		beyond := p[0] > x.hi
		if beyond && i > 0 && last[0] < x.hi {
			p = [2]float64{x.hi, last[1] + (p[1]-last[1])*(x.hi-last[0])/(p[0]-last[0])}
		} else if beyond {
			break
		}
		px, py := c.x(x, p[0]), c.y(y, math.Max(y.lo, math.Min(y.hi, p[1])))
		command := "L"
		if b.Len() == 0 {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%s %s", command, coordinate(px), coordinate(py))
		if s.dots {
			l.Dots = append(l.Dots, [2]float64{px, py})
		}
		if last = p; beyond {
			break
		}
	}
	l.Path = b.String()
	return l
}

func (c *chart) diagonal() {
	c.Diagonal = fmt.Sprintf("M%g %gL%g %g", c.Left, c.Top+c.PlotH, c.Left+c.PlotW, c.Top)
}

func coordinate(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.*f", decimals, v), ".0")
}

// ticks are round values within a range.
func ticks(lo, hi float64) []float64 {
	if !(hi > lo) {
		return nil
	}
	raw := (hi - lo) / wantedTicks
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= raw {
			step *= m
			break
		}
	}
	var out []float64
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step; i++ {
		out = append(out, i*step+0) // never -0
	}
	return out
}

// whiskers is a chart of estimates with intervals: one block a group, one line a column. It is as wide as the screen has room for, so
// names stand above their marks, and places along the axis are percents of the width.
type whiskers struct {
	ID, Title, Desc string
	XLabel          string
	XTicks          []tick
	Groups          []whiskerGroup
	H, Bottom       float64
	Zero            float64 // where no difference is; 0: the axis begins there
}

type whiskerGroup struct {
	Name  string
	Note  string // rows
	Y     float64
	Under bool // the note has no room beside the name
	Marks []whisker
}

type whisker struct {
	Name, Class, Text string
	Y, X, Low, High   float64
	Beyond            bool // the interval reaches over the end of the axis
}

// estimate is one mark before it is scaled.
type estimate struct {
	name, class string
	f           compare.Figure
}

type estimates struct {
	name, note string
	rows       int
	marks      []estimate
}

const (
	whiskerInset = 5.0 // percent of the width, at both ends of the axis
	tickWidth    = 6.6 // of a tick's letter, about
	letterWidth  = 7.4 // of a name's letter, about
	longestName  = 38  // that a phone has room for
	whiskerLine  = 13.0
	whiskerName  = 16.0
	whiskerGap   = 10.0
)

func newWhiskers(id, title, desc, xlabel string, format func(float64) string, groups []estimates) whiskers {
	w := whiskers{ID: id, Title: title, Desc: desc, XLabel: xlabel}
	low, top := scaleOf(groups)
	x := func(v float64) float64 {
		return whiskerInset + (100-2*whiskerInset)*(max(low, min(v, top))-low)/(top-low)
	}
	for _, v := range ticks(low, top) {
		w.XTicks = append(w.XTicks, tick{x(v), format(v)})
	}
	if low < 0 {
		w.Zero = x(0)
	}
	y := whiskerName
	for _, g := range groups {
		name := []rune(g.name)
		if len(name) > longestName {
			name = append([]rune("…"), name[len(name)-longestName:]...)
		}
		out := whiskerGroup{Name: string(name), Note: g.note, Y: y, Under: len(name)+1+len([]rune(g.note)) > longestName}
		if y += whiskerLine; out.Under {
			y += whiskerLine
		}
		for _, m := range g.marks {
			mark := whisker{Name: m.name, Class: m.class, Text: m.name + ": " + withInterval("rate", m.f), Y: y, X: x(m.f.Value), Low: x(m.f.Value), High: x(m.f.Value)}
			if m.f.Low != nil && m.f.High != nil {
				mark.Low, mark.High, mark.Beyond = x(*m.f.Low), x(*m.f.High), *m.f.High > top
			}
			out.Marks = append(out.Marks, mark)
			y += whiskerLine
		}
		w.Groups = append(w.Groups, out)
		y += whiskerGap
	}
	w.Bottom, w.H = y-whiskerGap, y-whiskerGap+40
	return w
}

// muchData is how many rows a group needs for the ends of its intervals to set the axis: one of few rows would squeeze the others.
const muchData = 100

// scaleOf is the range of an axis that all values fit on, and the intervals of the groups with enough rows.
func scaleOf(groups []estimates) (low, top float64) {
	for _, g := range groups {
		for _, m := range g.marks {
			low, top = min(low, m.f.Value), max(top, m.f.Value)
			if m.f.Low != nil && m.f.High != nil && (g.rows >= muchData || len(groups) == 1) {
				low, top = min(low, *m.f.Low), max(top, *m.f.High)
			}
		}
	}
	return low * 1.04, min(1, max(top*1.04, 1e-4))
}

// histogram is threat scores of two classes; heights are logarithmic, so that the rare ones are seen.
type histogram struct {
	ID, Title, Desc string
	Bars            []bar
	XTicks, YTicks  []tick
	Threshold       float64
	W, H, Base      float64
}

type bar struct {
	X, Y, W, H float64
	Class      string
	Text       string
}

func newHistogram(id, title, desc string, counts map[string][]int, threshold float64) histogram {
	h := histogram{ID: id, Title: title, Desc: desc, W: chartW, H: 210, Base: 170}
	most := 1
	for _, c := range counts {
		for _, n := range c {
			most = max(most, n)
		}
	}
	left, width := 46.0, chartW-60
	scale := func(n int) float64 { return 150 * math.Log10(1+float64(n)) / math.Log10(1+float64(most)) }
	for i, label := range []string{"benign", "malicious"} {
		bins := counts[label]
		each := width / float64(max(len(bins), 1))
		for b, n := range bins {
			if n > 0 {
				h.Bars = append(h.Bars, bar{left + each*float64(b) + float64(i)*each/2, h.Base - scale(n), each/2 - 0.4, scale(n), label,
					fmt.Sprintf("%s %s rows at %.2f to %.2f", count(float64(n)), label, float64(b)/float64(len(bins)), float64(b+1)/float64(len(bins)))})
			}
		}
	}
	for _, v := range ticks(0, 1) {
		h.XTicks = append(h.XTicks, tick{left + width*v, fmt.Sprintf("%.1f", v)})
	}
	for n := 1; n <= most; n *= 10 {
		h.YTicks = append(h.YTicks, tick{h.Base - scale(n), count(float64(n))})
	}
	h.Threshold = left + width*threshold
	return h
}
