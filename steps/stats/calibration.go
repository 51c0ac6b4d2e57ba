package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// finePerBin is the number of divisions of each calibration bin for the bootstrap. A resample draws the number of rows of each division at
// once, not each row. That makes thousands of resamples fast, and the figures hardly change.
const finePerBin = 20

// fine sums up the rows of one class in one division: how many there are, the sum of their scores, and the sum of their squared errors.
type fine struct {
	rows           int
	score, squared float64
}

// calibrationIntervals returns 95% intervals of the Brier score and of the expected calibration error (ECE). They come from a bootstrap
// that is stratified by class.
//
// The ECE is biased: on average a resample has a higher ECE than its data, and the data have a higher one than the population. So the draws
// of the ECE are shifted down by the first bias. The lower end is shifted once more, for the second.
func calibrationIntervals(benign, malicious []float64, brier, ece float64, resamples int, seed uint64) (b, e Interval) {
	const divisions = calibrationBins * finePerBin
	classes := [2][divisions]fine{}
	for class, scores := range [][]float64{benign, malicious} {
		for _, v := range scores {
			f := &classes[class][min(int(v*divisions), divisions-1)]
			f.rows++
			f.score += v
			f.squared += (v - float64(class)) * (v - float64(class))
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0xca11))
	briers, eces := make([]float64, resamples), make([]float64, resamples)
	n := float64(len(benign) + len(malicious))
	var of [2]multinomial
	var drawn [2][]int
	for class := range classes {
		drawn[class] = make([]int, divisions)
		var sizes []int
		for _, f := range classes[class] {
			sizes = append(sizes, f.rows)
		}
		of[class] = newMultinomial(sizes)
	}
	for i := range briers {
		var gap [calibrationBins]float64 // sum of scores minus the number of malicious rows
		for class := range classes {
			of[class].draw(len([2][]float64{benign, malicious}[class]), drawn[class], rng)
			for d, k := range drawn[class] {
				if k > 0 {
					f, share := classes[class][d], float64(k)/float64(classes[class][d].rows)
					briers[i] += share * f.squared / n
					gap[d/finePerBin] += share*f.score - float64(class*k)
				}
			}
		}
		for _, g := range gap {
			eces[i] += math.Abs(g) / n
		}
	}
	var mean float64
	for _, v := range eces {
		mean += v / float64(resamples)
	}
	back := math.Max(0, mean-ece)
	e = spanOf(ece, eces, back)
	e.Low = math.Max(0, e.Low-back)
	return spanOf(brier, briers, 0), e
}

// spanOf returns value with the middle 95% of its draws as the interval. The draws are first shifted down by back. The interval always
// contains value.
func spanOf(value float64, draws []float64, back float64) Interval {
	slices.Sort(draws)
	low, high := quantile(draws, 0.025)-back, quantile(draws, 0.975)-back
	return Interval{value, math.Max(0, math.Min(low, value)), math.Max(high, value)}
}

// decisionIntervals returns 95% intervals of figures that follow from the decisions: F1 of malicious, F1 of benign, and the precision at a
// base rate. They come from a bootstrap that is stratified by class.
func (c Confusion) decisionIntervals(baseRate float64, resamples int, seed uint64) (malicious, benign, precision Interval) {
	rng := rand.New(rand.NewPCG(seed, 0xdec1))
	pos, neg := c.TP+c.FN, c.FP+c.TN
	var m, b, p []float64
	for range resamples {
		tp, fp := redraw(c.TP, pos, rng), redraw(c.FP, neg, rng)
		d := Confusion{tp, fp, neg - fp, pos - tp}
		x, y, _ := d.F1()
		m, b = append(m, x), append(b, y)
		if at := d.PrecisionAt(baseRate); !math.IsNaN(at) {
			p = append(p, at)
		}
	}
	vm, vb, _ := c.F1()
	malicious, benign = spanOf(vm, m, 0), spanOf(vb, b, 0)
	if len(p) > 0 {
		precision = spanOf(c.PrecisionAt(baseRate), p, 0)
	}
	return malicious, benign, precision
}
