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

// PairedF1 compares the F1 macro of two models on the same rows: B minus A with a 95% interval by a paired bootstrap,
// stratified by class, and the two-sided p-value of the randomisation test. Rows only matter by how both models decided them,
// so a resample is a draw of eight counts. As with redraw, half a row more is decided by A alone, and half a row by B alone.
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

// withHalves are twice the counts, with one more of each kind that is decided differently: a multinomial takes proportions.
func withHalves(c Cells) Cells { return Cells{2 * c[0], 2*c[1] + 1, 2*c[2] + 1, 2 * c[3]} }

// randomised is the chance of a difference at least as large where the models are alike: then each row that they decide
// differently is as likely to be decided so by the one as by the other. It is worked out, not drawn.
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

// chance is how likely a count is.
type chance struct {
	k int
	p float64
}

// halves are the counts of n coins that may show heads, those that are less likely than 1e-20 left out.
func halves(n int) []chance {
	var out []chance
	for k := range n + 1 {
		if log := lchoose(n, k) - float64(n)*math.Ln2; log > -46 {
			out = append(out, chance{k, math.Exp(log)})
		}
	}
	return out
}
