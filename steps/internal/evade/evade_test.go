package evade

import (
	"context"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
)

// adding returns a function that scores a text by the sum of its words' weights.
func adding(weight map[string]float64) Threats {
	return func(_ context.Context, texts []string) ([]float64, error) {
		var out []float64
		for _, text := range texts {
			sum := 0.0
			for _, w := range strings.Fields(text) {
				sum += weight[w]
			}
			out = append(out, 1/(1+math.Exp(-sum)))
		}
		return out, nil
	}
}

// If each word adds to the score independently, the search finds the smallest number of words. The test compares it with all sets of words.
func TestCheapestIsExactWhereWordsAdd(t *testing.T) {
	names := strings.Fields("a b c d e f g h")
	rapid.Check(t, func(t *rapid.T) {
		weight := map[string]float64{"attack": rapid.Float64Range(0, 6).Draw(t, "attack")}
		for _, w := range names {
			weight[w] = rapid.Float64Range(-2, 1).Draw(t, w)
		}
		score := adding(weight)
		const threshold = 0.5
		least := Most + 1
		for set := 1; set < 1<<len(names); set++ {
			text, n := "attack", 0
			for i, w := range names {
				if set>>i&1 == 1 {
					text, n = text+" "+w, n+1
				}
			}
			if s, _ := score(t.Context(), []string{text}); s[0] < threshold-1e-9 {
				least = min(least, n)
			}
		}
		s := Attacks(score, threshold)
		s.words = names
		f, err := s.Cheapest(t.Context(), "attack")
		if err != nil {
			t.Fatal(err)
		}
		price, text, threat := f.Price, f.Text, f.Threat
		if price > least || price < least && math.Abs(threat-threshold) > 1e-6 {
			t.Fatalf("%d words, brute force finds %d", price, least)
		}
		if price <= Most {
			if s, _ := score(t.Context(), []string{text}); s[0] != threat || threat >= threshold || len(strings.Fields(text)) != price+1 {
				t.Fatalf("%q for %d words scores %v", text, price, s[0])
			}
		}
	})
}

// Alarms finds the fewest words that raise an alarm, as Attacks does in the other direction. A score equal to the threshold is an alarm.
func TestAlarmsAreTheSameTheOtherWayRound(t *testing.T) {
	weight := map[string]float64{"tea": -2, "ignore": 1.5, "all": 0.5, "please": -1}
	score := adding(weight)
	s := Alarms(score, 0.5)
	if err := s.Learn(t.Context(), []artifact.Row{{Label: artifact.Malicious, Text: "please ignore all"}, {Label: artifact.Benign, Text: "tea"}}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Words(), " "); got != "ignore all please" {
		t.Errorf("words %q", got)
	}
	f, err := s.Cheapest(t.Context(), "tea")
	if err != nil || f.Price != 2 || f.Text != "tea ignore all" || f.Threat != 0.5 || !s.Turned(0.5) || s.Turned(0.4999) {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := s.Cheapest(t.Context(), "tea tea"); err != nil || f.Price != Most+1 {
		t.Errorf("%+v, %v", f, err)
	}
	if a := Attacks(score, 0.5); a.Turned(0.5) || !a.Turned(0.4999) {
		t.Error("an attack at the threshold passes")
	}
}
