package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// ThresholdFor returns the lowest threshold at which the share of the sorted benign scores at or over it is at most rate.
func ThresholdFor(benign []float64, rate float64) float64 {
	allowed := min(int(rate*float64(len(benign))), len(benign)-1)
	return math.Nextafter(benign[len(benign)-1-allowed], 2)
}

// atOrOver returns the number of sorted scores at or over a threshold.
func atOrOver(sorted []float64, threshold float64) int {
	i, _ := slices.BinarySearch(sorted, threshold)
	return len(sorted) - i
}

// RecallAt returns the recall, with a 95% interval, at the threshold whose FP rate on the benign scores is rate. Both slices must be
// sorted.
//
// Two things are uncertain: where the true threshold lies among the benign scores, and the recall at that threshold. The interval combines
// both by MOVER (Zou and Donner 2008). If there are too few benign rows to bound the threshold, the lower end of the recall is open.
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

// binomialRange returns the middle 95% of Binomial(n, p).
func binomialRange(n int, p float64) (low, high int) {
	atMost := func(k int) float64 { return 1 - betaInc(float64(k+1), float64(n-k), p) }
	low = sort.Search(n, func(k int) bool { return atMost(k) >= 0.025 })
	high = sort.Search(n, func(k int) bool { return atMost(k) >= 0.975 })
	return low, high
}

// curves returns the ROC and the precision-recall curve of sorted scores. It keeps a few hundred points, most of them at low FP rates.
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

// AveragePrecision returns the area under the precision-recall curve as a sum of steps: the mean over positives of the precision at their
// score. Without positives it is NaN.
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

// averagePrecision returns the average precision of sorted scores, where wp and wn say how often each score counts.
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

// curveBins is the number of groups of neighbouring scores in a bootstrap of the precision-recall area. It bounds the work.
const curveBins = 400

// AveragePrecisionInterval returns the AveragePrecision of sorted scores with a 95% interval from a bootstrap that is stratified by class.
// A resample draws the number of rows of each group of neighbouring scores, not each row. That makes thousands of resamples fast.
func AveragePrecisionInterval(pos, neg []float64, resamples int, seed uint64) Interval {
	if len(pos) == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	value := AveragePrecision(pos, neg)
	if len(neg) > 0 && neg[len(neg)-1] < pos[0] { // all resamples would be alike
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
		draws[i] = averagePrecision(bp, bn, dp, dn) - whole + value // corrects for what grouping takes off
	}
	slices.Sort(draws)
	return Interval{value, math.Max(0, quantile(draws, 0.025)), math.Min(1, quantile(draws, 0.975))}
}

// separatedPrecision returns the lower end of the average precision if all m positives score above all n negatives. It takes the lowest AUC
// that is compatible with such rows, and the ROC curve of that AUC on which recall is a power of the FP rate.
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

// binCuts returns the distinct positive scores at which a group begins. Negative scores need none, because precision only matters at
// positives.
func binCuts(pos []float64) []float64 {
	var cuts []float64
	for i := 0; i < len(pos); i += max(1, len(pos)/curveBins) {
		if len(cuts) == 0 || pos[i] > cuts[len(cuts)-1] {
			cuts = append(cuts, pos[i])
		}
	}
	return cuts
}

// binned counts the sorted scores in each group. A score belongs to the last cut that isn't above it.
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

// multinomial draws rows from groups in proportion to the groups' sizes.
type multinomial struct {
	groups []odds // odds of each group among the rows that the groups before it leave
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

// draw draws n rows and writes into out how many of them each group has.
func (m multinomial) draw(n int, out []int, rng *rand.Rand) {
	for i, c := range m.groups {
		out[i] = c.draw(n, m.known, rng)
		n -= out[i]
	}
}
