package stats

import (
	"math/rand/v2"
	"testing"
)

func sliced(rates map[string]float64, rows map[string]int, rng *rand.Rand) *Set {
	s := NewSet()
	for name, n := range rows {
		for range n {
			s.Add(Observation{Flagged: rng.Float64() < rates[name], Category: "general", Slices: map[string]string{"language": name}})
		}
	}
	return s
}

// The worst slice must be one that is shown to be bad: two alarms in three rows don't outweigh a tenth of a thousand.
func TestWorstSlice(t *testing.T) {
	s := NewSet()
	for name, c := range map[string][2]int{"de": {100, 1000}, "fi": {2, 3}, "en": {10, 5000}} {
		for i := range c[1] {
			s.Add(Observation{Flagged: i < c[0], Category: "general", Slices: map[string]string{"language": name}})
		}
	}
	w := s.WorstSlice()
	if w == nil || w.By != "language" || w.Value != "de" || w.Of != 3 || w.Small != 1 || w.Reach != w.Rate.High || w.Rate.Value != 0.1 || w.Rate.Low >= 0.1 || w.Rate.High <= 0.1 {
		t.Errorf("%+v", w)
	}
	if w := s.WorstFPRate("language"); w.Of != 2 || w.Value != "de" {
		t.Errorf("%+v", w)
	}
	if NewSet().WorstSlice() != nil {
		t.Error("a worst slice of nothing")
	}
}

// Where all slices have the same rate, a gate at that rate is broken by chance in at most 2.5% of the evaluations, however many slices
// there are.
func TestWorstSliceIsNotChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	rates, rows := map[string]float64{}, map[string]int{}
	for i := range 20 {
		name := string(rune('a' + i))
		rates[name], rows[name] = 0.02, 50+20*i
	}
	const trials = 400
	broken := 0
	for range trials {
		if w := sliced(rates, rows, rng).WorstSlice(); w.Rate.Low > 0.02 {
			broken++
		}
	}
	if broken > trials/25 {
		t.Errorf("broken by chance in %d of %d", broken, trials)
	}
}

// The worst slice by recall is the one whose recall is shown to be lowest, so the bounds are reversed.
func TestWorstRecall(t *testing.T) {
	s := NewSet()
	for name, c := range map[string][2]int{"de": {500, 1000}, "fi": {0, 29}, "en": {990, 1000}, "fr": {9, 30}} {
		for i := range c[1] {
			s.Add(Observation{Malicious: true, Flagged: i < c[0], Category: "pii", Slices: map[string]string{"language": name}})
		}
	}
	w := s.WorstRecall("language")
	if w == nil || w.Value != "fr" || w.Of != 3 || w.Small != 1 || w.Rate.High > 0.55 || w.Reach != w.Rate.Low {
		t.Errorf("%+v", w)
	}
	if w := s.WorstRecall("category"); w == nil || w.Value != "pii" || w.Of != 1 {
		t.Errorf("%+v", w)
	}
	if s.WorstFPRate("language") != nil || s.WorstRecall("role") != nil {
		t.Error("a worst slice of nothing")
	}
}
