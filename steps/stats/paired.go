package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Cells count how two models decide the same rows of one class: flagged by both, by A alone, by B alone, by neither.
type Cells [4]int

func (c Cells) rows() int { return c[0] + c[1] + c[2] + c[3] }

// pairedF1 is the F1 macro of A and of B.
func pairedF1(malicious, benign Cells) (a, b float64) {
	_, _, a = Confusion{TP: malicious[0] + malicious[1], FN: malicious[2] + malicious[3], FP: benign[0] + benign[1], TN: benign[2] + benign[3]}.F1()
	_, _, b = Confusion{TP: malicious[0] + malicious[2], FN: malicious[1] + malicious[3], FP: benign[0] + benign[2], TN: benign[1] + benign[3]}.F1()
	return a, b
}

// PairedF1 compares the F1 macro of two models on the same rows by a paired bootstrap, stratified by class: B minus A with a
// 95% interval, and the two-sided p-value by inverting percentile intervals. Rows only matter by how both models decided
// them, so a resample is a draw of eight counts.
func PairedF1(malicious, benign Cells, resamples int, seed uint64) (Interval, float64) {
	a, b := pairedF1(malicious, benign)
	rng := rand.New(rand.NewPCG(seed, 0xbf1))
	draws := make([]float64, resamples)
	var m, n Cells
	var under, over int
	for i := range draws {
		multinomial(malicious.rows(), malicious[:], m[:], rng)
		multinomial(benign.rows(), benign[:], n[:], rng)
		x, y := pairedF1(m, n)
		draws[i] = y - x
		if draws[i] <= 0 {
			under++
		}
		if draws[i] >= 0 {
			over++
		}
	}
	slices.Sort(draws)
	p := math.Min(1, 2*float64(min(under, over)+1)/float64(resamples+1))
	return Interval{b - a, quantile(draws, 0.025), quantile(draws, 0.975)}, p
}
