package render

import (
	"fmt"
	"maps"
	"math"
	"strings"

	"rein/pipelines/compare"
)

// Past is what an earlier run measured, or the newest one.
type Past struct {
	Commit  string                               // short, with a mark for uncommitted changes; the day where there is none
	Figures map[string]map[string]compare.Figure // by strategy and metric
}

// trendMetrics are the metrics whose history a comparison shows.
var trendMetrics = []string{compare.Decisive, "fp_rate"}

// history leaves out runs that say the same as the one before, and what isn't shown.
func (r result) history(past []Past) (out []Past) {
	for _, p := range past {
		shown := Past{Commit: p.Commit, Figures: map[string]map[string]compare.Figure{}}
		for _, s := range r.Strategies {
			for _, m := range trendMetrics {
				if f, ok := p.Figures[s.Name][m]; ok {
					if shown.Figures[s.Name] == nil {
						shown.Figures[s.Name] = map[string]compare.Figure{}
					}
					shown.Figures[s.Name][m] = compare.Figure{Value: f.Value}
				}
			}
		}
		last := len(out) - 1
		if len(shown.Figures) == 0 || last >= 0 && out[last].Commit == shown.Commit &&
			maps.EqualFunc(out[last].Figures, shown.Figures, maps.Equal[map[string]compare.Figure, map[string]compare.Figure]) {
			continue
		}
		out = append(out, shown)
	}
	return out
}

// mostTold is how many changes of a figure a line tells.
const mostTold = 6

// trendLines tell how each figure changed from commit to commit; a figure that never did has no line.
func (r result) trendLines(past []Past) (out []string) {
	past = r.history(past)
	for _, s := range r.Strategies {
		for _, m := range trendMetrics {
			var told []string
			last := ""
			for _, p := range past {
				f, ok := p.Figures[s.Name][m]
				if text := Format(m, f); ok && text != last {
					told, last = append(told, fmt.Sprintf("%s at %s", text, p.Commit)), text
				}
			}
			if n := len(told); n > 1 {
				out = append(out, fmt.Sprintf("%s, %s: %s", s.Name, label(m), strings.Join(told[max(0, n-mostTold):], ", then ")))
			}
		}
	}
	return out
}

// trendCharts draw each figure over the commits; none before there are two runs to draw.
func (r result) trendCharts(past []Past) (out []chart) {
	past = r.history(past)
	var commits []string
	for _, p := range past {
		commits = append(commits, p.Commit)
	}
	for _, m := range trendMetrics {
		drawn := 0
		var lines []series
		for _, s := range r.Strategies {
			line := series{name: s.Name, class: r.class(s.Name), dots: true}
			for i, p := range past {
				if f, ok := p.Figures[s.Name][m]; ok {
					line.points = append(line.points, [2]float64{float64(i), f.Value})
				}
			}
			if drawn = max(drawn, len(line.points)); len(line.points) > 0 {
				lines = append(lines, line)
			}
		}
		if drawn > 1 {
			out = append(out, trendChart(m, commits, lines))
		}
	}
	return out
}

// trendChart draws a metric over runs; their commits stand below them.
func trendChart(metric string, commits []string, lines []series) chart {
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		for _, p := range l.points {
			low, high = min(low, p[1]), max(high, p[1])
		}
	}
	room := 0.05 * (high - low)
	if isRate(metric) {
		room = max(room, 0.001)
	} else if room == 0 {
		room = max(math.Abs(high)/2, 0.001)
	}
	bottom := low - room
	if low >= 0 {
		bottom = max(0, bottom)
	}
	y := axis{label(metric), bottom, high + room, nil}
	y.format = func(v float64) string { return Format(metric, compare.Figure{Value: v}) }
	commit := func(v float64) string {
		if i := int(v); float64(i) == v && i < len(commits) {
			return commits[i]
		}
		return ""
	}
	return newChart("trend-"+metric, "Trend: "+label(metric), "In each run, oldest first, by commit; * is one with uncommitted changes.",
		axis{"commit", 0, float64(max(len(commits)-1, 1)), commit}, y, lines)
}
