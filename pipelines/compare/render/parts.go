package render

import (
	"context"
	"html/template"
	"io"
	"math"
	"strings"
	"sync"

	"rein/pipelines/compare"
)

// The page's parts, for pages that are alive: HTML puts them all into one file.

// Style is the style sheet of all parts.
func Style() string { return pageStyle }

// Script is what hides, orders and filters in a report.
func Script() string { return pageScript }

// Report writes what HTML's page has in its body, for a page that has a head of its own.
func Report(ctx context.Context, w io.Writer, of *compare.Result, o Options) error {
	p, err := newPage(ctx, of, o)
	if err != nil {
		return err
	}
	return parts().ExecuteTemplate(w, "live", p)
}

// parts are the parsed templates.
var parts = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(functions).Parse(pageSource))
})

// Steps draws the steps of a pipeline as boxes; data-step of a box is NAME/STEP.
func Steps(name string, steps []compare.Timing) (template.HTML, error) {
	g := newStepGraph(name, steps)
	return drawn("graph", &g)
}

// Point is a figure of one run.
type Point struct {
	At    int // place on the axis
	Value float64
}

// Trend draws a metric over runs, a line for each name of the order; labels are those of the places on the axis.
func Trend(metric string, order []string, lines map[string][]Point, labels []string) (template.HTML, error) {
	x := axis{"runs, the oldest first", 0, float64(max(len(labels)-1, 1)), func(v float64) string {
		if i := int(math.Round(v)); math.Abs(v-float64(i)) < 1e-6 && i < len(labels) {
			return labels[i]
		}
		return ""
	}}
	y := axis{label(metric), math.Inf(1), math.Inf(-1), nil}
	var all []series
	for i, name := range order {
		s := series{name: name, class: trendClass(i), dots: true}
		for _, p := range lines[name] {
			s.points = append(s.points, [2]float64{float64(p.At), p.Value})
			y.lo, y.hi = min(y.lo, p.Value), max(y.hi, p.Value)
		}
		all = append(all, s)
	}
	if y.lo > y.hi {
		return "", nil
	}
	if isRate(metric) {
		y.format = wholePercent
	}
	if pad := 0.05 * (y.hi - y.lo); pad > 0 {
		y.lo, y.hi = y.lo-pad, y.hi+pad
	} else {
		y.lo, y.hi = y.lo-math.Abs(y.lo)/2-1e-9, y.hi+math.Abs(y.hi)/2+1e-9
	}
	if y.format == nil {
		y.format = spaced(y.lo, y.hi)
	}
	return drawn("trend", struct {
		Chart chart
		Keys  []key
	}{newChart("trend", label(metric), "What each run measured.", x, y, all), trendKeys(order)})
}

// trendClass is the colour of the i-th line.
func trendClass(i int) string { return "c" + string(rune('1'+i%6)) }

func trendKeys(order []string) []key {
	var out []key
	for i, name := range order {
		out = append(out, key{name, trendClass(i)})
	}
	return out
}

func drawn(name string, data any) (template.HTML, error) {
	var b strings.Builder
	err := parts().ExecuteTemplate(&b, name, data)
	return template.HTML(b.String()), err
}

// Odds is what a fall of the log-odds divides the odds by.
func Odds(fall float64) string { return odds(fall) }
