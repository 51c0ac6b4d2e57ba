package compare

// Finding is something that a comparison has to say: a code, and in its fields the names and figures that it is about. Package render
// makes its sentence.
type Finding interface{ Code() string }

// Why a column has no figures.
type (
	// StepFailed is a step that ended with an error.
	StepFailed struct {
		Step   string `json:"step"`
		Status string `json:"status,omitempty"`
		Error  string `json:"error"` // its first line
		Advice string `json:"advice,omitempty"`
	}
	// NeverRan is a result step without a record.
	NeverRan struct {
		Step string `json:"step"`
	}
	// NoResultStep is a file whose compare block names no result step.
	NoResultStep struct{}
	// NoResultYet is a result step that has measured nothing so far.
	NoResultYet struct {
		Step string `json:"step"`
	}
	// DroppedFromRace is a point that a race dropped.
	DroppedFromRace struct {
		Metric string `json:"metric"`
		Round  int    `json:"round"`
		Rounds int    `json:"rounds"`
		Lost   Loss   `json:"lost"`
	}
	// RaceStopped is a point that was left when the race ended early.
	RaceStopped struct {
		Why string `json:"why"` // as whoever ran the race says it
	}
)

// What could not be compared, or not as it was meant.
type (
	// OtherBaseline is a strategy whose baseline is not the one that is shown.
	OtherBaseline struct {
		Strategy string `json:"strategy"`
		Shown    string `json:"shown"` // the strategy whose baseline is shown
	}
	// OtherAssumption is an assumption in which strategies differ.
	OtherAssumption struct {
		Name     string  `json:"name"`
		Strategy string  `json:"strategy"` // whose value is used for all
		Value    float64 `json:"value"`
	}
	// Unreadable is content that could not be read.
	Unreadable struct {
		What  string `json:"what,omitempty"` // a column, or STEP.PORT
		Error string `json:"error"`
	}
	// SideNeverRan is a side of a difference without a record.
	SideNeverRan struct {
		Side string `json:"side"`
	}
	// SideMissing is a side of a difference without figures.
	SideMissing struct {
		Side string  `json:"side"`
		Why  Finding `json:"-"`
	}
)

// What speaks against a strategy.
type (
	// NotMeasured is a strategy without figures.
	NotMeasured struct {
		Why Finding `json:"-"` // Strategy.Missing
	}
	// GateMissed is a gate that wasn't passed.
	GateMissed struct {
		Gate Gate `json:"gate"`
	}
	// GateNotShown is a gate that was passed by a figure whose interval reaches beyond the limit.
	GateNotShown struct {
		Gate Gate `json:"gate"`
	}
	// SeedLuck is a target that the model which is used meets and the trainings on average don't.
	SeedLuck struct {
		Metric string  `json:"metric"`
		Mean   float64 `json:"mean"`
		Seeds  float64 `json:"seeds"`
	}
	// NewOverTarget is an FP rate on new sources over the target, which own traffic meets.
	NewOverTarget struct {
		Rate   float64 `json:"rate"`
		Target float64 `json:"target"`
	}
	// NewFPHigher is an FP rate that is much higher on new sources than on own traffic.
	NewFPHigher struct {
		New float64 `json:"new"`
		Own float64 `json:"own"`
	}
	// NewRecallLower is a recall at one FP rate that is lower on new sources than on own traffic.
	NewRecallLower struct {
		New float64 `json:"new"`
		Own float64 `json:"own"`
	}
	// RankingWorse is a ROC-AUC that a test shows to be worse than the baseline's.
	RankingWorse struct {
		Test Test `json:"test"`
	}
	// NothingPromised is a threshold that no validation source has enough rows for.
	NothingPromised struct{}
	// TooFewPromised is a threshold that rests on too few sources for what was asked of it.
	TooFewPromised struct {
		Promise Promise `json:"promise"`
	}
	// Unbalanced is a balance that is no gate and speaks against the strategy.
	Unbalanced struct {
		Severity float64  `json:"severity"`
		Benign   *float64 `json:"benign_share,omitempty"`
	}
)

// Why a strategy is recommended, or none.
type (
	// NothingToChoose is a comparison without strategies.
	NothingToChoose struct{}
	// OnOtherRows are two strategies that pass, measured on different rows.
	OnOtherRows struct {
		A string `json:"a"`
		B string `json:"b"`
	}
	// PassesAll is the recommended strategy with its main figures.
	PassesAll struct {
		Strategy string `json:"strategy"`
		Basis    string `json:"basis"` // Own or New
		AtRate   Figure `json:"recall_at_fp_1"`
		FPRate   Figure `json:"fp_rate"`
		Recall   Figure `json:"tp_rate"`
	}
	// OnlyOne passes of several.
	OnlyOne struct {
		Of int `json:"of"`
	}
	// HighestNotShown is the strategy with the highest recall, from which the chosen one doesn't differ significantly.
	HighestNotShown struct {
		Best   string  `json:"best"`
		AtRate float64 `json:"recall_at_fp_1"`
		P      float64 `json:"p"`
		Chosen string  `json:"chosen"`
		// What speaks for the chosen one: it finds more on new sources, or it has fewer rows to train on.
		OnNew     bool    `json:"on_new"`
		OfChosen  float64 `json:"of_chosen"` // the recall on new sources, or the rows
		OfHighest float64 `json:"of_best"`
	}
	// EqualsFollow are the strategies that don't differ significantly from the chosen one, which has the highest recall.
	EqualsFollow struct {
		Strategies []string `json:"strategies"`
	}
	// ShownHighest is a recall that is significantly higher than that of every other strategy that passes.
	ShownHighest struct{}
	// AgainstVolume is the test of the recommended strategy against plain copies of the same rows.
	AgainstVolume struct {
		Test Test `json:"test"`
	}
	// Rejected is a strategy with the gates that it fails.
	Rejected struct {
		Strategy string `json:"strategy"`
		Gates    []Gate `json:"gates"`
	}
	// NonePasses is a comparison without an approved strategy.
	NonePasses struct {
		Basis string `json:"basis"`
	}
	// Closest is the rejected strategy that fails the fewest gates.
	Closest struct {
		Strategy string `json:"strategy"`
		Gates    []Gate `json:"gates"`
	}
	// KeepInMind is what speaks against the recommended strategy.
	KeepInMind struct {
		Concerns []Finding `json:"-"` // the strategy's
	}
)

// What lies in the data and not in the strategies.
type (
	// BaselineSuffices is a baseline that meets the targets by itself.
	BaselineSuffices struct {
		Met []Met `json:"met"`
		// Where no recall is asked for, the FP rate alone is what a threshold is chosen for: recall is what there is to win.
		Recall *float64 `json:"tp_rate,omitempty"`
	}
	// FewFalsePositives is a pool with fewer false positives than any strategy asks for.
	FewFalsePositives struct {
		Found      float64 `json:"found"`
		NearMisses float64 `json:"near_misses"`
		Lower      bool    `json:"lower_threshold"` // every strategy can mine at a lower threshold, which gives more
	}
	// UnbalancedRows are rows to train on that are over the balance's limit before anything is added.
	UnbalancedRows struct {
		Benign  float64 `json:"benign_share"`
		Allowed float64 `json:"allowed"` // a limit for the most frequent class that these rows keep
	}
	// FewTestRows are too few benign rows to show that the FP rate keeps its target.
	FewTestRows struct {
		Rows   float64 `json:"rows"`
		Target float64 `json:"target"`
		Need   int     `json:"need"`
	}
)

// Met is a target that was reached.
type Met struct {
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
}

// Where the planned figures contradict each other.
type (
	// BalanceWord is a planned word for a balance that isn't one.
	BalanceWord struct {
		Benign float64 `json:"benign_share"`
		Word   string  `json:"word"`
	}
	// DaysDiffer are planned days that don't add up to their total.
	DaysDiffer struct {
		People   float64 `json:"people_days"`
		GPUHours float64 `json:"gpu_hours"`
		Total    float64 `json:"total_days"`
	}
	// CostDiffers is a planned cost that isn't the planned hours at the stated price.
	CostDiffers struct {
		GPUHours float64 `json:"gpu_hours"`
		Price    float64 `json:"gpu_hour_price"`
		Cost     float64 `json:"cost_usd"`
	}
	// PoolDiffers is a pool that holds another number of false positives than the planned coverage implies.
	PoolDiffers struct {
		Asked    float64 `json:"false_positives"`
		Coverage float64 `json:"coverage"`
		Held     float64 `json:"available_fps"`
	}
	// VerdictDiffers is a planned approval although a promised figure misses its target.
	VerdictDiffers struct {
		Gate Gate `json:"gate"` // of the promised figure
	}
	// SavingDiffers is a planned saving that isn't the avoided alarms at the stated price.
	SavingDiffers struct {
		Avoided float64 `json:"avoided_alarms"`
		Price   float64 `json:"ticket_cost"`
		Saving  float64 `json:"saving_usd"`
	}
)

func (StepFailed) Code() string        { return "step-failed" }
func (NeverRan) Code() string          { return "never-ran" }
func (NoResultStep) Code() string      { return "no-result-step" }
func (NoResultYet) Code() string       { return "no-result-yet" }
func (DroppedFromRace) Code() string   { return "dropped-from-race" }
func (RaceStopped) Code() string       { return "race-stopped" }
func (OtherBaseline) Code() string     { return "other-baseline" }
func (OtherAssumption) Code() string   { return "other-assumption" }
func (Unreadable) Code() string        { return "unreadable" }
func (SideNeverRan) Code() string      { return "side-never-ran" }
func (SideMissing) Code() string       { return "side-missing" }
func (NotMeasured) Code() string       { return "not-measured" }
func (GateMissed) Code() string        { return "gate-missed" }
func (GateNotShown) Code() string      { return "gate-not-shown" }
func (SeedLuck) Code() string          { return "seed-luck" }
func (NewOverTarget) Code() string     { return "new-over-target" }
func (NewFPHigher) Code() string       { return "new-fp-higher" }
func (NewRecallLower) Code() string    { return "new-recall-lower" }
func (RankingWorse) Code() string      { return "ranking-worse" }
func (NothingPromised) Code() string   { return "nothing-promised" }
func (TooFewPromised) Code() string    { return "too-few-promised" }
func (Unbalanced) Code() string        { return "unbalanced" }
func (NothingToChoose) Code() string   { return "nothing-to-choose" }
func (OnOtherRows) Code() string       { return "on-other-rows" }
func (PassesAll) Code() string         { return "passes-all" }
func (OnlyOne) Code() string           { return "only-one" }
func (HighestNotShown) Code() string   { return "highest-not-shown" }
func (EqualsFollow) Code() string      { return "equals-follow" }
func (ShownHighest) Code() string      { return "shown-highest" }
func (AgainstVolume) Code() string     { return "against-volume" }
func (Rejected) Code() string          { return "rejected" }
func (NonePasses) Code() string        { return "none-passes" }
func (Closest) Code() string           { return "closest" }
func (KeepInMind) Code() string        { return "keep-in-mind" }
func (BaselineSuffices) Code() string  { return "baseline-suffices" }
func (FewFalsePositives) Code() string { return "few-false-positives" }
func (UnbalancedRows) Code() string    { return "unbalanced-rows" }
func (FewTestRows) Code() string       { return "few-test-rows" }
func (BalanceWord) Code() string       { return "balance-word" }
func (DaysDiffer) Code() string        { return "days-differ" }
func (CostDiffers) Code() string       { return "cost-differs" }
func (PoolDiffers) Code() string       { return "pool-differs" }
func (VerdictDiffers) Code() string    { return "verdict-differs" }
func (SavingDiffers) Code() string     { return "saving-differs" }
