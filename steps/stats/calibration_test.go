package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Drawing rows one by one gives the same spread as drawing them by division.
func TestCalibrationIntervalsSpreadAsRowsDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	draw := func(n int, mean float64) (out []float64) {
		for range n {
			out = append(out, 1/(1+math.Exp(-(mean+1.5*rng.NormFloat64()))))
		}
		return out
	}
	benign, malicious := draw(2400, -1.8), draw(600, 1.2)
	figuresOf := func(benign, malicious []float64) (brier, ece float64) {
		s := NewSet()
		for _, v := range benign {
			s.Add(Observation{Threat: v})
		}
		for _, v := range malicious {
			s.Add(Observation{Malicious: true, Threat: v})
		}
		s.calibrate()
		return s.Brier, s.ECE
	}
	var briers, eces []float64
	b, m := make([]float64, len(benign)), make([]float64, len(malicious))
	for range 500 {
		for i := range b {
			b[i] = benign[rng.IntN(len(benign))]
		}
		for i := range m {
			m[i] = malicious[rng.IntN(len(malicious))]
		}
		brier, ece := figuresOf(b, m)
		briers, eces = append(briers, brier), append(eces, ece)
	}
	slices.Sort(briers)
	slices.Sort(eces)
	brier, ece := figuresOf(benign, malicious)
	gotBrier, gotECE := calibrationIntervals(benign, malicious, brier, ece, 1000, 1)
	width := func(v []float64) float64 { return quantile(v, 0.975) - quantile(v, 0.025) }
	near(t, "Brier", gotBrier.High-gotBrier.Low, width(briers), 0.12*width(briers))
	near(t, "ECE", gotECE.High-gotECE.Low, width(eces), 0.15*width(eces))
	for name, i := range map[string]Interval{"Brier": gotBrier, "ECE": gotECE} {
		if !(i.Low < i.Value && i.Value < i.High) {
			t.Errorf("%s: %+v", name, i)
		}
	}
	if again, _ := calibrationIntervals(benign, malicious, brier, ece, 1000, 1); again != gotBrier {
		t.Error("the same seed gave another interval")
	}
}

// The benign F1's and the precision's intervals hold the true figures about as often as they say.
func TestDecisionIntervalsCover(t *testing.T) {
	const pos, neg, recall, fp, base, trials = 400, 1600, 0.9, 0.05, 0.01, 300
	rng := rand.New(rand.NewPCG(31, 32))
	truth := Confusion{TP: recall * pos, FN: pos - recall*pos, FP: fp * neg, TN: neg - fp*neg}
	_, wantBenign, _ := truth.F1()
	want := truth.PrecisionAt(base)
	var benign, precision int
	for i := range trials {
		tp, f := binomial(pos, recall, rng), binomial(neg, fp, rng)
		_, b, p := (Confusion{tp, f, neg - f, pos - tp}).decisionIntervals(base, 200, uint64(i))
		if b.Low <= wantBenign && wantBenign <= b.High {
			benign++
		}
		if p.Low <= want && want <= p.High {
			precision++
		}
	}
	if benign < trials*90/100 || precision < trials*90/100 {
		t.Errorf("of %d intervals %d hold the benign F1, %d the precision", trials, benign, precision)
	}
}

// The calibration error of few rows is high by chance; its interval allows for that.
func TestCalibrationIntervalsCover(t *testing.T) {
	const trials = 150
	rng := rand.New(rand.NewPCG(41, 42))
	draw := func(pos, neg int) (benign, malicious []float64, brier, ece float64) {
		s := NewSet()
		for i := range pos + neg {
			mean := -1.8
			if i < pos {
				mean = 1.2
			}
			s.Add(Observation{Malicious: i < pos, Threat: 1 / (1 + math.Exp(-(mean + 1.5*rng.NormFloat64())))})
		}
		s.calibrate()
		return s.benign, s.malicious, s.Brier, s.ECE
	}
	for _, c := range []struct{ pos, neg int }{{16, 67}, {100, 400}} {
		_, _, wantBrier, wantECE := draw(100*c.pos, 100*c.neg)
		var brier, ece int
		for i := range trials {
			benign, malicious, b, e := draw(c.pos, c.neg)
			ib, ie := calibrationIntervals(benign, malicious, b, e, 100, uint64(i))
			if ib.Low <= wantBrier && wantBrier <= ib.High {
				brier++
			}
			if ie.Low <= wantECE && wantECE <= ie.High {
				ece++
			}
		}
		if brier < trials*84/100 || ece < trials*90/100 {
			t.Errorf("%+v: of %d intervals %d hold the Brier score, %d the calibration error", c, trials, brier, ece)
		}
	}
}
