package render

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rein/pipelines/compare"
	"rein/steps/stats"
)

func plain(v float64) string { return strconv.FormatFloat(math.Round(1e4*v)/1e4, 'g', -1, 64) }

// spaced formats the ticks of an axis with as many decimals as tell them apart.
func spaced(lo, hi float64) func(float64) string {
	if hi-lo >= 10 {
		return func(v float64) string { return count(math.Round(v)) }
	}
	decimals := max(0, int(math.Ceil(-math.Log10((hi-lo)/wantedTicks))))
	return func(v float64) string { return strconv.FormatFloat(v, 'f', decimals, 64) }
}

// inPoints is a difference of rates in percentage points.
func inPoints(v float64) string { return fmt.Sprintf("%.4g", math.Round(1e4*v)/100) }

func wholePercent(v float64) string { return fmt.Sprintf("%.4g%%", math.Round(1e4*v)/100) }

// each calls f for every column that has a report on a set.
func (r result) each(set string, f func(name string, s *stats.Set)) {
	for _, name := range r.Columns() {
		if report := r.Report(name); report != nil && report.Sets[set] != nil {
			f(name, report.Sets[set])
		}
	}
}

// curveCharts are ROC (in full, and where it matters), precision-recall and calibration.
func (r result) curveCharts() []chart {
	var roc, pr, calibration []series
	zoom, lowest := 0.002, 1.0
	r.each(r.BasisSet(), func(name string, s *stats.Set) {
		roc = append(roc, series{name: name, class: r.class(name), points: s.ROC})
		pr = append(pr, series{name: name, class: r.class(name), points: s.PR})
		var bins [][2]float64
		for _, b := range s.Bins {
			if b.Rows > 0 {
				bins = append(bins, [2]float64{b.Score, b.Share})
			}
		}
		calibration = append(calibration, series{name: name, class: r.class(name), dots: true, points: bins})
		if s.FPRate != nil {
			zoom = max(zoom, 1.5*s.FPRate.Value)
		}
		for _, p := range s.PR {
			lowest = min(lowest, p[1])
		}
	})
	if len(roc) == 0 {
		return nil
	}
	rate := func(label string, hi float64) axis { return axis{label, 0, hi, wholePercent} }
	full := newChart("roc", "ROC", "Recall at every FP rate, on the test set.", rate("FP rate", 1), rate("recall", 1), roc)
	full.diagonal()
	cal := newChart("calibration", "Calibration", "Share of malicious rows by mean threat score; on the diagonal a score is a probability.",
		axis{"threat score", 0, 1, plain}, rate("malicious", 1), calibration)
	cal.diagonal()
	return []chart{newChart("roc-zoom", "ROC at low FP rates", "Recall at the FP rates that can be lived with.", rate("FP rate", min(zoom, 1)), rate("recall", 1), roc), full,
		newChart("pr", "Precision and recall", "Precision at every recall, in the mix of the test set.", rate("recall", 1), axis{"precision", math.Floor(10*lowest) / 10, 1.0001, wholePercent}, pr), cal}
}

// ofSeed ends the name of a curve of one of several seeds.
var ofSeed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`_seed-?[0-9]+$`) })

// trainingCharts are the curves that training steps recorded, one chart a curve.
func (r result) trainingCharts() []chart {
	curves := map[string][]series{}
	for _, name := range r.Columns() {
		for _, recorded := range r.Curves(name) {
			for _, own := range slices.Sorted(maps.Keys(recorded)) {
				curve, points := ofSeed().ReplaceAllString(own, ""), recorded[own] // all seeds into one chart
				curves[curve] = append(curves[curve], series{name: name, class: r.class(name), dots: true, points: points})
			}
		}
	}
	var out []chart
	for _, curve := range slices.SortedFunc(maps.Keys(curves), byWorth) {
		x, y := axis{"epoch", math.Inf(1), math.Inf(-1), plain}, axis{label(curve), math.Inf(1), math.Inf(-1), nil}
		for _, s := range curves[curve] {
			for _, p := range s.points {
				x.lo, x.hi, y.lo, y.hi = min(x.lo, p[0]), max(x.hi, p[0]), min(y.lo, p[1]), max(y.hi, p[1])
			}
		}
		if x.hi > x.lo && y.hi > y.lo {
			y.hi += 0.05 * (y.hi - y.lo)
			y.format = spaced(y.lo, y.hi)
			out = append(out, newChart("curve-"+curve, "Training: "+label(curve), "After each epoch.", x, y, curves[curve]))
		}
	}
	return out
}

// byWorth orders training curves: what was learned first, how fast last.
func byWorth(a, b string) int {
	first := []string{"train_loss", "validation_loss", "validation_auc"}
	rank := func(curve string) int {
		if i := slices.Index(first, curve); i >= 0 {
			return i
		}
		return len(first)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// whiskerCharts are rates by category, source, length and language, with intervals.
func (r result) whiskerCharts() []whiskers {
	var out []whiskers
	add := func(id, title, desc, xlabel string, groups map[string]*estimates) {
		var list []estimates
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			list = append(list, *groups[name])
		}
		if len(list) > 0 {
			out = append(out, newWhiskers(id, title, desc, xlabel, wholePercent, list))
		}
	}
	for _, set := range []struct{ name, words string }{{stats.OwnTraffic, "on own traffic"}, {stats.NewSources, "on new sources"}} {
		benign, malicious := map[string]*estimates{}, map[string]*estimates{}
		slicesBy := map[string]map[string]*estimates{}
		r.each(set.name, func(name string, s *stats.Set) {
			for category, g := range s.Benign.Categories {
				r.mark(benign, category, name, g)
			}
			for category, g := range s.Malicious.Categories {
				r.mark(malicious, category, name, g)
			}
			for by, values := range s.Slices {
				if slicesBy[by] == nil {
					slicesBy[by] = map[string]*estimates{}
				}
				for value, pair := range values {
					r.mark(slicesBy[by], value, name, pair.Benign)
				}
			}
		})
		add("fp-category-"+set.name, "FP rate by category, "+set.words, "FP rate of each kind of benign prompt with its 95% interval.", "FP rate", benign)
		add("recall-category-"+set.name, "Recall by attack family, "+set.words, "Recall of each attack family with its 95% interval.", "recall", malicious)
		for _, by := range slices.Sorted(maps.Keys(slicesBy)) {
			groups, left := filled(slicesBy[by])
			for value, e := range groups {
				e.name = sliceName(by, value)
			}
			if len(groups) > 1 && len(groups) <= mostSlices {
				add("fp-"+by+"-"+set.name, "FP rate by "+by+", "+set.words, "FP rate of benign prompts by "+by+" with its 95% interval."+left, "FP rate", groups)
			}
		}
	}
	return out
}

// mostSlices is how many groups a chart can show.
const mostSlices = 24

// fewRows say next to nothing of a rate: their intervals would only hide the others.
const fewRows = 20

// filled leaves out the groups of few rows, unless hardly any would stay, and says so.
func filled(groups map[string]*estimates) (kept map[string]*estimates, left string) {
	kept = maps.Clone(groups)
	maps.DeleteFunc(kept, func(_ string, e *estimates) bool { return e.rows < fewRows })
	switch n := len(groups) - len(kept); {
	case n == 0 || len(kept) < 2:
		return groups, ""
	case n == 1:
		return kept, fmt.Sprintf(" One more has fewer than %d rows.", fewRows)
	default:
		return kept, fmt.Sprintf(" %d more have fewer than %d rows.", n, fewRows)
	}
}

// sliceName is a slice's value for people: what orders lengths is not for them.
func sliceName(by, value string) string {
	if _, words, ok := strings.Cut(value, ": "); ok && by == "length" {
		return words + " characters"
	}
	return value
}

func (r result) mark(into map[string]*estimates, group, column string, g *stats.Group) {
	if g == nil || g.Rate == nil {
		return
	}
	group = cmp.Or(group, "(none)")
	if into[group] == nil {
		into[group] = &estimates{name: group, rows: g.Rows, note: count(float64(g.Rows)) + " rows"}
	}
	into[group].marks = append(into[group].marks, estimate{column, r.class(column), compare.FigureOf(*g.Rate)})
}

// composition is what a training set is made of.
type composition struct {
	Name  string
	Parts []part
	Total string
}

type part struct {
	Class, Text string
	X, W        float64
}

func (r result) compositions() []composition {
	most := 0.0
	for _, s := range r.Strategies {
		most = max(most, s.Measured["total_samples"].Value)
	}
	var out []composition
	for _, s := range r.Strategies {
		b, m := s.Measured["benign_samples"].Value, s.Measured["malicious_samples"].Value
		if b+m == 0 {
			continue
		}
		newB, newM := s.Measured["benign_added"].Value, s.Measured["malicious_added"].Value
		c := composition{Name: s.Name, Total: count(b+m) + " rows"}
		x := 0.0
		for _, p := range []struct {
			class, words string
			n            float64
		}{{"benign", "benign before", b - newB}, {"benign added", "benign added", newB}, {"malicious", "malicious before", m - newM}, {"malicious added", "malicious added", newM}} {
			w := 600 * p.n / most
			c.Parts = append(c.Parts, part{p.class, p.words + ": " + count(p.n), x, w})
			x += w
		}
		out = append(out, c)
	}
	return out
}
