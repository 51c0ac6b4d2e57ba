package robustness

import (
	"context"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

// Where each word adds to the score by itself, the search finds the least number of words: brute force over all sets of them agrees.
func TestCheapestIsExactWhereWordsAdd(t *testing.T) {
	names := strings.Fields("a b c d e f g h")
	rapid.Check(t, func(t *rapid.T) {
		weight := map[string]float64{"attack": rapid.Float64Range(0, 6).Draw(t, "attack")}
		for _, w := range names {
			weight[w] = rapid.Float64Range(-2, 1).Draw(t, w)
		}
		score := func(_ context.Context, texts []string) ([]float64, error) {
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
		const threshold = 0.5
		least := mostWords + 1
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
		price, text, threat, err := cheapest(t.Context(), score, threshold, "attack", names)
		if err != nil {
			t.Fatal(err)
		}
		if price > least || price < least && math.Abs(threat-threshold) > 1e-6 {
			t.Fatalf("%d words, brute force finds %d", price, least)
		}
		if price <= mostWords {
			if s, _ := score(t.Context(), []string{text}); s[0] != threat || threat >= threshold || len(strings.Fields(text)) != price+1 {
				t.Fatalf("%q for %d words scores %v", text, price, s[0])
			}
		}
	})
}

// Of a model whose words don't add, the price is one that the model really takes.
func TestEvasionIsReal(t *testing.T) {
	env := stepstest.New(t, "report")
	out, err := run(t.Context(), env.Env, Config{Size: 30, Strengths: []float64{0.5}, Seed: 1, Evasion: 10}, In{Model: model(t), Rows: rows(t, artifact.Benign, artifact.Malicious)})
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, out)
	if r.Evasion == nil || r.Evasion.Attacks == 0 || r.Evasion.Attacks > 10 {
		t.Fatalf("%+v", r.Evasion)
	}
	for _, e := range r.Evasion.Found {
		if e.Score >= 0.6 || e.Before < 0.6 {
			t.Errorf("%+v is no evasion", e)
		}
	}
	if env.Metrics["evasion_words"] != r.Evasion.Median || env.Metrics["evasion_words_p10"] > r.Evasion.Median {
		t.Errorf("%v, %+v", env.Metrics, r.Evasion)
	}
	env = stepstest.New(t, "report")
	if _, err := run(t.Context(), env.Env, Config{Size: 30, Strengths: []float64{0.5}, Seed: 1}, In{Model: model(t), Rows: rows(t, artifact.Benign, artifact.Malicious)}); err != nil {
		t.Fatal(err)
	}
	if _, ok := env.Metrics["evasion_words"]; ok {
		t.Error("measured though nobody asked for it")
	}
}
