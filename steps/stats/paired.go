package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Cells counts how two models decide the same rows of one class: flagged by both, by A alone, by B alone, by neither.
type Cells [4]int

func (c Cells) rows() int { return c[0] + c[1] + c[2] + c[3] }

// pairedF1 returns the macro F1 of A and that of B.
func pairedF1(malicious, benign Cells) (a, b float64) {
	_, _, a = Confusion{TP: malicious[0] + malicious[1], FN: malicious[2] + malicious[3], FP: benign[0] + benign[1], TN: benign[2] + benign[3]}.F1()
	_, _, b = Confusion{TP: malicious[0] + malicious[2], FN: malicious[1] + malicious[3], FP: benign[0] + benign[2], TN: benign[1] + benign[3]}.F1()
	return a, b
}

// PairedF1 compares the macro F1 of two models on the same rows. It returns B minus A with a 95% interval from a paired bootstrap that is
// stratified by class, and the two-sided p-value of the randomisation test.
//
// A row only matters by how both models decided it, so a resample is a draw of eight counts. As in redraw, half a row is added to those
// that A alone flags, and half a row to those that B alone flags.
func PairedF1(malicious, benign Cells, resamples int, seed uint64) (Interval, float64) {
	a, b := pairedF1(malicious, benign)
	rng := rand.New(rand.NewPCG(seed, 0xbf1))
	draws := make([]float64, resamples)
	var m, n Cells
	halvesM, halvesN := withHalves(malicious), withHalves(benign)
	ofM, ofN := newMultinomial(halvesM[:]), newMultinomial(halvesN[:])
	for i := range draws {
		ofM.draw(malicious.rows(), m[:], rng)
		ofN.draw(benign.rows(), n[:], rng)
		x, y := pairedF1(m, n)
		draws[i] = y - x
	}
	slices.Sort(draws)
	return Interval{b - a, math.Min(b-a, quantile(draws, 0.025)), math.Max(b-a, quantile(draws, 0.975))}, randomised(malicious, benign)
}

// withHalves adds half a row to each count of rows that the models decide differently. It doubles all counts to keep them whole, which is
// harmless because a multinomial only uses proportions.
func withHalves(c Cells) Cells { return Cells{2 * c[0], 2*c[1] + 1, 2*c[2] + 1, 2 * c[3]} }

// randomised returns the probability of a difference at least as large as the observed one if the models are alike. In that case either
// model is equally likely to be the one that flags a row on which they differ. The probability is computed exactly, not drawn.
func randomised(malicious, benign Cells) (p float64) {
	a, b := pairedF1(malicious, benign)
	seen := math.Abs(b-a) - 1e-12
	rows, columns := halves(malicious[1]+malicious[2]), halves(benign[1]+benign[2])
	for _, x := range rows {
		m := Cells{malicious[0], x.k, malicious[1] + malicious[2] - x.k, malicious[3]}
		for _, y := range columns {
			n := Cells{benign[0], y.k, benign[1] + benign[2] - y.k, benign[3]}
			if a, b := pairedF1(m, n); math.Abs(b-a) >= seen {
				p += x.p * y.p
			}
		}
	}
	return math.Min(1, p)
}

// chance is a count with its probability.
type chance struct {
	k int
	p float64
}

// halves returns the distribution of the number of heads of n coins. It leaves out counts with a probability below 1e-20.
func halves(n int) []chance {
	var out []chance
	for k := range n + 1 {
		if log := lchoose(n, k) - float64(n)*math.Ln2; log > -46 {
			out = append(out, chance{k, math.Exp(log)})
		}
	}
	return out
}
