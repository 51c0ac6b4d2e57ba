package threshold

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rows draws scores from few values, so that ties are common, and labels of both kinds.
func rows(t *rapid.T) (scores []float32, benign func(int) bool) {
	n := rapid.IntRange(2, 40).Draw(t, "rows")
	labels := make([]bool, n)
	for i := range n {
		scores = append(scores, float32(rapid.IntRange(0, 12).Draw(t, "score"))/16)
		labels[i] = rapid.Bool().Draw(t, "benign")
	}
	labels[0], labels[1] = true, false
	return scores, func(i int) bool { return labels[i] }
}

// No threshold with an allowed FP rate has a higher recall than the chosen one.
func TestChooseIsTheBestAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores, benign := rows(t)
		r := Rule{Kind: "fp_rate", AtMost: rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "at most")}
		fp, tp := Rates(scores, r.Choose(scores, benign), benign)
		if fp > r.AtMost {
			t.Fatalf("FP rate %v, allowed %v", fp, r.AtMost)
		}
		for cut := 0.0; cut <= 1; cut += 1.0 / 32 {
			if fp2, tp2 := Rates(scores, cut, benign); fp2 <= r.AtMost && tp2 > tp {
				t.Fatalf("recall %v; at %v it would be %v with an FP rate of %v", tp, cut, tp2, fp2)
			}
		}
	})
}

// No threshold with enough recall has a lower FP rate than the chosen one.
func TestChooseByRecall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores, benign := rows(t)
		r := Rule{Kind: "recall", AtLeast: rapid.SampledFrom([]float64{0.5, 0.95, 1}).Draw(t, "at least")}
		fp, tp := Rates(scores, r.Choose(scores, benign), benign)
		if tp < r.AtLeast {
			t.Fatalf("recall %v, wanted %v", tp, r.AtLeast)
		}
		for cut := 0.0; cut <= 1; cut += 1.0 / 32 {
			if fp2, tp2 := Rates(scores, cut, benign); tp2 >= r.AtLeast && fp2 < fp {
				t.Fatalf("FP rate %v; at %v it would be %v with a recall of %v", fp, cut, fp2, tp2)
			}
		}
	})
}

func TestChooseF1(t *testing.T) {
	scores := []float32{0.9, 0.8, 0.7, 0.2, 0.1}
	labels := []bool{false, false, true, true, true} // whether each row is benign
	cut := Rule{Kind: "f1"}.Choose(scores, func(i int) bool { return labels[i] })
	if cut <= 0.7 || cut > 0.8 {
		t.Errorf("threshold %v does not part 0.7 from 0.8", cut)
	}
	if got := (Rule{Kind: "fixed", Fixed: 0.3}).Choose(scores, nil); got != 0.3 {
		t.Errorf("fixed at 0.3 gave %v", got)
	}
}

// No other threshold costs less, and a higher price of misses never raises the threshold.
func TestChooseByCost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores, benign := rows(t)
		c := Costs{FalsePositive: rapid.Float64Range(0.1, 10).Draw(t, "fp"), Miss: rapid.Float64Range(0.1, 1000).Draw(t, "miss"), BaseRate: rapid.Float64Range(0.001, 0.5).Draw(t, "base")}
		at := Rule{Kind: "cost", Costs: &c}.Choose(scores, benign)
		least := c.Of(Rates(scores, at, benign))
		for cut := 0.0; cut <= 1; cut += 1.0 / 32 {
			if cost := c.Of(Rates(scores, cut, benign)); cost < least-1e-9 {
				t.Fatalf("a prompt costs %v at %v; at %v it would be %v", least, at, cut, cost)
			}
		}
		dearer := c
		dearer.Miss *= 10
		if then := (Rule{Kind: "cost", Costs: &dearer}).Choose(scores, benign); then > at+1e-9 {
			t.Fatalf("threshold %v, and %v where a miss costs ten times as much", at, then)
		}
	})
}

// The rule chooses thresholds on many samples of validation rows. At most the stated share of them exceed the limit on the whole
// population.
func TestConfidenceKeepsTheTrueRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const draws, n, limit = 1000, 2000, 0.05
	for _, sure := range []float64{0, 0.5, 0.95} {
		over := 0
		for range draws {
			scores := make([]float32, 2*n)
			for i := range scores {
				scores[i] = rng.Float32() // the true FP rate at a threshold t is 1 - t
			}
			at := Rule{Kind: "fp_rate", AtMost: limit, Sure: sure}.Choose(scores, func(i int) bool { return i < n })
			if 1-at > limit {
				over++
			}
		}
		want := 1 - sure
		if sure == 0 {
			want = 0.5
		}
		if share := float64(over) / draws; math.Abs(share-want) > 0.05 {
			t.Errorf("confidence %v: %.3f of the thresholds exceed the limit", sure, share)
		}
	}
}

func TestTooFewRowsToBeSure(t *testing.T) {
	r := Rule{Kind: "fp_rate", AtMost: 0.01, Sure: 0.95}
	if r.Doubt(299) != "" || !strings.Contains(r.Doubt(298), "takes 299") || (Rule{Kind: "recall", Sure: 0.95}).Doubt(1) != "" {
		t.Error(r.Doubt(299), r.Doubt(298))
	}
	scores := []float32{0.9, 0.8, 0.7, 0.2}
	if fp, tp := Rates(scores, r.Choose(scores, func(i int) bool { return i == 1 }), func(i int) bool { return i == 1 }); fp != 0 || tp != 1.0/3 {
		t.Error(fp, tp)
	}
}

// A threshold for new sources isn't next to a row's score, and flags the rows that the order statistic says.
func TestDecideForNewSources(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var scores []float32
	var source []string
	for s := range 9 {
		for range 150 {
			scores = append(scores, float32(0.05*float64(s)+0.3*rng.Float64()))
			source = append(source, string(rune('a'+s)))
		}
	}
	benign := len(scores)
	for range 50 {
		scores, source = append(scores, float32(0.5+0.5*rng.Float64())), append(source, "attacks")
	}
	r := Rule{Kind: "fp_rate", AtMost: 0.01, For: NewSources, Share: 0.9}
	rows := Rows{Scores: scores, Benign: func(i int) bool { return i < benign }, Source: func(i int) string { return source[i] }}
	c := r.Decide(rows)
	if c.Promise == nil || c.Promise.Sources != 9 || c.Promise.Probability != 0.9 || !c.Promise.Kept() {
		t.Fatalf("%+v", c.Promise)
	}
	nearest := 1.0
	over := map[string]int{}
	for i, v := range scores {
		nearest = min(nearest, math.Abs(float64(v)-c.Threshold))
		if i < benign && float64(v) >= c.Threshold {
			over[source[i]]++
		}
	}
	if len(over) > 1 || over["i"] > 1 || c.Threshold <= c.OwnTraffic {
		t.Errorf("threshold %v (all rows together %v) flags %v", c.Threshold, c.OwnTraffic, over)
	}
	if at := awayFromScores(Rows{Scores: []float32{0.2, 0.4, 0.6}}, math.Nextafter(float64(float32(0.4)), 1)); math.Abs(at-0.5) > 1e-6 {
		t.Errorf("a threshold beside a score stays at %v", at)
	}
	rows.Source = func(i int) string { return source[i] + string(rune('a'+i%100)) } // sources with too few rows
	if c := r.Decide(rows); c.Promise == nil || c.Promise.Sources != 0 || c.Threshold != c.OwnTraffic {
		t.Errorf("no source has enough rows: %+v", c)
	}
}
