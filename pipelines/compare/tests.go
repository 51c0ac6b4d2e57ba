package compare

import (
	"iter"
	"math"

	"rein/steps/stats"
)

const (
	alpha     = 0.05
	resamples = 2000
	seed      = 1  // of the paired bootstrap: a comparison of equal data says the same twice
	fewest    = 30 // rows of a class under which nothing is concluded
)

// tested are the metrics that are compared by a test, and which direction is better.
var tested = []struct {
	metric string
	lower  bool
	kind   kind
	run    func(a, b *side) outcome
	seeds  func(a, b *side) (rows float64, byA, byB []float64) // where one of them has several
}{
	{Decisive, false, ranking, recallAt(decisiveRate), seedsRecallAt(decisiveRate)}, // first: what others are called depends on it
	{"recall_at_fp_0_5", false, ranking, recallAt(0.005), seedsRecallAt(0.005)},
	{"recall_at_fp_2", false, ranking, recallAt(0.02), seedsRecallAt(0.02)},
	{"roc_auc", false, ranking, (*side).auc, (*side).seedsAUC},
	{"fp_rate", true, atThreshold, (*side).falsePositives, (*side).seedsFP},
	{"tp_rate", false, atThreshold, (*side).recall, (*side).seedsRecall},
	{"f1_macro", false, atThreshold, (*side).f1, (*side).seedsF1},
}

// kind is what a metric depends on.
type kind int

const (
	ranking     kind = iota // on how a model orders rows: thresholds don't matter
	atThreshold             // on where its threshold is, too
)

// Decisive is the metric that strategies are compared by: the recall of each at one FP rate.
const Decisive = "recall_at_fp_1"

// decisiveRate is that FP rate.
const decisiveRate = 0.01

// equal are the metrics at equal FP rates, of which none may be lost.
var equal = []string{Decisive, "recall_at_fp_0_5", "recall_at_fp_2"}

// The questions, by the beginnings of their metrics' names, and the sets of rows that answer them.
const (
	Own = "own_" // traffic like the pool's
	New = "new_" // sources that nobody has seen
)

var questions = []struct{ prefix, set string }{{Own, stats.OwnTraffic}, {New, stats.NewSources}}

// Basis is the question that the verdict rests on: New where there are new sources, else Own.
func (r *Result) Basis() string {
	for _, name := range r.Columns() {
		if d := r.detail[name]; d != nil && d.report != nil && d.basis() == stats.NewSources {
			return New
		}
	}
	return Own
}

// BasisSet is the set of rows that answers that question.
func (r *Result) BasisSet() string {
	if r.Basis() == New {
		return stats.NewSources
	}
	return stats.OwnTraffic
}

// side is one column's answers on one set.
type side struct {
	*answers
	threshold float64
	others    []float64 // thresholds of the further seeds
}

// outcome is what a test says before it is adjusted and judged.
type outcome struct {
	difference   stats.Interval // B minus A
	p            float64
	rows         int
	onlyA, onlyB int
	detectable   float64
	need         int
	needSeeds    int
	seeds        [2]int  // of A and B, where one has several
	rate         float64 // of a recall at this FP rate; 0: none
}

// pairing is a test that is to be done.
type pairing struct {
	a, b    string
	prefix  string // of the question
	set     string
	by      int // of tested
	control bool
}

// name is that of the metric.
func (p pairing) name() string { return p.prefix + tested[p.by].metric }

// pairs are all paired tests: every strategy against the baseline, and every two strategies, by metric, on both questions.
func (r *Result) pairs() iter.Seq[pairing] {
	return func(yield func(pairing) bool) {
		columns := r.Columns()
		for _, q := range questions {
			for m := range tested {
				for i, a := range columns {
					for _, b := range columns[i+1:] {
						if ok, control := r.compared(a, b); ok && !yield(pairing{a, b, q.prefix, q.set, m, control}) {
							return
						}
					}
				}
			}
		}
	}
}

// test runs all paired tests. What is said of the question that the verdict rests on is said under the metrics' plain names, too.
func (r *Result) test() {
	basis := r.Basis()
	type group struct {
		prefix string
		by     int
	}
	groups := map[group]*[3][]Test{} // against the baseline, which decides a verdict; of two strategies; with controls
	for p := range r.pairs() {
		g := group{p.prefix, p.by}
		if groups[g] == nil {
			groups[g] = &[3][]Test{}
		}
		family := &groups[g][1]
		switch {
		case p.control:
			family = &groups[g][2]
		case p.a == BaselineName:
			family = &groups[g][0]
		}
		if t := r.pair(p); t != nil {
			*family = append(*family, *t)
		}
	}
	for _, q := range questions {
		for by, m := range tested {
			families := groups[group{q.prefix, by}]
			if families == nil {
				continue
			}
			for _, tests := range families {
				conclude(tests, m.lower)
				for i := range tests {
					if m.kind == atThreshold {
						tests[i].byThreshold(r.TestOf(tests[i].A, tests[i].B, q.prefix+Decisive))
					}
				}
				r.Tests = append(r.Tests, tests...)
				for _, t := range tests {
					if q.prefix == basis {
						t.Metric = m.metric
						r.Tests = append(r.Tests, t)
					}
				}
			}
		}
	}
}

// byThreshold calls a difference what it is where it comes from where the thresholds are alone: at one FP rate, the models
// aren't shown to differ so.
func (t *Test) byThreshold(equal *Test) {
	if (t.Conclusion == Better || t.Conclusion == Worse) && equal != nil && equal.Conclusion != t.Conclusion {
		t.Conclusion = OtherThreshold
	}
}

// pair is a test of B against A, done now or before; nil where one of them has nothing measured.
func (r *Result) pair(p pairing) *Test {
	da, db := r.detail[p.a], r.detail[p.b]
	if da.scores == nil || db.scores == nil || da.report == nil || db.report == nil {
		return nil
	}
	k := r.tests.pairKey(da, db, p.name(), p.set)
	t, known := r.tests.known[k]
	if !known {
		t = paired(da, db, p)
		r.tests.fresh[k] = t
	}
	if t == nil {
		return nil
	}
	named := *t
	named.A, named.B, named.Metric = p.a, p.b, p.name()
	return &named
}

// paired tests the answers of one column against another's. What it says depends on what pairKey has, and on nothing else.
func paired(da, db *run, p pairing) *Test {
	sa, sb := da.scores.set(p.set), db.scores.set(p.set)
	ra, rb := da.report.Sets[p.set], db.report.Sets[p.set]
	if sa == nil || sb == nil || ra == nil || rb == nil {
		return nil
	}
	t := &Test{P: 1, Raw: 1}
	if ra.Data != rb.Data || len(sa.benign) != len(sb.benign) || len(sa.malicious) != len(sb.malicious) {
		t.Conclusion = Incomparable
		t.RowsOf = &[2]RowSet{{ra.Data, ra.Rows}, {rb.Data, rb.Rows}}
		return t
	}
	by := &tested[p.by]
	x, y := da.side(sa), db.side(sb)
	o := by.run(x, y)
	if o.rows == 0 {
		return nil
	}
	switch {
	case len(x.seeds)+len(y.seeds) > 0:
		o = o.overSeeds(by.seeds(x, y))
	case o.rate > 0:
		o = o.overRows(by.metric, ra, rb)
	}
	t.P, t.Raw = o.p, o.p
	if p.set == stats.NewSources {
		t.overSources(by.metric, ra, rb, o)
	}
	t.Difference, t.Rows, t.OnlyA, t.OnlyB = FigureOf(o.difference), o.rows, o.onlyA, o.onlyB
	t.Detectable, t.Need, t.NeedSeeds, t.SeedsA, t.SeedsB = o.detectable, o.need, o.needSeeds, o.seeds[0], o.seeds[1]
	return t
}

// conclude adjusts the p-values of one metric and says what the outcomes amount to.
func conclude(tests []Test, lower bool) {
	var at []int
	var p []float64
	for i, t := range tests {
		if t.Conclusion != Incomparable {
			at, p = append(at, i), append(p, t.Raw)
		}
	}
	for i, adjusted := range stats.Holm(p) {
		t := &tests[at[i]]
		t.P = adjusted
		switch {
		case t.TooFewSources():
			t.Conclusion = TooFewSources
			continue
		case t.Rows < fewest || adjusted >= alpha && t.Need > t.Rows:
			t.Conclusion = TooFewRows
		case adjusted >= alpha && t.NeedSeeds > max(t.SeedsA, t.SeedsB):
			t.Conclusion = TooFewSeeds
		case adjusted >= alpha:
			t.Conclusion = NotShown
		case (t.Difference.Value < 0) == lower:
			t.Conclusion = Better
		default:
			t.Conclusion = Worse
		}
		// Too few rows is said only of a difference that would matter; a tiny one is simply not shown.
		if adjusted >= alpha && t.Rows >= fewest && math.Abs(t.Difference.Value) < relevant {
			t.Conclusion = NotShown
		}
	}
}

// relevant is the least difference of a rate that is worth more rows.
const relevant = 0.002

// TestOf finds a test of B against A; nil if it wasn't run.
func (r *Result) TestOf(a, b, metric string) *Test {
	for i := range r.Tests {
		if t := &r.Tests[i]; t.A == a && t.B == b && t.Metric == metric {
			return t
		}
	}
	return nil
}

// cells counts how two models decide the same rows.
type cells struct{ both, onlyA, onlyB, neither int }

func decide(a, b []bool) (c cells) {
	for i := range a {
		switch fa, fb := a[i], b[i]; {
		case fa && fb:
			c.both++
		case fa:
			c.onlyA++
		case fb:
			c.onlyB++
		default:
			c.neither++
		}
	}
	return c
}

func rates(a, b []bool) outcome {
	c, n := decide(a, b), len(a)
	o := outcome{difference: stats.PairedDifference(c.onlyA, c.onlyB, n), p: stats.McNemar(c.onlyA, c.onlyB), rows: n, onlyA: c.onlyA, onlyB: c.onlyB}
	if n > 0 {
		discordant := float64(c.onlyA+c.onlyB) / float64(n)
		o.detectable = stats.MinDetectable(n, discordant)
		if c.onlyA != c.onlyB {
			o.need = stats.RowsNeeded(o.difference.Value, discordant)
		}
	}
	return o
}

// falsePositives is McNemar's exact test on benign rows.
func (a *side) falsePositives(b *side) outcome {
	return rates(a.flags(false), b.flags(false))
}

// recall is McNemar's exact test on malicious rows.
func (a *side) recall(b *side) outcome {
	return rates(a.flags(true), b.flags(true))
}

// f1 is a paired bootstrap, stratified by class.
func (a *side) f1(b *side) outcome {
	mal, ben := decide(a.flags(true), b.flags(true)), decide(a.flags(false), b.flags(false))
	if len(a.malicious) == 0 || len(a.benign) == 0 {
		return outcome{}
	}
	d, p := stats.PairedF1(stats.Cells(mal.list()), stats.Cells(ben.list()), resamples, seed)
	n := len(a.malicious) + len(a.benign)
	return outcome{difference: d, p: p, rows: n, onlyA: mal.onlyA + ben.onlyA, onlyB: mal.onlyB + ben.onlyB, detectable: halfWidth(d) * detectableFactor}
}

// auc is DeLong's test.
func (a *side) auc(b *side) outcome {
	if len(a.malicious) == 0 || len(a.benign) == 0 {
		return outcome{}
	}
	d, p := b.roc.Minus(a.roc)
	return outcome{difference: d, p: p, rows: len(a.malicious) + len(a.benign), detectable: halfWidth(d) * detectableFactor}
}

// detectableFactor turns the half width of a 95% interval into the difference that is shown with 80% power.
const detectableFactor = (stats.Z95 + 0.8416212335729143) / stats.Z95

func halfWidth(i stats.Interval) float64 { return (i.High - i.Low) / 2 }

func (c cells) list() [4]int { return [4]int{c.both, c.onlyA, c.onlyB, c.neither} }

// Turned is the same test seen from the other side; nil stays nil.
func (t *Test) Turned() *Test {
	if t == nil {
		return nil
	}
	o := *t
	o.A, o.B, o.OnlyA, o.OnlyB = t.B, t.A, t.OnlyB, t.OnlyA
	o.Difference = t.Difference.turned()
	if t.OverSources != nil {
		over := t.OverSources.turned()
		o.OverSources = &over
	}
	switch t.Conclusion {
	case Better:
		o.Conclusion = Worse
	case Worse:
		o.Conclusion = Better
	}
	return &o
}
