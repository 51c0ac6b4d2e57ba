package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTemperatureIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var pos, neg []float64
	const overconfident = 2.5
	for range 40_000 {
		z := 2 * rng.NormFloat64()
		shown := 1 / (1 + math.Exp(-z*overconfident)) // says more than it knows
		if rng.Float64() < 1/(1+math.Exp(-z)) {
			pos = append(pos, shown)
		} else {
			neg = append(neg, shown)
		}
	}
	got, ok := Temperature(pos, neg)
	if !ok {
		t.Fatal("no temperature")
	}
	near(t, "temperature", got, overconfident, 0.08)
	ece := func(t float64) float64 {
		s := NewSet()
		for _, p := range pos {
			s.Add(Observation{Malicious: true, Threat: Scale(p, t)})
		}
		for _, p := range neg {
			s.Add(Observation{Threat: Scale(p, t)})
		}
		s.calibrate()
		return s.ECE
	}
	if before, after := ece(1), ece(got); after > before/5 {
		t.Errorf("calibration error %v, scaled %v", before, after)
	}
}

func TestTemperatureOfSeparatedScores(t *testing.T) {
	if _, ok := Temperature([]float64{0.9, 0.8}, []float64{0.1, 0.2}); ok {
		t.Error("separated scores have no best temperature")
	}
	if _, ok := Temperature(nil, []float64{0.1}); ok {
		t.Error("one class has no temperature")
	}
}
