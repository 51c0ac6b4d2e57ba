package threshold

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"rein/steps/stats"
)

// Traffic chooses a threshold on rows without labels. At most a share of them are attacks, so the benign ones are at least the rest,
// and their FP rate is at most the flagged share of all rows over that rest.
type Traffic struct {
	Limit float64 // of the FP rate
	Share float64 // of the rows that are attacks: at most this
	Least float64 // at least this; used with Attacks
	Sure  float64 // confidence that the FP rate keeps the limit, over samples of the traffic
	// Attacks are threat scores of attacks that were labelled: what they show the model to catch is taken off the flagged share, as
	// far as Least says that there is so much.
	Attacks []float32
}

// Check says what is wrong with the figures.
func (t Traffic) Check() error {
	switch {
	case !(t.Limit > 0 && t.Limit < 1):
		return fmt.Errorf("limit %v: want an FP rate over 0 and under 1, such as 0.01", t.Limit)
	case !(t.Share >= 0 && t.Share < 1):
		return fmt.Errorf("attack share %v: want a share of the traffic from 0 to under 1, such as 0.01", t.Share)
	case !(t.Least >= 0 && t.Least <= t.Share):
		return fmt.Errorf("least attack share %v: want a share of the traffic from 0 to the attack share, which is %v", t.Least, t.Share)
	case !(t.Sure > 0 && t.Sure < 1):
		return fmt.Errorf("confidence %v: want one over 0 and under 1, such as 0.95", t.Sure)
	}
	return nil
}

// Calibrated is a threshold for traffic, and what it does there.
type Calibrated struct {
	Threshold float64 `json:"threshold"` // over 1 where even the highest score is too frequent
	Flagged   int     `json:"flagged"`   // rows of the traffic
	AtMost    float64 `json:"fp_rate_at_most"`
	// Need is how many rows it takes to show the limit; 0: the rows are enough. Where they aren't, there is no threshold.
	Need int `json:"need,omitempty"`
}

// Need is how many rows it takes to show the limit, when the threshold may flag none of them.
func (t Traffic) Need() int { return need(t.Limit*(1-t.Share), t.Sure) }

// need is the least n for which none of n shows a rate of at most limit.
func need(limit, sure float64) int { return int(math.Ceil(math.Log1p(-sure) / math.Log1p(-limit))) }

// Choose picks the lowest threshold that keeps the limit. scores are those of the traffic, highest first.
//
// How many rows may be flagged follows from how many there are, before any is seen. The share of all traffic over the k+1-th highest
// of n scores is a Beta(k+1, n-k) variable, so the confidence is exact, whatever the scores' distribution is.
func (t Traffic) Choose(scores []float32) Calibrated {
	if len(t.Attacks) > 0 && t.Least > 0 {
		return t.subtract(scores)
	}
	allowed := stats.MostBelow(len(scores), t.Limit*(1-t.Share), t.Sure)
	if allowed < 0 {
		return Calibrated{Need: t.Need()}
	}
	return t.At(over(scores, allowed), scores)
}

// over is the lowest threshold that flags none but the first k scores.
func over(scores []float32, k int) float64 {
	if k >= len(scores) {
		return 0
	}
	return float64(math.Nextafter32(scores[k], 2))
}

// flagged is how many of the scores, highest first, are at or over the threshold.
func flagged(scores []float32, threshold float64) int {
	n, _ := slices.BinarySearchFunc(scores, threshold, func(s float32, t float64) int {
		if float64(s) >= t {
			return -1
		}
		return 1
	})
	return n
}

// At is what a threshold that was chosen elsewhere does to the traffic.
func (t Traffic) At(threshold float64, scores []float32) Calibrated {
	k := flagged(scores, threshold)
	return Calibrated{Threshold: threshold, Flagged: k, AtMost: min(1, stats.AtMost(k, len(scores), t.Sure)/(1-t.Share))}
}

// none is a threshold that no score reaches.
const none = 2

// step is between the thresholds that are tried where labelled attacks are given, in log-odds; furthest is the first one.
const step, furthest = 0.02, 17

// subtract goes down a fixed list of thresholds until one is not shown to keep the limit: no later one is tried, so the tests need no
// correction for their number. Half of the doubt goes to each of the two bounds that a test uses.
func (t Traffic) subtract(scores []float32) Calibrated {
	attacks := slices.SortedFunc(slices.Values(t.Attacks), func(a, b float32) int { return cmp.Compare(b, a) })
	sure := 1 - (1-t.Sure)/2
	if stats.AtMost(0, len(scores), sure)/(1-t.Least) > t.Limit {
		return Calibrated{Need: need(t.Limit*(1-t.Least), sure)}
	}
	best := Calibrated{Threshold: none}
	k, hit, share, caught := -1, -1, 0.0, 0.0
	for x := float64(furthest); x > -furthest; x -= step {
		threshold := float64(float32(1 / (1 + math.Exp(-x))))
		if n := flagged(scores, threshold); n != k { // most thresholds are between the same scores as the one before
			k, share = n, stats.AtMost(n, len(scores), sure)
		}
		if n := flagged(attacks, threshold); n != hit {
			hit, caught = n, stats.AtLeast(n, len(attacks), sure)
		}
		bound := 0.0
		for _, pi := range []float64{t.Least, t.Share} { // the rate is monotonous in between
			bound = max(bound, (share-pi*caught)/(1-pi))
		}
		if bound > t.Limit {
			break
		}
		best = Calibrated{Threshold: threshold, Flagged: k, AtMost: bound}
	}
	return best
}

// Flooded is how far attacks among the traffic can have moved the threshold up: were the highest scores planted, as many as Share
// allows, this is the threshold that the other rows alone give.
func (t Traffic) Flooded(scores []float32) Calibrated {
	planted := int(t.Share * float64(len(scores)))
	clean := t
	clean.Share, clean.Attacks = 0, nil
	return clean.Choose(scores[planted:])
}

// Owned is how many planted rows, beside n honest ones, put the threshold wherever their author likes.
func (t Traffic) Owned(n int) int {
	for planted := 1; ; planted++ {
		if planted > stats.MostBelow(n+planted, t.Limit*(1-t.Share), t.Sure) {
			return planted
		}
	}
}
