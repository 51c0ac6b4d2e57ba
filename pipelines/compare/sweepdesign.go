package compare

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// design is what is needed to tell effects: which level of each variable a point has, and what each point scored on each row.
type design struct {
	levels   [][]string  // by variable: its values, in the order of their numbers or as they came
	points   [][]int     // by point: the level of each variable
	outcomes [][]float64 // by point: the rows' outcomes, 1 for flagged; with several seeds those of each, one after the other
	clusters []int       // by row: its cluster; nil: each row is one
	seeds    []int       // by row: its seed; nil: there is one
	lower    bool        // a lower mean is better
}

// columns are the sweep's points in the order of names, each with its columns: one, or one for each seed.
func (s *Sweep) columns(names []string) (out [][]string) {
	at := map[string]int{}
	for _, name := range names {
		values, ok := s.Points[name]
		if !ok {
			continue
		}
		key := strings.Join(values, "\x00")
		i, had := at[key]
		if !had {
			i = len(out)
			at[key], out = i, append(out, nil)
		}
		out[i] = append(out[i], name)
	}
	return out
}

// design gathers the points' outcomes on one set of rows; not ok where a point has none, or other rows.
func (r *Result) design(ctx context.Context, s *Sweep, set string, malicious bool, rate float64) (design, bool) {
	d := design{levels: make([][]string, len(s.Variables))}
	for v := range s.Variables {
		for _, values := range s.Points {
			if !slices.Contains(d.levels[v], values[v]) {
				d.levels[v] = append(d.levels[v], values[v])
			}
		}
		slices.SortFunc(d.levels[v], byNumber)
	}
	columns := s.columns(r.Columns())
	if len(columns) < 2 || len(columns)*len(columns[0]) != len(s.Points) {
		return d, false
	}
	units := units{set: set, rows: len(columns[0]) == 1}
	data := make([]string, len(columns[0]))
	for _, names := range columns {
		var outcomes []float64
		for k, name := range names {
			flags, rows, ok := r.detail[name].decided(set, malicious, rate)
			if !ok || k >= len(data) {
				return d, false
			}
			if data[k] == "" {
				data[k] = rows
				if err := units.add(ctx, r.detail[name].scores.path, malicious, k); err != nil {
					return d, false
				}
			}
			if rows != data[k] {
				return d, false
			}
			outcomes = append(outcomes, numbers(flags)...)
		}
		if len(outcomes) != len(units.seeds) {
			return d, false
		}
		var point []int
		for v := range s.Variables {
			point = append(point, slices.Index(d.levels[v], s.Points[names[0]][v]))
		}
		d.points, d.outcomes = append(d.points, point), append(d.outcomes, outcomes)
	}
	d.clusters = units.clusters()
	if len(data) > 1 {
		d.seeds = units.seeds
	}
	return d, true
}

// decided is how a column decides a set's rows of one label, and which rows they are; not ok where it has none.
func (d *run) decided(set string, malicious bool, rate float64) (flags []bool, data string, ok bool) {
	if d == nil || d.scores == nil || d.report == nil || d.report.Sets[set] == nil {
		return nil, "", false
	}
	answers := d.scores.set(set)
	if answers == nil {
		return nil, "", false
	}
	flags = d.side(answers).flagsAt(malicious, rate)
	return flags, d.report.Sets[set].Data, len(flags) > 0
}

// units tells what was drawn: the sources where they are new ones, the rows where traffic is what it is. A row that several seeds
// report on is one.
type units struct {
	set   string
	rows  bool     // each row is there once
	names []string // by row
	seeds []int    // by row
}

// add takes the rows of one seed.
func (u *units) add(ctx context.Context, path string, malicious bool, seed int) error {
	return eachRow(ctx, path, u.set, func(row artifact.Scored) {
		if (row.Label == artifact.Malicious) == malicious {
			u.names, u.seeds = append(u.names, u.name(row)), append(u.seeds, seed)
		}
	})
}

// name is the unit of a row.
func (u *units) name(row artifact.Scored) string {
	if u.set == stats.NewSources {
		return row.Source
	}
	return row.ID + "\x00" + row.Text
}

// clusters numbers the units; nil where each row is one.
func (u *units) clusters() []int {
	if u.set != stats.NewSources && u.rows {
		return nil
	}
	number, out := map[string]int{}, make([]int, len(u.names))
	for i, name := range u.names {
		if _, ok := number[name]; !ok {
			number[name] = len(number)
		}
		out[i] = number[name]
	}
	return out
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

// estimate is the mean of the rows' values with an interval that is one of so many 95% statements at once (Bonferroni). It is over
// clusters where there are any, and over seeds: what chance does to both counts twice, so errors are on the safe side.
func (d *design) estimate(rows []float64, statements int) Figure {
	n := float64(len(rows))
	mean := 0.0
	for _, x := range rows {
		mean += x / n
	}
	v, df := d.overUnits(rows, mean)
	if d.seeds != nil {
		seeds, k := d.overSeeds(rows)
		v, df = v+seeds, min(df, k-1) // not Satterthwaite's: where few seeds happen to agree, it would believe them
	}
	half := math.Inf(1)
	if df >= 1 {
		half = stats.HalfWidth(v, df, alpha/float64(max(statements, 1)))
	}
	low, high := mean-half, mean+half
	if math.IsInf(half, 1) {
		low, high = -1, 1
	}
	return Figure{Value: mean, Low: &low, High: &high}
}

// overUnits is the variance of the rows' mean that the units give it, and its degrees of freedom.
func (d *design) overUnits(rows []float64, mean float64) (v, df float64) {
	n := float64(len(rows))
	if d.clusters == nil {
		for _, x := range rows {
			v += (x - mean) * (x - mean)
		}
		return v * n / (n - 1) / (n * n), n - 1
	}
	sums := map[int]float64{}
	for i, x := range rows {
		sums[d.clusters[i]] += x - mean
	}
	for _, c := range slices.Sorted(maps.Keys(sums)) { // in one order: the last digits are the same every time
		v += sums[c] * sums[c]
	}
	groups := float64(len(sums))
	return v * groups / (groups - 1) / (n * n), groups - 1
}

// overSeeds is the variance of the mean that the seeds give it, and the number of seeds.
func (d *design) overSeeds(rows []float64) (v, seeds float64) {
	k := slices.Max(d.seeds) + 1
	means, n := make([]float64, k), make([]float64, k)
	for i, x := range rows {
		means[d.seeds[i]] += x
		n[d.seeds[i]]++
	}
	mean := 0.0
	for i := range means {
		means[i] /= n[i]
		mean += means[i] / float64(k)
	}
	for _, m := range means {
		v += (m - mean) * (m - mean)
	}
	return v / float64(k-1) / float64(k), float64(k)
}

func minus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
	}
	return out
}
