package render

import (
	"context"
	"fmt"
	"io"

	"rein/pipelines/compare"
	"rein/pipelines/compare/render/markup"
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
	_, err = io.WriteString(w, drawn(drawLive, p))
	return err
}

// Steps draws the steps of a pipeline as boxes; data-step of a box is NAME/STEP.
func Steps(name string, steps []compare.Timing) markup.HTML {
	return markup.HTML(drawn(drawGraph, newStepGraph(name, steps)))
}

// Point is a figure of one run.
type Point struct {
	At    int // place among the commits
	Value float64
}

// Trend draws a metric over runs, a line for each name of the order; the runs' commits stand below them. Without a point it is empty.
func Trend(metric string, order []string, lines map[string][]Point, commits []string) markup.HTML {
	var all []series
	var keys []key
	for i, name := range order {
		s := series{name: name, class: fmt.Sprintf("c%d", 1+i%6), dots: true}
		for _, p := range lines[name] {
			s.points = append(s.points, [2]float64{float64(p.At), p.Value})
		}
		if len(s.points) > 0 {
			all, keys = append(all, s), append(keys, key{name, s.class})
		}
	}
	if len(all) == 0 {
		return ""
	}
	return markup.HTML(drawn(drawTrend, trend{trendChart(metric, commits, all), keys}))
}

// trend is a chart with its own legend.
type trend struct {
	Chart chart
	Keys  []key
}

// drawn draws data with a compiled template.
func drawn[T any](draw func(*markup.Writer, T), data T) string {
	var w markup.Writer
	draw(&w, data)
	return w.String()
}

// Odds is what a fall of the log-odds divides the odds by.
func Odds(fall float64) string { return odds(fall) }
