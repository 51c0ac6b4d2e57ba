package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// ThresholdFor is the lowest threshold at which at most a share of the sorted benign scores is at or over it.
func ThresholdFor(benign []float64, rate float64) float64 {
	allowed := min(int(rate*float64(len(benign))), len(benign)-1)
	return math.Nextafter(benign[len(benign)-1-allowed], 2)
}

// atOrOver counts the sorted scores at or over a threshold.
func atOrOver(sorted []float64, threshold float64) int {
	i, _ := slices.BinarySearch(sorted, threshold)
	return len(sorted) - i
}

// RecallAt is the share of the sorted malicious scores over the threshold that has an FP rate on the sorted benign ones, with a
// 95% interval. Two things are uncertain of it, where the true threshold lies among the benign scores and the recall there;
// they are put together by MOVER (Zou and Donner 2008). Benign rows too few to bound the threshold leave the recall's lower
// end open.
func RecallAt(malicious, benign []float64, rate float64) Interval {
	n, m := len(benign), len(malicious)
	if n == 0 || m == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	at := Wilson(atOrOver(malicious, ThresholdFor(benign, rate)), m)
	fewest, most := binomialRange(n, rate)
	strict, loose := 0.0, float64(atOrOver(malicious, ThresholdFor(benign, float64(most)/float64(n))))/float64(m)
	if fewest > 0 {
		strict = float64(atOrOver(malicious, benign[n-fewest])) / float64(m)
	}
	low := at.Value - math.Hypot(at.Value-at.Low, at.Value-math.Min(at.Value, strict))
	high := at.Value + math.Hypot(at.High-at.Value, math.Max(at.Value, loose)-at.Value)
	return Interval{at.Value, math.Max(0, low), math.Min(1, high)}
}

// binomialRange is the middle 95% of Binomial(n, p).
func binomialRange(n int, p float64) (low, high int) {
	atMost := func(k int) float64 { return 1 - betaInc(float64(k+1), float64(n-k), p) }
	low = sort.Search(n, func(k int) bool { return atMost(k) >= 0.025 })
	high = sort.Search(n, func(k int) bool { return atMost(k) >= 0.975 })
	return low, high
}

// curves are the ROC and the precision-recall curve of sorted scores, thinned out to a few hundred points, more of them at
// low FP rates.
func curves(benign, malicious []float64) (roc, pr [][2]float64) {
	roc = [][2]float64{{0, 0}}
	for i := 1; i <= curvePoints; i++ {
		at := ThresholdFor(benign, math.Pow(float64(i)/curvePoints, 3))
		fp, tp := atOrOver(benign, at), atOrOver(malicious, at)
		p := [2]float64{float64(fp) / float64(len(benign)), float64(tp) / float64(len(malicious))}
		if p == roc[len(roc)-1] {
			continue
		}
		roc = append(roc, p)
		if tp > 0 {
			pr = append(pr, [2]float64{p[1], float64(tp) / float64(tp+fp)})
		}
	}
	return append(roc, [2]float64{1, 1}), pr
}

// AveragePrecision is the area under the precision-recall curve as a sum of steps: the mean over positives of the precision
// at their score. NaN without positives.
func AveragePrecision(positives, negatives []float64) float64 {
	pos, neg := slices.Clone(positives), slices.Clone(negatives)
	slices.Sort(pos)
	slices.Sort(neg)
	ones := func(n int) []int {
		w := make([]int, n)
		for i := range w {
			w[i] = 1
		}
		return w
	}
	return averagePrecision(pos, neg, ones(len(pos)), ones(len(neg)))
}

// averagePrecision of sorted scores, each counted as often as its weight says.
func averagePrecision(pos, neg []float64, wp, wn []int) float64 {
	var sum float64
	tp, fp := 0, 0
	j := len(neg) - 1
	for i := len(pos) - 1; i >= 0; {
		at, here := pos[i], 0
		for ; i >= 0 && pos[i] == at; i-- {
			here += wp[i]
		}
		for ; j >= 0 && neg[j] >= at; j-- {
			fp += wn[j]
		}
		if tp += here; tp > 0 {
			sum += float64(here) * float64(tp) / float64(tp+fp)
		}
	}
	return sum / float64(tp)
}

// curveBins bound the work of a bootstrap of the precision-recall area: scores are grouped by rank.
const curveBins = 400

// AveragePrecisionInterval is AveragePrecision of sorted scores with a 95% interval by bootstrap, stratified by class. Rows
// of one group of neighbouring scores are drawn together as counts, so that thousands of resamples take moments.
func AveragePrecisionInterval(pos, neg []float64, resamples int, seed uint64) Interval {
	if len(pos) == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	value := AveragePrecision(pos, neg)
	if len(neg) > 0 && neg[len(neg)-1] < pos[0] { // no resample would differ
		return Interval{value, separatedPrecision(len(pos), len(neg)), value}
	}
	cuts := binCuts(pos)
	bp, np := binned(pos, cuts)
	bn, nn := binned(neg, cuts)
	rng := rand.New(rand.NewPCG(seed, 0xa9))
	whole := averagePrecision(bp, bn, np, nn)
	draws := make([]float64, resamples)
	dp, dn := make([]int, len(np)), make([]int, len(nn))
	ofPos, ofNeg := newMultinomial(np), newMultinomial(nn)
	for i := range draws {
		ofPos.draw(len(pos), dp, rng)
		ofNeg.draw(len(neg), dn, rng)
		draws[i] = averagePrecision(bp, bn, dp, dn) - whole + value // what grouping takes off is put back
	}
	slices.Sort(draws)
	return Interval{value, math.Max(0, quantile(draws, 0.025)), math.Min(1, quantile(draws, 0.975))}
}

// separatedPrecision is the average precision at the least AUC that separated rows don't speak against, on the curve of that
// AUC on which recall is a power of the FP rate.
func separatedPrecision(m, n int) float64 {
	const steps = 1000
	auc, sum := separated(m, n), 0.0
	for i := range steps {
		recall := (float64(i) + 0.5) / steps
		tp, fp := float64(m)*recall, float64(n)*math.Pow(recall, auc/(1-auc))
		sum += tp / (tp + fp)
	}
	return sum / steps
}

// binCuts are the distinct positive scores that begin a group: precision only changes where there is a positive.
func binCuts(pos []float64) []float64 {
	var cuts []float64
	for i := 0; i < len(pos); i += max(1, len(pos)/curveBins) {
		if len(cuts) == 0 || pos[i] > cuts[len(cuts)-1] {
			cuts = append(cuts, pos[i])
		}
	}
	return cuts
}

// binned groups sorted scores by the last cut at or under them.
func binned(sorted, cuts []float64) (at []float64, counts []int) {
	counts = make([]int, len(cuts))
	c := 0
	for _, v := range sorted {
		for c+1 < len(cuts) && cuts[c+1] <= v {
			c++
		}
		counts[c]++
	}
	return cuts, counts
}

// multinomial draws rows over groups in the proportion of their sizes.
type multinomial struct {
	groups []odds // each one's, of what the groups before it leave
	known  factorials
}

func newMultinomial(sizes []int) multinomial {
	left := 0
	for _, s := range sizes {
		left += s
	}
	m := multinomial{known: make(factorials, left+1)}
	for _, s := range sizes {
		if s == 0 {
			m.groups = append(m.groups, odds{})
			continue
		}
		m.groups = append(m.groups, oddsOf(math.Min(1, float64(s)/float64(left))))
		left -= s
	}
	return m
}

// draw draws n rows into out, by group.
func (m multinomial) draw(n int, out []int, rng *rand.Rand) {
	for i, c := range m.groups {
		out[i] = c.draw(n, m.known, rng)
		n -= out[i]
	}
}
