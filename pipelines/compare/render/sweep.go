package render

import (
	"fmt"
	"strings"

	"rein/pipelines/compare"
	"rein/pipelines/human"
)

// sweepLines say what each swept variable does: the answer in words, then the figures of each value.
func (r result) sweepLines() []string {
	var out []string
	for _, s := range r.Sweeps {
		out = append(out, fmt.Sprintf("%s, %s (%s design)", s.Of, human.Many(len(s.Points), "point"), s.Design))
		out = append(out, answers(&s, r.Basis()+compare.Decisive)...)
		if s.Race != nil {
			out = append(out, raceLines(s.Race)...)
		}
		for _, e := range s.Effects {
			var parts []string
			for _, l := range e.Levels {
				parts = append(parts, l.Value+": "+levelText(e.Metric, l))
			}
			out = append(out, fmt.Sprintf("%s, %s: %s", e.Variable, label(e.Metric), strings.Join(parts, "; ")))
		}
		for _, x := range s.Interactions {
			if x.Metric != r.Basis()+compare.Decisive { // which the answers are about
				out = append(out, fmt.Sprintf("%s: what %s does to it depends on %s, by %s", label(x.Metric), x.Variables[0], x.Variables[1], points(x.Difference)))
			}
		}
		if len(s.Dropped) > 0 {
			out = append(out, "These points may be dropped: "+strings.Join(s.Dropped, ", ")+".")
		}
	}
	return out
}

// answers say what was found on a metric, of a race first how it ended.
func answers(s *compare.Sweep, metric string) (out []string) {
	if s.Race != nil {
		out = raceAnswers(s.Race)
	}
	for _, e := range s.Effects {
		if e.Metric == metric {
			out = append(out, effectWords(e))
		}
	}
	for _, x := range s.Interactions {
		if x.Metric == metric {
			out = append(out, fmt.Sprintf("What %s does depends on %s: its effect on %s changes by %s.", x.Variables[0], x.Variables[1], label(metric), points(x.Difference)))
		}
	}
	return out
}

// effectWords say which value of a variable is best, and what the others are beside it.
func effectWords(e compare.Effect) string {
	var same, worse []string
	var best compare.Level
	for _, l := range e.Levels {
		switch l.Conclusion {
		case compare.Best:
			best = l
		case compare.Worse:
			worse = append(worse, fmt.Sprintf("%s (%s)", l.Value, points(l.Difference)))
		default:
			same = append(same, l.Value)
		}
	}
	text := fmt.Sprintf("%s: %s has the best %s, %s.", e.Variable, best.Value, label(e.Metric), withInterval(e.Metric, best.Figure))
	if len(same) > 0 {
		text += fmt.Sprintf(" No clear difference from it: %s.", strings.Join(same, ", "))
	}
	if len(worse) > 0 {
		text += fmt.Sprintf(" Shown to be worse: %s.", strings.Join(worse, "; "))
	}
	return text
}

// raceAnswers say how a race ended.
func raceAnswers(r *compare.Race) (out []string) {
	var names []string
	for _, p := range r.Left() {
		names = append(names, p.Name)
	}
	all := r.Rounds * len(r.Points)
	out = append(out, fmt.Sprintf("Left of %d points: %s. The race did %d of the %d rounds that all points would take.", len(r.Points), strings.Join(names, ", "), r.Work, all))
	for _, p := range r.Points {
		if p.Lost != nil {
			out = append(out, fmt.Sprintf("%s was dropped after round %d: %s.", p.Name, p.Rounds, lossWords(r.Metric, *p.Lost)))
		}
	}
	if r.Stopped != "" {
		out = append(out, "The race ended early: "+r.Stopped+".")
	}
	return out
}

// lossWords say to whom a point of a race lost.
func lossWords(metric string, l compare.Loss) string {
	unit := "attack"
	if strings.HasPrefix(metric, compare.New) {
		unit = "new source"
	}
	return fmt.Sprintf("%s has a %s that is higher by %.1f points on %s", l.To, label(metric), 100*l.Difference, human.Many(l.Units, unit))
}

// raceLines are the points of a race: what each was measured to be until it was dropped.
func raceLines(r *compare.Race) (out []string) {
	for _, p := range r.Points {
		if p.Rounds > 0 {
			out = append(out, fmt.Sprintf("%s, %s: %s in %s", p.Name, label(r.Metric), Format(r.Metric, compare.Figure{Value: p.Figure}), human.Many(p.Rounds, "round")))
		}
	}
	return out
}

// levelText is a value's figure and what it is beside the best one.
func levelText(metric string, l compare.Level) string {
	text := withInterval(metric, l.Figure)
	switch l.Conclusion {
	case compare.Best:
		return text + ", best"
	case compare.Worse:
		return text + ", worse by " + points(l.Difference)
	}
	return text + ", no clear difference"
}

// sweepBar is a value of a swept variable on a chart: percentages of its width.
type sweepBar struct {
	Value, Text    string
	Low, At, Width float64
	Best, Worse    bool
}

// sweepChart is one variable's effect on one metric, as a chart has it.
type sweepChart struct {
	Variable, Metric string
	Bars             []sweepBar
}

// sweepCharts are the effects, each scaled to its own intervals.
func (r result) sweepCharts() []sweepChart {
	var out []sweepChart
	for _, s := range r.Sweeps {
		for _, e := range s.Effects {
			low, high := *e.Levels[0].Figure.Low, *e.Levels[0].Figure.High
			for _, l := range e.Levels {
				low, high = min(low, *l.Figure.Low), max(high, *l.Figure.High)
			}
			span := max(high-low, 1e-9)
			c := sweepChart{Variable: e.Variable, Metric: label(e.Metric)}
			for _, l := range e.Levels {
				f := l.Figure
				c.Bars = append(c.Bars, sweepBar{Value: l.Value, Text: levelText(e.Metric, l), Low: 100 * (*f.Low - low) / span,
					Width: 100 * (*f.High - *f.Low) / span, At: 100 * (f.Value - low) / span, Best: l.Conclusion == compare.Best, Worse: l.Conclusion == compare.Worse})
			}
			out = append(out, c)
		}
	}
	return out
}
