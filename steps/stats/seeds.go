package stats

import (
	"math"
	"math/rand/v2"
)

// Mean compares two trainings A and B by the mean of a figure over their seeds.
type Mean struct {
	Difference Interval // B minus A
	P          float64  // two-sided
	Rows       float64  // variance of the difference that comes from the rows
	Seeds      float64  // variance of the difference that comes from the seeds
}

// OverSeeds compares the mean of a figure over the seeds of B with that of A. a and b hold the figure by seed. rows is the variance of the
// difference that comes from the rows alone.
//
// Both rows and seeds are treated as drawn. The seeds of A and B may vary differently, so the test is Welch's with Satterthwaite's degrees
// of freedom; few seeds then count for little. If one side has only one seed, it is given the variance of the other. The interaction of
// rows and seeds counts with the seeds, which makes the interval wider, never too narrow.
func OverSeeds(rows float64, a, b []float64) Mean {
	ma, va := meanVariance(a)
	mb, vb := meanVariance(b)
	d := mb - ma
	na, nb := float64(len(a)), float64(len(b))
	var seeds, squares float64 // squares: sum of each variance squared, divided by its degrees of freedom
	switch {
	case len(a) == 1 && len(b) == 1:
	case len(a) == 1:
		seeds = vb * (1 + 1/nb)
		squares = seeds * seeds / (nb - 1)
	case len(b) == 1:
		seeds = va * (1 + 1/na)
		squares = seeds * seeds / (na - 1)
	default:
		x, y := va/na, vb/nb
		seeds, squares = x+y, x*x/(na-1)+y*y/(nb-1)
	}
	m := Mean{Rows: rows, Seeds: seeds}
	se := math.Sqrt(rows + seeds)
	if se == 0 {
		if m.P = 0; d == 0 {
			m.P = 1
		}
		m.Difference = Interval{d, d, d}
		return m
	}
	df := math.Inf(1)
	if squares > 0 {
		df = (rows + seeds) * (rows + seeds) / squares
	}
	half := tQuantile(0.05, df) * se
	m.Difference, m.P = Interval{d, d - half, d + half}, tTails(d/se, df)
	return m
}

func meanVariance(v []float64) (mean, squared float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	if len(v) > 1 {
		squared = variance(v)
	}
	return mean, squared
}

// tTails returns the probability that Student's t is farther from 0 than t, on either side.
func tTails(t, df float64) float64 {
	if df > 1e6 {
		return math.Erfc(math.Abs(t) / math.Sqrt2)
	}
	return betaInc(df/2, 0.5, df/(df+t*t))
}

// tQuantile returns the t beyond which the given share of the distribution lies, both sides together.
func tQuantile(share, df float64) float64 {
	low, high := 0.0, 1e9
	for range 200 {
		if mid := (low + high) / 2; tTails(mid, df) > share {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// HalfWidth returns half the width of a confidence interval that misses the true value in the given share of cases. The variance of the
// estimate is itself estimated, with df degrees of freedom; infinite df means that it is known.
func HalfWidth(variance, df, share float64) float64 {
	return tQuantile(share, df) * math.Sqrt(variance)
}

// Pattern groups rows by their decisions: which of A's seeds and which of B's flag them, and how many such rows each label has.
type Pattern struct {
	A, B              []bool
	Benign, Malicious int
}

// Figure computes a figure of one model from its decisions.
type Figure func(Confusion) float64

// DecidedRows returns the variance, due to the rows, of the difference between the means of f over the seeds of A and of B, and f by seed.
// It uses a bootstrap that is stratified by label. A resample draws each row together with the decisions of all seeds.
func DecidedRows(patterns []Pattern, f Figure, resamples int, seed uint64) (rows float64, a, b []float64) {
	var counts [2][]int
	var total [2]int
	for _, p := range patterns {
		for label, n := range []int{p.Benign, p.Malicious} {
			counts[label] = append(counts[label], n)
			total[label] += n
		}
	}
	a, b = bySeed(patterns, counts, f)
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	drawn := [2][]int{make([]int, len(patterns)), make([]int, len(patterns))}
	of := [2]multinomial{newMultinomial(counts[0]), newMultinomial(counts[1])}
	draws := make([]float64, resamples)
	for i := range draws {
		for label, m := range of {
			m.draw(total[label], drawn[label], rng)
		}
		x, y := bySeed(patterns, drawn, f)
		mx, _ := meanVariance(x)
		my, _ := meanVariance(y)
		draws[i] = my - mx
	}
	return variance(draws), a, b
}

// FlaggedRows does the same as DecidedRows for the share of flagged rows, for which there is a formula.
func FlaggedRows(patterns []Pattern) (rows float64, a, b []float64) {
	var n, sum, squares float64
	for _, p := range patterns {
		d, k := share(p.B)-share(p.A), float64(p.Benign+p.Malicious)
		n, sum, squares = n+k, sum+k*d, squares+k*d*d
	}
	if n == 0 {
		return 0, nil, nil
	}
	a, b = make([]float64, len(patterns[0].A)), make([]float64, len(patterns[0].B))
	for _, p := range patterns {
		for i, f := range p.A {
			if f {
				a[i] += float64(p.Benign+p.Malicious) / n
			}
		}
		for i, f := range p.B {
			if f {
				b[i] += float64(p.Benign+p.Malicious) / n
			}
		}
	}
	return (squares/n - sum/n*sum/n) / n, a, b
}

func share(flagged []bool) float64 {
	n := 0.0
	for _, f := range flagged {
		if f {
			n++
		}
	}
	return n / float64(len(flagged))
}

// bySeed returns the figure f of each seed of A and of B.
func bySeed(patterns []Pattern, counts [2][]int, f Figure) (a, b []float64) {
	if len(patterns) == 0 {
		return nil, nil
	}
	ca, cb := make([]Confusion, len(patterns[0].A)), make([]Confusion, len(patterns[0].B))
	for i, p := range patterns {
		tally(ca, p.A, counts[0][i], counts[1][i])
		tally(cb, p.B, counts[0][i], counts[1][i])
	}
	for _, c := range ca {
		a = append(a, f(c))
	}
	for _, c := range cb {
		b = append(b, f(c))
	}
	return a, b
}

func tally(c []Confusion, flagged []bool, benign, malicious int) {
	for i, f := range flagged {
		if f {
			c[i].FP += benign
			c[i].TP += malicious
		} else {
			c[i].TN += benign
			c[i].FN += malicious
		}
	}
}

// RankedRows returns the variance, due to the rows, of the difference between the mean AUCs of A and of B (DeLong), and the AUC by seed.
func RankedRows(a, b []*ROC) (rows float64, aucA, aucB []float64) {
	for _, r := range a {
		aucA = append(aucA, r.AUC)
	}
	for _, r := range b {
		aucB = append(aucB, r.AUC)
	}
	for _, of := range []func(*ROC) []float64{func(r *ROC) []float64 { return r.pos }, func(r *ROC) []float64 { return r.neg }} {
		pa, pb := meanOf(a, of), meanOf(b, of)
		if len(pa) > 1 {
			rows += differenceVariance(pa, pb) / float64(len(pa))
		}
	}
	return rows, aucA, aucB
}

func meanOf(list []*ROC, of func(*ROC) []float64) []float64 {
	out := make([]float64, len(of(list[0])))
	for _, r := range list {
		for i, v := range of(r) {
			out[i] += v / float64(len(list))
		}
	}
	return out
}
