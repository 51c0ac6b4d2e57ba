// Package threshold chooses the threat score at and above which a text counts as malicious. It does so on rows that are never reported on.
package threshold

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"rein/steps/stats"
)

// Rule says how to choose a threshold.
type Rule struct {
	Kind    string  `json:"kind"`               // "fp_rate", "recall", "f1", "cost" or "fixed"
	AtMost  float64 `json:"at_most,omitempty"`  // for fp_rate: the largest FP rate
	Sure    float64 `json:"sure,omitempty"`     // for fp_rate: confidence that the true rate is within the limit; 0: the rows' rate has to be
	AtLeast float64 `json:"at_least,omitempty"` // for recall: the least recall
	Fixed   float64 `json:"fixed,omitempty"`    // for fixed: the threshold
	Costs   *Costs  `json:"costs,omitempty"`    // for cost
	For     string  `json:"for,omitempty"`      // for fp_rate: OwnTraffic or NewSources; "" is OwnTraffic
	Share   float64 `json:"share,omitempty"`    // for NewSources: the share of new sources on which the FP rate is within the limit
}

// What an fp_rate rule keeps its limit on.
const (
	OwnTraffic = "own_traffic" // further rows of the validation rows' sources, all together
	NewSources = "new_sources" // each of most new sources that are similar to the validation rows' sources
)

// Rows are validation rows with their threat scores.
type Rows struct {
	Scores []float32
	Benign func(i int) bool
	Source func(i int) string // "" if the row has no source; nil if no row has one
	// Others are scores of benign rows by source. A model that hasn't seen the source gave them. Only a rule for new sources reads them.
	// For a source that is also among the rows, these scores are used instead of the rows'.
	Others map[string][]float64
}

// Choice is a threshold and the evidence for it. A score equal to or above the threshold means malicious.
type Choice struct {
	Threshold  float64        `json:"threshold"`
	OwnTraffic float64        `json:"own_traffic"`        // the threshold that all rows together give
	Promise    *stats.Promise `json:"promise,omitempty"`  // what a rule for new sources can promise
	LeftOut    int            `json:"left_out,omitempty"` // sources of the promise that the model has seen, so models without them gave the scores
}

// ChoiceFact is the key of the Choice in a model's record of its training.
const ChoiceFact = "threshold_choice"

// ChoiceOf reads the Choice from a model's record of its training. It returns the zero Choice if there is none.
func ChoiceOf(training map[string]string) (c Choice, err error) {
	if said, ok := training[ChoiceFact]; ok {
		if err := json.Unmarshal([]byte(said), &c); err != nil {
			return c, fmt.Errorf("how the model's threshold was chosen: %w", err)
		}
	}
	return c, nil
}

// Doubt says what a threshold for new sources can't promise, or "" if it promises what was asked for.
func (c Choice) Doubt() string {
	switch p := c.Promise; {
	case p == nil || p.Kept():
		return ""
	case p.Sources == 0:
		return fmt.Sprintf("no source that the model hasn't seen has the %d benign rows that show an FP rate of %g%%: the threshold is that of all validation rows together, and promises nothing of new sources",
			stats.RowsOfSource(p.Limit), 100*p.Limit)
	default:
		return fmt.Sprintf("too few sources: the threshold keeps %g%% on %.0f%% of new sources, since it rests on %d; %.0f%% needs %d", 100*p.Limit, 100*p.Probability, p.Sources, 100*p.Wanted, p.Needs)
	}
}

// Decide chooses the threshold. If the rule is for new sources but no source has enough benign rows, all rows together decide, and the
// promise is empty.
func (r Rule) Decide(rows Rows) Choice {
	c := Choice{OwnTraffic: r.Choose(rows.Scores, rows.Benign)}
	c.Threshold = c.OwnTraffic
	if r.Kind != "fp_rate" || r.For != NewSources {
		return c
	}
	at, promise, ok := stats.OverSources(r.ofSources(rows), r.AtMost, r.Share)
	if c.Promise = &promise; ok {
		c.Threshold = awayFromScores(rows, at)
	}
	return c
}

// awayFromScores returns a threshold that flags the same rows, but isn't so close to a row's score that rounding could decide. A threshold
// that is too close moves to the middle between the two scores around it.
func awayFromScores(rows Rows, at float64) float64 {
	const close = 1e-5
	low, high := 0.0, 1.0
	beside := func(s float64) {
		if s < at {
			low = max(low, s)
		} else {
			high = min(high, s)
		}
	}
	for _, v := range rows.Scores {
		beside(float64(v))
	}
	for _, scores := range rows.Others {
		for _, v := range scores {
			beside(v)
		}
	}
	if at-low > close && high-at > close {
		return at
	}
	return low + (high-low)/2
}

// ofSources returns the threshold of each source that has enough benign rows.
func (r Rule) ofSources(rows Rows) []float64 {
	benign := maps.Clone(rows.Others)
	if benign == nil {
		benign = map[string][]float64{}
	}
	for i, v := range rows.Scores {
		if rows.Source == nil || rows.Source(i) == "" || !rows.Benign(i) {
			continue
		}
		source := rows.Source(i)
		if _, known := rows.Others[source]; !known {
			benign[source] = append(benign[source], float64(v))
		}
	}
	var own []float64
	for _, scores := range benign {
		if at, ok := stats.SourceThreshold(scores, r.AtMost); ok {
			own = append(own, at)
		}
	}
	return own
}

// Costs say what each kind of mistake costs, in one unit, and how frequent malicious prompts are.
type Costs struct {
	FalsePositive float64 `json:"false_positive"`
	Miss          float64 `json:"miss"`
	BaseRate      float64 `json:"base_rate"` // share of malicious prompts in daily traffic
}

// Of returns the expected cost of a prompt, given an FP rate and a recall.
func (c Costs) Of(fp, tp float64) float64 {
	return (1-c.BaseRate)*fp*c.FalsePositive + c.BaseRate*(1-tp)*c.Miss
}

// String describes the rule in words.
func (r Rule) String() string {
	switch r.Kind {
	case "fixed":
		return fmt.Sprintf("fixed at %v", r.Fixed)
	case "recall":
		return fmt.Sprintf("lowest FP rate on validation rows with a recall of at least %v", r.AtLeast)
	case "f1":
		return "highest F1 macro on validation rows"
	case "cost":
		return fmt.Sprintf("lowest expected cost on validation rows: %v a false positive, %v a miss, %v of prompts malicious", r.Costs.FalsePositive, r.Costs.Miss, r.Costs.BaseRate)
	}
	if r.For == NewSources {
		return fmt.Sprintf("highest recall with an FP rate of at most %v on %v of new sources, by the validation rows' sources", r.AtMost, r.Share)
	}
	if r.Sure > 0 {
		return fmt.Sprintf("highest recall on validation rows that show an FP rate of at most %v with %v confidence", r.AtMost, r.Sure)
	}
	return fmt.Sprintf("highest recall on validation rows with an FP rate of at most %v", r.AtMost)
}

// allowed returns how many of n benign rows an fp_rate rule may flag.
func (r Rule) allowed(n int) int {
	if r.Sure > 0 {
		return max(0, stats.MostBelow(n, r.AtMost, r.Sure))
	}
	return int(r.AtMost * float64(n))
}

// Doubt says why n benign rows can't show what the rule asks for, or "" if they can. If they can't, the rule flags none of them.
func (r Rule) Doubt(n int) string {
	if r.For == NewSources {
		return ""
	}
	if r.Kind != "fp_rate" || r.Sure == 0 || stats.MostBelow(n, r.AtMost, r.Sure) >= 0 {
		return ""
	}
	return fmt.Sprintf("%d benign validation rows can't show an FP rate of at most %v with %v confidence, which takes %d: the threshold flags none of them", n, r.AtMost, r.Sure, need(r.AtMost, r.Sure))
}

// Choose returns the threshold for scored validation rows, regardless of their sources. A score equal to or above it means malicious.
func (r Rule) Choose(scores []float32, benign func(i int) bool) float64 {
	if r.Kind == "fixed" {
		return r.Fixed
	}
	order := make([]int, len(scores))
	negatives := 0
	for i := range order {
		order[i] = i
		if benign(i) {
			negatives++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	allowed := r.allowed(negatives)
	best, bestAt, fp, tp := math.Inf(-1), 0, 0, 0
	for k := 0; ; k++ { // the first k rows would be flagged
		if k == len(order) || k == 0 || scores[order[k]] != scores[order[k-1]] {
			if r.Kind == "fp_rate" && fp > allowed {
				break
			}
			if r.Kind == "recall" && float64(tp) >= r.AtLeast*float64(len(order)-negatives) {
				bestAt = k
				break
			}
			if value := r.value(tp, fp, len(order)-negatives, negatives); value > best {
				best, bestAt = value, k
			}
		}
		if k == len(order) {
			break
		}
		if benign(order[k]) {
			fp++
		} else {
			tp++
		}
	}
	return between(scores, order, bestAt)
}

// value is what the rule maximises within its limit.
func (r Rule) value(tp, fp, positives, negatives int) float64 {
	switch r.Kind {
	case "fp_rate", "recall": // if no threshold reaches the recall, all rows are flagged
		return float64(tp)
	case "cost":
		return -r.Costs.Of(float64(fp)/float64(negatives), float64(tp)/float64(positives))
	}
	return f1(tp, fp, positives, negatives)
}

// between returns a threshold that flags exactly the first k rows of the order.
func between(scores []float32, order []int, k int) float64 {
	high, low := 1.0, 0.0
	if k > 0 {
		high = float64(scores[order[k-1]])
	}
	if k < len(order) {
		low = float64(scores[order[k]])
	}
	return low + (high-low)/2
}

// f1 is the macro F1: the mean of the F1 of both labels.
func f1(tp, fp, positives, negatives int) float64 {
	one := func(hit, wrong, all int) float64 { // 2 * hits / (predicted + actual)
		if hit == 0 {
			return 0
		}
		return 2 * float64(hit) / float64(hit+wrong+all)
	}
	return (one(tp, fp, positives) + one(negatives-fp, positives-tp, negatives)) / 2
}

// Rates returns the FP rate and the recall: the shares of benign and of malicious rows with a score equal to or above the threshold.
func Rates(scores []float32, threshold float64, benign func(i int) bool) (fp, tp float64) {
	var negatives, positives float64
	for i, s := range scores {
		flagged := 0.0
		if float64(s) >= threshold {
			flagged = 1
		}
		if benign(i) {
			negatives++
			fp += flagged
		} else {
			positives++
			tp += flagged
		}
	}
	return fp / negatives, tp / positives
}
