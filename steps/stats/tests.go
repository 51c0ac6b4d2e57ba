package stats

import (
	"cmp"
	"math"
	"slices"
)

// McNemar returns the exact two-sided p-value of McNemar's test. b rows are right only in A, c rows only in B. If the models don't differ,
// both are equally likely for each row.
func McNemar(b, c int) float64 {
	n, k := b+c, min(b, c)
	if n == 0 {
		return 1
	}
	// The p-value is 2 P(X <= k) with X ~ Binomial(n, 1/2). By the beta function, P(X <= k) = I_{1/2}(n-k, k+1).
	return math.Min(1, 2*betaInc(float64(n-k), float64(k+1), 0.5))
}

// PairedDifference returns the difference B minus A of two rates on the same n rows, with a 95% interval. onlyA and onlyB count the
// discordant rows. The interval is Wald's with a continuity correction.
func PairedDifference(onlyA, onlyB, n int) Interval {
	if n == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	m, d := float64(n), float64(onlyB-onlyA)/float64(n)
	se := math.Sqrt(float64(onlyA+onlyB)-float64(onlyB-onlyA)*float64(onlyB-onlyA)/m) / m
	half := Z95*se + 1/m
	return Interval{d, math.Max(-1, d-half), math.Min(1, d+half)}
}

// Holm adjusts p-values for multiple testing (Holm 1979). The results are in the order of p.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out, highest := make([]float64, len(p)), 0.0
	for rank, i := range order {
		highest = math.Max(highest, math.Min(1, p[i]*float64(len(p)-rank)))
		out[i] = highest
	}
	return out
}

// MinDetectable returns the smallest difference of paired rates that n rows show with 80% power at the 5% level, if the share discordant of
// the rows is decided differently.
func MinDetectable(n int, discordant float64) float64 {
	const power = 0.8416212335729143 // 80% quantile of the normal distribution
	return (Z95 + power) * math.Sqrt(discordant/float64(n))
}

// RowsNeeded returns how many rows show a difference with 80% power at the 5% level, if the share discordant of them is decided
// differently.
func RowsNeeded(difference, discordant float64) int {
	const power = 0.8416212335729143
	if difference == 0 {
		return math.MaxInt
	}
	return int(math.Ceil(discordant * math.Pow((Z95+power)/difference, 2)))
}

// placements returns DeLong's structural components of an AUC, and the AUC. v10 holds for each positive the share of negatives below it,
// v01 for each negative the share of positives above it. Ties count half.
func placements(pos, neg []float64) (v10, v01 []float64, auc float64) {
	byPos, byNeg := slices.Sorted(slices.Values(pos)), slices.Sorted(slices.Values(neg))
	v10, v01 = make([]float64, len(pos)), make([]float64, len(neg))
	for i, x := range pos {
		n := below(byNeg, x)
		auc += n
		v10[i] = n / float64(len(neg))
	}
	for j, y := range neg {
		v01[j] = 1 - below(byPos, y)/float64(len(pos))
	}
	return v10, v01, auc / float64(len(pos)) / float64(len(neg))
}

// below returns the number of sorted values under x. Values equal to x count half.
func below(sorted []float64, x float64) float64 {
	low, _ := slices.BinarySearch(sorted, x)
	high := low
	for high < len(sorted) && sorted[high] == x {
		if high-low > 16 { // a long run of ties: binary search for its end
			high, _ = slices.BinarySearch(sorted, math.Nextafter(x, math.Inf(1)))
			break
		}
		high++
	}
	return float64(low+high) / 2
}
