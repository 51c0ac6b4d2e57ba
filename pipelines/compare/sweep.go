package compare

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Sweep is a strategy at several values of its variables, and what each variable does.
type Sweep struct {
	Of           string              `json:"of"` // the swept strategy
	Design       string              `json:"design"`
	Variables    []string            `json:"variables"`
	Points       map[string][]string `json:"points"`          // by the name of a strategy: its values, in the order of Variables
	Seeds        map[string]int      `json:"seeds,omitempty"` // by the name of a strategy: its seed, where each point has several
	Race         *Race               `json:"race,omitempty"`  // how a race went
	Effects      []Effect            `json:"effects,omitempty"`
	Interactions []Interaction       `json:"interactions,omitempty"`
	Dropped      []string            `json:"may_be_dropped,omitempty"` // points with a value that is shown to be worse than its variable's best
}

// Effect is what one variable does to a metric, averaged over the values of the others.
type Effect struct {
	Variable string  `json:"variable"`
	Metric   string  `json:"metric"`
	Levels   []Level `json:"levels"`
	Best     string  `json:"best"`
}

// Level is one value of a variable: the mean of the metric over the points that have it, and its difference from the best value.
type Level struct {
	Value      string     `json:"value"`
	Figure     Figure     `json:"figure"`     // 95% interval over rows; over sources where those are new
	Difference Figure     `json:"difference"` // from the best value, adjusted for the number of pairs of values
	Conclusion Conclusion `json:"code"`       // Best, Worse or NotShown
}

// Best is the conclusion on the value that the others are compared with.
const Best Conclusion = "best"

// Interaction is a pair of variables of which one changes what the other does.
type Interaction struct {
	Variables  [2]string `json:"variables"`
	Metric     string    `json:"metric"`
	Difference Figure    `json:"difference"` // how much the effect of the first (last value less first) changes with the second
}

// sweep finds the effects of each sweep that the comparison has.
func (r *Result) sweep(ctx context.Context) {
	for i := range r.Sweeps {
		s := &r.Sweeps[i]
		if s.Race != nil {
			r.dropped(s)
		}
		for _, q := range questions {
			for _, m := range []struct {
				metric    string
				malicious bool
				rate      float64
			}{{Decisive, true, decisiveRate}, {"fp_rate", false, 0}, {"tp_rate", true, 0}} {
				d, ok := r.design(ctx, s, q.set, m.malicious, m.rate)
				if !ok {
					continue
				}
				d.lower = !m.malicious
				s.effects(d, q.prefix+m.metric)
			}
		}
		r.asMeasured(s)
		s.dropWorse(r.Basis() + Decisive)
	}
}

// asMeasured gives a value that a single point has that point's own figure: it stands in the point's column, too, and has one interval.
func (r *Result) asMeasured(s *Sweep) {
	for _, e := range s.Effects {
		at := slices.Index(s.Variables, e.Variable)
		for i := range e.Levels {
			l := &e.Levels[i]
			var with []string
			for name, values := range s.Points {
				if values[at] == l.Value {
					with = append(with, name)
				}
			}
			if len(with) != 1 || r.Strategy(with[0]) == nil {
				continue
			}
			if f, ok := r.Strategy(with[0]).Measured[e.Metric]; ok && math.Abs(f.Value-l.Figure.Value) < 1e-9 {
				l.Figure = f
			}
		}
	}
}

// byNumber orders values as numbers where they are, else as text.
func byNumber(a, b string) int {
	var x, y float64
	_, errX := fmt.Sscanf(a, "%g", &x)
	_, errY := fmt.Sscanf(b, "%g", &y)
	if errX == nil && errY == nil && x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

// effects adds what each variable does to a metric, and which pairs of variables act on each other.
func (s *Sweep) effects(d design, metric string) {
	for v, name := range s.Variables {
		if len(d.levels[v]) < 2 {
			continue
		}
		s.Effects = append(s.Effects, d.effect(v, name, metric))
	}
	pairs := len(s.Variables) * (len(s.Variables) - 1) / 2
	for v := range s.Variables {
		for w := v + 1; w < len(s.Variables); w++ {
			if f, ok := d.interaction(v, w, pairs); ok && (*f.Low > 0 || *f.High < 0) {
				s.Interactions = append(s.Interactions, Interaction{[2]string{s.Variables[v], s.Variables[w]}, metric, f})
			}
		}
	}
}

// effect compares a variable's values, each row with itself.
func (d *design) effect(v int, name, metric string) Effect {
	e := Effect{Variable: name, Metric: metric}
	means := make([][]float64, len(d.levels[v]))
	best := 0
	for l, value := range d.levels[v] {
		means[l] = d.mean(func(point []int) bool { return point[v] == l })
		f := d.estimate(means[l], 1).within(0, 1)
		e.Levels = append(e.Levels, Level{Value: value, Figure: f})
		if b := e.Levels[best].Figure.Value; d.lower && f.Value < b || !d.lower && f.Value > b {
			best = l
		}
	}
	e.Best = d.levels[v][best]
	pairs := len(d.levels[v]) * (len(d.levels[v]) - 1) / 2 // any two could have turned out to be the best and the worst
	for l := range e.Levels {
		x := &e.Levels[l]
		if l == best {
			x.Conclusion = Best
			zero := 0.0
			x.Difference = Figure{Low: &zero, High: &zero}
			continue
		}
		x.Difference = d.estimate(minus(means[l], means[best]), pairs)
		x.Conclusion = NotShown
		if d.lower && *x.Difference.Low > 0 || !d.lower && *x.Difference.High < 0 {
			x.Conclusion = Worse
		}
	}
	return e
}

// within is a figure whose interval ends where the figure can't be.
func (f Figure) within(low, high float64) Figure {
	l, h := max(*f.Low, low), min(*f.High, high)
	f.Low, f.High = &l, &h
	return f
}

// interaction is how much the effect of one variable (last value less first) changes from the other's first value to its last. Not
// ok where the design lacks one of the four.
func (d *design) interaction(v, w, pairs int) (Figure, bool) {
	lastV, lastW := len(d.levels[v])-1, len(d.levels[w])-1
	if lastV < 1 || lastW < 1 {
		return Figure{}, false
	}
	var corner [2][2][]float64
	for i, a := range []int{0, lastV} {
		for j, b := range []int{0, lastW} {
			if corner[i][j] = d.mean(func(p []int) bool { return p[v] == a && p[w] == b }); corner[i][j] == nil {
				return Figure{}, false
			}
		}
	}
	return d.estimate(minus(minus(corner[1][1], corner[0][1]), minus(corner[1][0], corner[0][0])), pairs), true
}

// dropWorse names the points that may be dropped: they have a value that is shown to be worse on a metric.
func (s *Sweep) dropWorse(metric string) {
	for _, e := range s.Effects {
		for _, l := range e.Levels {
			if e.Metric == metric && l.Conclusion == Worse {
				s.drop(e.Variable, l.Value)
			}
		}
	}
}

// drop marks the points that have a value.
func (s *Sweep) drop(variable, value string) {
	at := slices.Index(s.Variables, variable)
	for name, values := range s.Points {
		if values[at] == value && !slices.Contains(s.Dropped, name) {
			s.Dropped = append(s.Dropped, name)
		}
	}
	slices.Sort(s.Dropped)
}
