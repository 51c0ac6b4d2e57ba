package threshold

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/stats"
)

func highestFirst(v []float32) []float32 {
	slices.SortFunc(v, func(a, b float32) int { return cmp.Compare(b, a) })
	return v
}

// Over many samples of traffic, the threshold's true FP rate keeps the limit at least as often as the confidence says. The scores of benign
// rows are uniform here, so the true FP rate at a threshold is 1 minus the threshold. The traffic also has attacks, some of which the model
// catches.
func TestTrafficKeepsItsLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const samples = 400
	for name, c := range map[string]struct {
		rule   Traffic
		share  float64 // share of the rows that are attacks
		caught float64
		n      int
	}{
		"no attacks":      {Traffic{Limit: 0.01, Sure: 0.95}, 0, 0, 500},
		"caught":          {Traffic{Limit: 0.02, Share: 0.01, Sure: 0.95}, 0.01, 1, 700},
		"never caught":    {Traffic{Limit: 0.05, Share: 0.05, Sure: 0.95}, 0.05, 0, 400},
		"labelled ones":   {Traffic{Limit: 0.05, Share: 0.05, Least: 0.04, Sure: 0.95, Attacks: attacks(rng, 300, 0.7)}, 0.05, 0.7, 600},
		"fewer than said": {Traffic{Limit: 0.05, Share: 0.10, Least: 0.02, Sure: 0.95, Attacks: attacks(rng, 300, 0.7)}, 0.02, 0.7, 600},
	} {
		kept := 0
		for range samples {
			scores := make([]float32, c.n)
			for i := range scores {
				scores[i] = rng.Float32()
				if rng.Float64() < c.share {
					scores[i] = attacks(rng, 1, c.caught)[0]
				}
			}
			got := c.rule.Choose(highestFirst(scores))
			if got.Need > 0 || got.AtMost > c.rule.Limit {
				t.Fatalf("%s: %+v", name, got)
			}
			if 1-got.Threshold <= c.rule.Limit {
				kept++
			}
		}
		if low := stats.Wilson(kept, samples).High; low < 0.95 {
			t.Errorf("%s: kept by %d of %d samples", name, kept, samples)
		}
	}
}

// attacks draws scores of n attacks: those that are caught score very high, the others very low.
func attacks(rng *rand.Rand, n int, caught float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 0.001 * rng.Float32()
		if rng.Float64() < caught {
			out[i] = 1 - out[i]
		}
	}
	return out
}

// Labelled attacks lower the threshold, because flagged attacks aren't false positives.
func TestLabelledAttacksTighten(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	scores := attacks(rng, 200, 1)
	for range 4800 {
		scores = append(scores, rng.Float32())
	}
	highestFirst(scores)
	loose := Traffic{Limit: 0.05, Share: 0.045, Least: 0.035, Sure: 0.95}
	tight := loose
	tight.Attacks = attacks(rng, 1000, 1)
	a, b := loose.Choose(scores), tight.Choose(scores)
	if b.Threshold >= a.Threshold || b.Flagged <= a.Flagged {
		t.Errorf("with labels %+v, without %+v", b, a)
	}
}

// The threshold is the lowest one: the next lower score would break the limit.
func TestTrafficIsTheLowest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 600).Draw(t, "n")
		levels := rapid.IntRange(1, 1000).Draw(t, "levels") // few levels give many ties
		scores := make([]float32, n)
		for i := range scores {
			scores[i] = float32(rapid.IntRange(0, levels).Draw(t, "score")) / float32(levels)
		}
		highestFirst(scores)
		rule := Traffic{Limit: 0.03, Share: 0.01, Sure: 0.95}
		got := rule.Choose(scores)
		if enough := n >= rule.Need(); enough != (got.Need == 0) {
			t.Fatalf("%d rows, need %d: %+v", n, rule.Need(), got)
		}
		if got.Need > 0 {
			return
		}
		if got.AtMost > rule.Limit+1e-9 {
			t.Fatalf("%+v is over the limit", got)
		}
		if got.Flagged < n {
			lower := rule.At(float64(scores[got.Flagged]), scores)
			if lower.AtMost <= rule.Limit {
				t.Fatalf("%+v keeps the limit, too; chosen was %+v", lower, got)
			}
		}
	})
}

// With fewer planted rows than Owned, an honest row decides the threshold. With Owned planted rows, none does.
func TestOwned(t *testing.T) {
	rule := Traffic{Limit: 0.02, Share: 0.01, Sure: 0.95}
	rng := rand.New(rand.NewPCG(3, 4))
	honest := make([]float32, 1000)
	for i := range honest {
		honest[i] = 0.9 * rng.Float32()
	}
	owned := rule.Owned(len(honest))
	for planted, want := range map[int]bool{owned - 1: false, owned: true} {
		scores := slices.Clone(honest)
		for range planted {
			scores = append(scores, 0.99)
		}
		if got := rule.Choose(highestFirst(scores)).Threshold > 0.9; got != want {
			t.Errorf("%d planted rows choose the threshold: %v, want %v", planted, got, want)
		}
	}
	// Flooded removes as many rows as the share allows, so its threshold is about that of the honest rows.
	scores := slices.Clone(honest)
	for range 10 {
		scores = append(scores, 0.99)
	}
	alone := rule
	alone.Share = 0
	if got, want := rule.Flooded(highestFirst(scores)).Threshold, alone.Choose(highestFirst(honest)).Threshold; math.Abs(got-want) > 1e-6 {
		t.Errorf("without the planted rows %v, the honest ones say %v", got, want)
	}
}
