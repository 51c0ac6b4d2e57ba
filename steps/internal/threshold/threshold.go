// Package threshold chooses where a threat score becomes a verdict, on rows that are never reported on.
package threshold

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"rein/steps/stats"
)

// Rule says how a threshold is chosen.
type Rule struct {
	Kind    string  `json:"kind"`               // "fp_rate", "recall", "f1", "cost" or "fixed"
	AtMost  float64 `json:"at_most,omitempty"`  // for fp_rate: the limit
	Sure    float64 `json:"sure,omitempty"`     // for fp_rate: confidence that the true rate keeps it; 0: the rows' own rate has to
	AtLeast float64 `json:"at_least,omitempty"` // for recall: the limit
	Fixed   float64 `json:"fixed,omitempty"`    // for fixed: the threshold
	Costs   *Costs  `json:"costs,omitempty"`    // for cost
	For     string  `json:"for,omitempty"`      // for fp_rate: OwnTraffic or NewSources; "" is OwnTraffic
	Share   float64 `json:"share,omitempty"`    // for NewSources: of new sources that have to keep the limit
}

// What an fp_rate rule keeps its limit on.
const (
	OwnTraffic = "own_traffic" // on more rows of the validation rows' sources, all taken together
	NewSources = "new_sources" // on most sources that are like the validation rows' sources, each taken by itself
)

// Rows are scored validation rows.
type Rows struct {
	Scores []float32
	Benign func(i int) bool
	Source func(i int) string // nil: of no source
	// Others are benign scores of further sources, each by a model that hasn't seen the source. Only a rule for new sources reads
	// them. They stand for a source that is among the rows, too.
	Others map[string][]float64
}

// Choice is a threshold and what it rests on. A score at or above it means malicious.
type Choice struct {
	Threshold  float64        `json:"threshold"`
	OwnTraffic float64        `json:"own_traffic"`        // what the rule chooses from all rows together
	Promise    *stats.Promise `json:"promise,omitempty"`  // of a rule for new sources
	LeftOut    int            `json:"left_out,omitempty"` // of the promise's sources: those that the model has seen, and that models without them scored
}

// ChoiceFact is the key of a choice among what a model says of its training.
const ChoiceFact = "threshold_choice"

// ChoiceOf is the choice that a model says of its training; the zero Choice where it says none.
func ChoiceOf(training map[string]string) (c Choice, err error) {
	if said, ok := training[ChoiceFact]; ok {
		if err := json.Unmarshal([]byte(said), &c); err != nil {
			return c, fmt.Errorf("how the model's threshold was chosen: %w", err)
		}
	}
	return c, nil
}

// Doubt says what a threshold for new sources doesn't promise of them; empty: it promises what was asked for.
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

// Decide chooses the threshold. Where no source has enough benign rows, all rows together decide, and the promise is empty.
func (r Rule) Decide(rows Rows) Choice {
	c := Choice{OwnTraffic: r.Choose(rows.Scores, rows.Benign)}
	c.Threshold = c.OwnTraffic
	if r.Kind != "fp_rate" || r.For != NewSources {
		return c
	}
	at, promise, ok := stats.OverSources(r.ofSources(rows), r.AtMost, r.Share)
	if c.Promise = &promise; ok {
		c.Threshold = apart(rows, at)
	}
	return c
}

// apart moves a threshold that all but touches a row's score to the middle between it and the next one, so that rounding decides no
// row: the same rows are flagged.
func apart(rows Rows, at float64) float64 {
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

// ofSources are the own thresholds of the sources with enough benign rows.
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

// Costs say what the two kinds of mistake cost, in one unit, and how often there is something to miss.
type Costs struct {
	FalsePositive float64 `json:"false_positive"`
	Miss          float64 `json:"miss"`
	BaseRate      float64 `json:"base_rate"` // share of malicious prompts in daily traffic
}

// Of is the expected cost of a prompt at an FP rate and a recall.
func (c Costs) Of(fp, tp float64) float64 {
	return (1-c.BaseRate)*fp*c.FalsePositive + c.BaseRate*(1-tp)*c.Miss
}

// String says the rule in words.
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

// allowed is how many of n benign rows may be flagged by an fp_rate rule.
func (r Rule) allowed(n int) int {
	if r.Sure > 0 {
		return max(0, stats.MostBelow(n, r.AtMost, r.Sure))
	}
	return int(r.AtMost * float64(n))
}

// Doubt says why n benign rows can't show what the rule wants; empty: they can. The rule then flags none of them.
func (r Rule) Doubt(n int) string {
	if r.For == NewSources {
		return ""
	}
	if r.Kind != "fp_rate" || r.Sure == 0 || stats.MostBelow(n, r.AtMost, r.Sure) >= 0 {
		return ""
	}
	return fmt.Sprintf("%d benign validation rows can't show an FP rate of at most %v with %v confidence, which takes %d: the threshold flags none of them", n, r.AtMost, r.Sure, need(r.AtMost, r.Sure))
}

// Choose picks the threshold on scored validation rows, whatever their sources: a score at or above it means malicious.
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

// value is what the rule wants most of.
func (r Rule) value(tp, fp, positives, negatives int) float64 {
	switch r.Kind {
	case "fp_rate", "recall": // where the limit can't be kept, all is flagged
		return float64(tp)
	case "cost":
		return -r.Costs.Of(float64(fp)/float64(negatives), float64(tp)/float64(positives))
	}
	return f1(tp, fp, positives, negatives)
}

// between is a threshold that flags exactly the first k rows of the order.
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

// f1 is the macro mean of both labels' F1.
func f1(tp, fp, positives, negatives int) float64 {
	one := func(hit, wrong, all int) float64 { // 2 hit / (predicted + actual)
		if hit == 0 {
			return 0
		}
		return 2 * float64(hit) / float64(hit+wrong+all)
	}
	return (one(tp, fp, positives) + one(negatives-fp, positives-tp, negatives)) / 2
}

// Rates are the shares of benign and of malicious rows at or above the threshold.
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
