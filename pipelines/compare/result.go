package compare

import (
	"context"

	"rein/cache"
	"rein/engine/record"
	"rein/steps/stats"
)

// SchemaVersion is the version of the JSON form; see schema.json.
const SchemaVersion = 2

// BaselineName names the baseline in tests.
const BaselineName = "baseline"

// Blobs opens stored content: *cache.Store is one.
type Blobs interface {
	Path(ctx context.Context, b cache.Blob) (string, error)
}

// Input is what is compared.
type Input struct {
	Pipelines []record.Pipeline
	Sweeps    []Sweep           // whose points are among the pipelines; without their effects
	Controls  map[string]string // by the name of a pipeline: the strategy that it is the control of
	Blobs     Blobs             // nil: figures alone, no paired tests
	// Memo keeps what tests say, and Program tells this build from every other: with both, tests that were done before are not done again.
	Memo        Memo
	Program     string
	Assumptions *Assumptions
	Scorers     func(ctx context.Context, model string) (Scorer, error) // opens a model's folder; nil: no words are left out to see what they do
}

// Result is a comparison. Its JSON form is a contract: package render writes it, with sentences beside the codes.
type Result struct {
	Schema         int             `json:"schema"`
	Baseline       Baseline        `json:"baseline"`
	Strategies     []*Strategy     `json:"strategies"`
	Tests          []Test          `json:"tests"`
	Recommendation Recommendation  `json:"recommendation"`
	Contradictions []Contradiction `json:"plan_check,omitempty"` // of the planned figures
	Assumptions    Assumptions     `json:"assumptions"`
	Sweeps         []Sweep         `json:"sweeps,omitempty"`
	Notes          []Finding       `json:"-"` // what could not be compared, and why
	traffic        bool            // somebody has said how many prompts there are
	blobs          Blobs
	scorers        func(ctx context.Context, model string) (Scorer, error)
	detail         map[string]*run // by strategy, and BaselineName: for the report
	tests          remembered
}

// Baseline is the yardstick: the model before any reinforcement.
type Baseline struct {
	Step     string            `json:"step,omitempty"`
	Measured map[string]Figure `json:"measured"`
	Missing  Finding           `json:"-"` // why there is nothing measured; nil: there is
	Promise  *Promise          `json:"promise,omitempty"`

	WorstSlice *stats.Slice `json:"worst_slice,omitempty"`
}

// Strategy is one column.
type Strategy struct {
	Name        string                        `json:"name"`
	Title       string                        `json:"title"`
	ControlOf   string                        `json:"control_of,omitempty"` // the strategy whose variations are copies here
	File        string                        `json:"file"`
	Recommended bool                          `json:"recommended"`
	Verdict     string                        `json:"verdict"` // Approve, Reject or Control
	Concerns    []Finding                     `json:"-"`
	Planned     map[string]any                `json:"planned"`
	Expected    map[string]record.Expectation `json:"expected"`
	Measured    map[string]Figure             `json:"measured"`
	Promise     *Promise                      `json:"promise,omitempty"`
	WorstSlice  *stats.Slice                  `json:"worst_slice,omitempty"` // of the rows that the verdict rests on
	Targets     map[string]record.Expectation `json:"targets,omitempty"`
	Gates       []Gate                        `json:"gates"`
	Stars       int                           `json:"stars"`           // 0 to 5: see stars
	Missing     Finding                       `json:"-"`               // why it has no figures; nil: it has
	Notes       []string                      `json:"notes,omitempty"` // shortages and recorded breaches that its steps told
	Business    *Business                     `json:"business,omitempty"`
	Steps       []Timing                      `json:"steps"`
	CriticalMS  int64                         `json:"critical_path_ms"` // longest chain of its steps, as measured
	HumanDays   float64                       `json:"human_days"`       // stated, on the longest chain with them
	ElapsedMS   int64                         `json:"elapsed_ms"`       // measured, on that chain
}

// The verdicts.
const (
	Approve = "approve"
	Reject  = "reject"
)

// Figure is a measured value, with a 95% interval where there is one.
type Figure struct {
	Value float64  `json:"value"`
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
	// The interval over sources, where the figure is of new ones: sources are drawn, not rows.
	SourcesLow  *float64 `json:"sources_low,omitempty"`
	SourcesHigh *float64 `json:"sources_high,omitempty"`
}

// OverSources is the figure with its interval over sources, if it has one: the next thing to arrive is a source. At neither end is it
// inside the interval over rows: where no source has an alarm, the sources don't differ, and their few rows still show little.
func (f Figure) OverSources() Figure {
	if f.SourcesLow == nil || f.SourcesHigh == nil {
		return f
	}
	over := stats.Interval{Value: f.Value, Low: *f.SourcesLow, High: *f.SourcesHigh}
	if f.Low != nil && f.High != nil {
		over = over.Around(stats.Interval{Value: f.Value, Low: *f.Low, High: *f.High})
	}
	f.Low, f.High = &over.Low, &over.High
	return f
}

// Promise is what a strategy's threshold says of a further source: with the probability, its FP rate is at most the limit.
type Promise struct {
	Limit       float64 `json:"limit"`
	Sources     int     `json:"sources"`     // that the threshold rests on
	Probability float64 `json:"probability"` // 0: none is made
	Wanted      float64 `json:"wanted"`      // what was asked for
	Needs       int     `json:"needs"`       // sources that this takes
}

// FigureOf is an interval as a figure.
func FigureOf(i stats.Interval) Figure { return Figure{Value: i.Value, Low: &i.Low, High: &i.High} }

// The gates that limit no figure.
const (
	StepsGate   = "steps"   // every step has a result
	BalanceGate = "balance" // of the rows to train on: not critical
	GainGate    = "gain"    // tests show it to be better than the baseline
	LossGate    = "loss"    // and don't show it to be worse
)

// Gate is one condition of the approval.
type Gate struct {
	Name   string              `json:"name"` // a metric, "expected " and a metric, or one of the above
	Metric string              `json:"metric,omitempty"`
	Limits *record.Expectation `json:"limits,omitempty"` // of the metric
	Figure *Figure             `json:"figure,omitempty"` // of the metric, or the balance's severity; nil: not measured
	Slice  *stats.Slice        `json:"slice,omitempty"`  // the worst one, where the metric is one of slices
	Benign *float64            `json:"benign_share,omitempty"`
	Tests  []Test              `json:"tests,omitempty"` // GainGate: those that could show a gain; LossGate: those that show a loss
	// Missing is why a step has no result.
	Missing Finding `json:"-"`
	Passed  bool    `json:"passed"` // false if not measured
	Shown   bool    `json:"shown"`  // the whole interval is within
	// Binding: a run that doesn't pass it fails.
	Binding bool `json:"binding,omitempty"`
}

// Test is a paired comparison of B with A on the same rows.
type Test struct {
	A          string     `json:"a"`
	B          string     `json:"b"`
	Metric     string     `json:"metric"`
	P          float64    `json:"p"` // adjusted for the number of tests against the baseline, or of pairs of strategies (Holm)
	Conclusion Conclusion `json:"code"`
	Raw        float64    `json:"p_raw"`
	Difference Figure     `json:"difference"` // B minus A
	Rows       int        `json:"rows"`
	// Of new sources: the difference with an interval over sources, which are drawn, and its p-value; Raw is the larger one.
	Sources     int     `json:"sources,omitempty"`
	OverSources *Figure `json:"over_sources,omitempty"`
	SourcesP    float64 `json:"p_sources,omitempty"`
	OnlyA       int     `json:"only_a"`         // rows that A alone flags
	OnlyB       int     `json:"only_b"`         // rows that B alone flags
	Detectable  float64 `json:"detectable"`     // least difference that these rows show with 80% power
	Need        int     `json:"need,omitempty"` // rows that would show this difference
	// Where one side trained several seeds, the difference is that of the means over them, and seeds are drawn as rows are.
	SeedsA    int `json:"seeds_a,omitempty"`
	SeedsB    int `json:"seeds_b,omitempty"`
	NeedSeeds int `json:"need_seeds,omitempty"` // seeds of each that would show this difference
	// Of incomparable: what each was evaluated on.
	RowsOf *[2]RowSet `json:"-"`
}

// RowSet is a set of rows that something was evaluated on.
type RowSet struct {
	Data string // digest of its content
	Rows int
}

// Decided is the difference with the interval that belongs to the p-value: over sources where they say less than rows.
func (t *Test) Decided() Figure {
	if t.OverSources != nil && t.SourcesP >= t.Raw {
		return *t.OverSources
	}
	return t.Difference
}

// Conclusion is what a test says of B against A.
type Conclusion string

// The conclusions.
const (
	Better         Conclusion = "better"
	Worse          Conclusion = "worse"
	NotShown       Conclusion = "not-shown"
	TooFewRows     Conclusion = "too-few-rows"
	TooFewSeeds    Conclusion = "too-few-seeds"
	TooFewSources  Conclusion = "too-few-sources"
	OtherThreshold Conclusion = "other-threshold" // the figures differ because the thresholds do: at one FP rate, that isn't shown
	Incomparable   Conclusion = "incomparable"
)

// Needs is how many rows, seeds or sources a test would need that has too few; 0 for others.
func (t Test) Needs() int {
	switch t.Conclusion {
	case TooFewRows:
		return max(fewest, t.Need)
	case TooFewSeeds:
		return t.NeedSeeds
	case TooFewSources:
		return fewestSources
	}
	return 0
}

// Recommendation is the rule's choice and why.
type Recommendation struct {
	Strategy string    `json:"strategy"` // "": none
	Why      []Finding `json:"-"`
}

// Contradiction is one of a strategy's planned figures, or alike of all strategies'.
type Contradiction struct {
	Strategy string // "": of all
	Finding
}

// Timing is what one step cost when it was made.
type Timing struct {
	Name     string       `json:"name"`
	Type     string       `json:"type"`
	Stage    record.Stage `json:"stage,omitempty"`    // of the timeline
	Measures bool         `json:"measures,omitempty"` // no part of what the model costs
	Status   string       `json:"status"`
	MS       int64        `json:"ms"`
	Needs    []string     `json:"needs,omitempty"`
	Device   string       `json:"device,omitempty"`
	Shared   bool         `json:"shared,omitempty"` // the baseline's: not the strategy's own cost
}
