package threshold

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"rein/steps/stats"
)

// Traffic chooses a threshold on rows without labels. It relies on a limit for the share of attacks: then the share of benign rows is at
// least the rest, and the FP rate is at most the flagged share of all rows divided by that rest.
type Traffic struct {
	Limit float64 // largest FP rate
	Share float64 // largest share of the rows that are attacks
	Least float64 // smallest share of the rows that are attacks; only used with Attacks
	Sure  float64 // confidence that the FP rate is within the limit, over samples of the traffic
	// Attacks are threat scores of labelled attacks. They show what share of attacks the model catches. That share of the traffic's
	// attacks, which are between Least and Share of the rows, doesn't count as false positives.
	Attacks []float32
}

// Check returns an error if a figure is out of range.
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

// Calibrated is a threshold for traffic, and what it does to the traffic.
type Calibrated struct {
	Threshold float64 `json:"threshold"` // above 1 if a threshold at the highest score would flag too many rows
	Flagged   int     `json:"flagged"`   // number of flagged rows
	AtMost    float64 `json:"fp_rate_at_most"`
	// Need is 0 if there were enough rows. Else it is how many rows are needed to show the limit, and there is no threshold.
	Need int `json:"need,omitempty"`
}

// Need is how many rows are needed to show the limit with a threshold that flags none of them.
func (t Traffic) Need() int { return need(t.Limit*(1-t.Share), t.Sure) }

// need returns the least n for which 0 hits in n rows show a rate of at most limit.
func need(limit, sure float64) int { return int(math.Ceil(math.Log1p(-sure) / math.Log1p(-limit))) }

// Choose returns the lowest threshold that keeps the limit. scores are the traffic's threat scores, highest first.
//
// The number of rows that may be flagged depends only on the number of rows. Of n scores, take the (k+1)-th highest: the share of all
// traffic above it has the distribution Beta(k+1, n-k). So the confidence is exact for any distribution of the scores.
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

// over returns the lowest threshold that flags at most the first k scores.
func over(scores []float32, k int) float64 {
	if k >= len(scores) {
		return 0
	}
	return float64(math.Nextafter32(scores[k], 2))
}

// flagged returns how many of the scores, highest first, are equal to or above the threshold.
func flagged(scores []float32, threshold float64) int {
	n, _ := slices.BinarySearchFunc(scores, threshold, func(s float32, t float64) int {
		if float64(s) >= t {
			return -1
		}
		return 1
	})
	return n
}

// At tells what a given threshold does to the traffic.
func (t Traffic) At(threshold float64, scores []float32) Calibrated {
	k := flagged(scores, threshold)
	return Calibrated{Threshold: threshold, Flagged: k, AtMost: min(1, stats.AtMost(k, len(scores), t.Sure)/(1-t.Share))}
}

// unreachable is a threshold above all scores.
const unreachable = 2

// step is the distance between the thresholds that subtract tries, in log-odds. furthest is where it begins.
const step, furthest = 0.02, 17

// subtract tries a fixed list of thresholds from the highest down, and stops at the first one for which the limit isn't shown. Because it
// tries no later one, the tests need no correction for their number. A test uses two bounds, each with half of the allowed doubt.
func (t Traffic) subtract(scores []float32) Calibrated {
	attacks := slices.SortedFunc(slices.Values(t.Attacks), func(a, b float32) int { return cmp.Compare(b, a) })
	sure := 1 - (1-t.Sure)/2
	if stats.AtMost(0, len(scores), sure)/(1-t.Least) > t.Limit {
		return Calibrated{Need: need(t.Limit*(1-t.Least), sure)}
	}
	best := Calibrated{Threshold: unreachable}
	k, hit, share, caught := -1, -1, 0.0, 0.0
	for x := float64(furthest); x > -furthest; x -= step {
		threshold := float64(float32(1 / (1 + math.Exp(-x))))
		if n := flagged(scores, threshold); n != k { // most thresholds flag the same rows as the one before
			k, share = n, stats.AtMost(n, len(scores), sure)
		}
		if n := flagged(attacks, threshold); n != hit {
			hit, caught = n, stats.AtLeast(n, len(attacks), sure)
		}
		bound := 0.0
		for _, pi := range []float64{t.Least, t.Share} { // the bound is monotonic in the share, so the two ends suffice
			bound = max(bound, (share-pi*caught)/(1-pi))
		}
		if bound > t.Limit {
			break
		}
		best = Calibrated{Threshold: threshold, Flagged: k, AtMost: bound}
	}
	return best
}

// Flooded returns the threshold that the traffic gives without its highest scores, as many as Share allows. If attackers planted these,
// they raised the threshold by at most the difference to Choose.
func (t Traffic) Flooded(scores []float32) Calibrated {
	planted := int(t.Share * float64(len(scores)))
	clean := t
	clean.Share, clean.Attacks = 0, nil
	return clean.Choose(scores[planted:])
}

// Owned returns how many planted rows, beside n honest ones, let their author choose the threshold.
func (t Traffic) Owned(n int) int {
	for planted := 1; ; planted++ {
		if planted > stats.MostBelow(n+planted, t.Limit*(1-t.Share), t.Sure) {
			return planted
		}
	}
}
