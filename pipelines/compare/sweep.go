package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// Sweep is a strategy at several values of its variables, and what each variable does.
type Sweep struct {
	Of           string              `json:"of"` // the swept strategy
	Design       string              `json:"design"`
	Variables    []string            `json:"variables"`
	Points       map[string][]string `json:"points"` // by the name of a strategy: its values, in the order of Variables
	Effects      []Effect            `json:"effects,omitempty"`
	Interactions []Interaction       `json:"interactions,omitempty"`
	Dropped      []string            `json:"may_be_dropped,omitempty"` // points with a value that is shown to be worse than its variable's best
	Answers      []string            `json:"answers,omitempty"`        // the effects on the decisive metric in words
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
	Difference Figure     `json:"difference"` // from the best value, adjusted for the number of values
	Conclusion Conclusion `json:"-"`          // Best, Worse or NotShown; JSON has its words
}

// MarshalJSON writes the conclusion in words.
func (l Level) MarshalJSON() ([]byte, error) {
	type plain Level
	return json.Marshal(struct {
		plain
		Said string `json:"conclusion"`
	}{plain(l), l.Conclusion.String()})
}

// Best is the conclusion on the value that the others are compared with.
const Best Conclusion = "best"

// Interaction is a pair of variables of which one changes what the other does.
type Interaction struct {
	Variables  [2]string `json:"variables"`
	Metric     string    `json:"metric"`
	Difference Figure    `json:"difference"` // how much the effect of the first (last value less first) changes with the second
}

// design is what is needed to tell effects: which level of each variable a point has, and what each point scored on each row.
type design struct {
	levels   [][]string  // by variable: its values, in the order of their numbers or as they came
	points   [][]int     // by point: the level of each variable
	outcomes [][]float64 // by point: the rows' outcomes, 1 for flagged
	clusters []int       // by row: its cluster; nil: each row is one
	lower    bool        // a lower mean is better
}

// sweep finds the effects of each sweep that the comparison has.
func (r *Result) sweep() {
	for i := range r.Sweeps {
		s := &r.Sweeps[i]
		for _, q := range questions {
			for _, m := range []struct {
				metric    string
				malicious bool
				rate      float64
			}{{Decisive, true, 0.01}, {"fp_rate", false, 0}, {"tp_rate", true, 0}} {
				d, ok := r.design(s, q.set, m.malicious, m.rate)
				if !ok {
					continue
				}
				d.lower = !m.malicious
				s.effects(d, q.prefix+m.metric)
			}
		}
		s.answer(r.Basis() + Decisive)
	}
}

// design gathers the points' outcomes on one set of rows; not ok where a point has none, or other rows.
func (r *Result) design(s *Sweep, set string, malicious bool, rate float64) (design, bool) {
	d := design{levels: make([][]string, len(s.Variables))}
	for v := range s.Variables {
		for _, values := range s.Points {
			if !slices.Contains(d.levels[v], values[v]) {
				d.levels[v] = append(d.levels[v], values[v])
			}
		}
		slices.SortFunc(d.levels[v], byNumber)
	}
	data := ""
	for _, x := range r.Strategies {
		values, ok := s.Points[x.Name]
		run := r.detail[x.Name]
		if !ok {
			continue
		}
		if run == nil || run.scores == nil || run.report == nil || run.scores.sets[set] == nil || run.report.Sets[set] == nil {
			return d, false
		}
		if data == "" {
			data = run.report.Sets[set].Data
			d.clusters = sourcesOf(run.scores.path, set, malicious)
		}
		flags := run.side(run.scores.sets[set]).flagsAt(malicious, rate)
		if run.report.Sets[set].Data != data || len(flags) == 0 || len(d.clusters) > 0 && len(d.clusters) != len(flags) {
			return d, false
		}
		var point []int
		for v := range s.Variables {
			point = append(point, slices.Index(d.levels[v], values[v]))
		}
		d.points, d.outcomes = append(d.points, point), append(d.outcomes, numbers(flags))
	}
	if set != stats.NewSources {
		d.clusters = nil // own traffic's sources are what they are: none is drawn
	}
	return d, len(d.points) == len(s.Points) && len(d.points) > 1
}

// flagsAt are a label's rows as the model decides them: at its own threshold or, with a rate, attacks at the one that has this FP
// rate on the benign rows.
func (s *side) flagsAt(malicious bool, rate float64) []bool {
	switch {
	case rate == 0:
		return s.flags(malicious)
	case len(s.benign) == 0:
		return nil
	}
	return s.recalled(rate)
}

func numbers(flags []bool) []float64 {
	out := make([]float64, len(flags))
	for i, f := range flags {
		if f {
			out[i] = 1
		}
	}
	return out
}

// sourcesOf numbers the sources of a set's rows of one label, in their order; nil where they can't be read.
func sourcesOf(path, set string, malicious bool) []int {
	var out []int
	number := map[string]int{}
	for row, err := range (artifact.Scores{Path: path}).All() {
		if err != nil {
			return nil
		}
		if row.Set != set || (row.Label == artifact.Malicious) != malicious {
			continue
		}
		if _, ok := number[row.Source]; !ok {
			number[row.Source] = len(number)
		}
		out = append(out, number[row.Source])
	}
	return out
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
		f := d.estimate(means[l], stats.Z95)
		e.Levels = append(e.Levels, Level{Value: value, Figure: f})
		if b := e.Levels[best].Figure.Value; d.lower && f.Value < b || !d.lower && f.Value > b {
			best = l
		}
	}
	e.Best = d.levels[v][best]
	z := adjusted(len(d.levels[v]) - 1)
	for l := range e.Levels {
		x := &e.Levels[l]
		if l == best {
			x.Conclusion = Best
			zero := 0.0
			x.Difference = Figure{Low: &zero, High: &zero}
			continue
		}
		x.Difference = d.estimate(minus(means[l], means[best]), z)
		x.Conclusion = NotShown
		if d.lower && *x.Difference.Low > 0 || !d.lower && *x.Difference.High < 0 {
			x.Conclusion = Worse
		}
	}
	return e
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
	return d.estimate(minus(minus(corner[1][1], corner[0][1]), minus(corner[1][0], corner[0][0])), adjusted(pairs)), true
}

// mean is the rows' mean outcome over the points that are in; nil without any.
func (d *design) mean(in func(point []int) bool) []float64 {
	var out []float64
	n := 0
	for i, p := range d.points {
		if !in(p) {
			continue
		}
		if out == nil {
			out = make([]float64, len(d.outcomes[i]))
		}
		for j, x := range d.outcomes[i] {
			out[j] += x
		}
		n++
	}
	for j := range out {
		out[j] /= float64(n)
	}
	return out
}

// estimate is the mean of the rows' values with an interval of z standard errors, over clusters where there are any.
func (d *design) estimate(rows []float64, z float64) Figure {
	n := float64(len(rows))
	mean := 0.0
	for _, x := range rows {
		mean += x / n
	}
	var squares, groups float64
	if d.clusters == nil {
		for _, x := range rows {
			squares += (x - mean) * (x - mean)
		}
		groups = n
	} else {
		sums := map[int]float64{}
		for i, x := range rows {
			sums[d.clusters[i]] += x - mean
		}
		for _, s := range sums {
			squares += s * s
		}
		groups = float64(len(sums))
	}
	half := math.Inf(1)
	if groups > 1 {
		half = z * math.Sqrt(squares*groups/(groups-1)) / n
	}
	low, high := mean-half, mean+half
	if math.IsInf(half, 1) {
		low, high = -1, 1
	}
	return Figure{Value: mean, Low: &low, High: &high}
}

func minus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
	}
	return out
}

// adjusted is the number of standard errors of a 95% statement on n differences at once (Bonferroni).
func adjusted(n int) float64 {
	return math.Sqrt2 * math.Erfinv(1-0.05/float64(max(n, 1)))
}

// answer says what was found on the decisive metric, and which points may be dropped.
func (s *Sweep) answer(metric string) {
	for _, e := range s.Effects {
		if e.Metric != metric {
			continue
		}
		var same, worse []string
		var best Level
		for _, l := range e.Levels {
			switch l.Conclusion {
			case Best:
				best = l
			case Worse:
				worse = append(worse, fmt.Sprintf("%s (%s)", l.Value, points(l.Difference)))
				s.drop(e.Variable, l.Value)
			default:
				same = append(same, l.Value)
			}
		}
		text := fmt.Sprintf("%s: %s has the best %s, %s.", e.Variable, best.Value, label(metric), withInterval(metric, best.Figure))
		if len(same) > 0 {
			text += fmt.Sprintf(" No clear difference from it: %s.", strings.Join(same, ", "))
		}
		if len(worse) > 0 {
			text += fmt.Sprintf(" Shown to be worse: %s.", strings.Join(worse, "; "))
		}
		s.Answers = append(s.Answers, text)
	}
	for _, x := range s.Interactions {
		if x.Metric == metric {
			s.Answers = append(s.Answers, fmt.Sprintf("What %s does depends on %s: its effect on %s changes by %s.", x.Variables[0], x.Variables[1], label(metric), points(x.Difference)))
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
