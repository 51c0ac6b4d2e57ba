package compare

import (
	"maps"
	"math"
	"slices"
	"strings"

	"rein/engine/record"
	"rein/steps/stats"
)

// Severities of a balance.
const (
	concerning = 2
	Critical   = 3 // fails its gate
)

// judge passes a strategy through its gates and gathers what speaks against it.
func (r *Result) judge(s *Strategy) {
	if s.Missing != nil {
		s.Verdict = Reject
		s.Gates = append(s.Gates, Gate{Name: StepsGate, Missing: s.Missing})
		s.Concerns = append(s.Concerns, NotMeasured{s.Missing})
		return
	}
	s.Gates = append(s.Gates, Gate{Name: StepsGate, Passed: true, Shown: true})
	for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
		s.Gates = append(s.Gates, r.nameSlice(Check(name, s.Targets[name], s.Measured), s))
	}
	sev, ok := s.Measured["balance_severity"]
	if ok && r.limitsBalance(s) {
		s.Gates = append(s.Gates, Gate{Name: BalanceGate, Figure: &sev, Benign: s.benignShare(), Passed: sev.Value < Critical, Shown: true})
	}
	s.Gates = append(s.Gates, r.against(s)...)
	for _, name := range slices.Sorted(maps.Keys(s.Expected)) {
		if e := s.Expected[name]; e.Binding {
			g := r.nameSlice(Check(name, e, s.Measured), s)
			g.Name, g.Binding = "expected "+name, true
			s.Gates = append(s.Gates, g)
		}
	}
	s.Verdict = Approve
	for _, g := range s.Gates {
		switch {
		case !g.Passed:
			s.Verdict = Reject
			s.Concerns = append(s.Concerns, GateMissed{g})
		case !g.Shown:
			s.Concerns = append(s.Concerns, GateNotShown{g})
		}
	}
	s.Concerns = append(s.Concerns, s.seedConcern()...)
	s.Concerns = append(s.Concerns, r.generalisation(s)...)
	s.Concerns = append(s.Concerns, r.losses(s)...)
	s.Concerns = append(s.Concerns, s.promiseConcern()...)
	if ok && (sev.Value == concerning || sev.Value > concerning && !r.limitsBalance(s)) {
		s.Concerns = append(s.Concerns, Unbalanced{sev.Value, s.benignShare()})
	}
	s.Stars = stars(s)
	if s.ControlOf != "" {
		s.Verdict, s.Stars, s.Concerns = Control, 0, []Finding{}
	}
}

// benignShare is the share of benign rows that was measured; nil: it wasn't.
func (s *Strategy) benignShare() *float64 {
	if f, ok := s.Measured["benign_share"]; ok {
		return &f.Value
	}
	return nil
}

// nameSlice says in a gate over slices which slice it is about.
func (r *Result) nameSlice(g Gate, s *Strategy) Gate {
	if set := r.basisSet(s.Name); set != nil {
		g.Slice = set.WorstBy[g.Metric]
	}
	return g
}

// limitsBalance tells whether the balance is a gate of a strategy.
func (r *Result) limitsBalance(s *Strategy) bool {
	d := r.detail[s.Name]
	return d == nil || LimitsBalance(d.meta)
}

// LimitsBalance tells whether the balance is a gate: of rows of one's own it is where somebody has set the limit, for how
// unbalanced traffic is isn't a strategy's doing.
func LimitsBalance(meta record.Meta) bool {
	own := string(meta.Variables["train"].Value)
	return own == "" || own == `""` || own == "null" || given(meta.Variables["max_class_share"])
}

// given tells whether a variable has a value that somebody gave, not its default.
func given(v record.Variable) bool { return v.From != "" && !strings.HasPrefix(v.From, "default ") }

// Check holds a figure against an expectation or target.
func Check(name string, e record.Expectation, measured map[string]Figure) Gate {
	g := Gate{Name: name, Metric: name, Limits: &e}
	f, ok := measured[name]
	if !ok {
		return g
	}
	f = f.OverSources()
	low, high := f.Value, f.Value
	if f.Low != nil && f.High != nil {
		low, high = *f.Low, *f.High
	}
	least, most := Limits(e)
	g.Figure = &f
	g.Passed = f.Value >= least && f.Value <= most
	g.Shown = low >= least && high <= most
	return g
}

// Limits are the values that an expectation allows.
func Limits(e record.Expectation) (least, most float64) {
	least, most = math.Inf(-1), math.Inf(1)
	if e.Value != nil && e.Tolerance != nil {
		least, most = *e.Value-*e.Tolerance, *e.Value+*e.Tolerance
	}
	if e.AtLeast != nil {
		least = max(least, *e.AtLeast)
	}
	if e.AtMost != nil {
		most = min(most, *e.AtMost)
	}
	return least, most
}

// Summary is what one pipeline's own record says of it, without any other to compare it with.
type Summary struct {
	Figures map[string]Figure // of its result step and of those that only it has; empty where nothing was measured
	Gates   []Gate            // its targets, and the expectations that bind it
	Hopes   []Gate            // the expectations that don't bind it, set a limit and were measured
	Missing Finding           // why there is no result to compare; nil: there is one
}

// Summarize reads a pipeline's record. It opens no rows.
func Summarize(p record.Pipeline) (Summary, error) {
	r := &Result{detail: map[string]*run{}}
	r.Baseline.Measured = map[string]Figure{}
	if err := r.add(p); err != nil {
		return Summary{}, err
	}
	s := r.Strategies[0]
	out := Summary{Figures: s.Measured, Missing: s.Missing}
	for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
		out.Gates = append(out.Gates, Check(name, s.Targets[name], s.Measured))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Expected)) {
		switch e := s.Expected[name]; {
		case e.Binding:
			g := Check(name, e, s.Measured)
			g.Binding = true
			out.Gates = append(out.Gates, g)
		case e.AtLeast != nil || e.AtMost != nil:
			if g := Check(name, e, s.Measured); g.Figure != nil { // else nothing is known of it
				out.Hopes = append(out.Hopes, g)
			}
		}
	}
	return out, nil
}

// answer is what tests show of a strategy against the baseline on one question.
type answer struct {
	prefix string
	worse  []*Test // at one FP rate
	asked  bool    // a gain here counts
	any    *Test   // of the decisive metric
}

// answers are those of both questions that rows answer.
func (r *Result) answers(s *Strategy) []answer {
	var out []answer
	for _, q := range questions {
		a := answer{prefix: q.prefix, any: r.TestOf(BaselineName, s.Name, q.prefix+Decisive), asked: q.prefix == r.Basis() || r.ownCounts(s)}
		if a.any == nil || a.any.Conclusion == Incomparable {
			continue
		}
		for _, metric := range equal {
			if t := r.TestOf(BaselineName, s.Name, q.prefix+metric); t != nil && t.Conclusion == Worse {
				a.worse = append(a.worse, t)
			}
		}
		out = append(out, a)
	}
	return out
}

// ownCounts tells whether a gain on own traffic counts beside one on new sources: the user gave the pool of it.
func (r *Result) ownCounts(s *Strategy) bool {
	d := r.detail[s.Name]
	return d != nil && d.report != nil && d.report.OwnCounts
}

// against are the gates of a strategy that can be tested: at one FP rate it has to find more attacks than the baseline on a
// question that was asked, and not to find fewer on either.
func (r *Result) against(s *Strategy) []Gate {
	answers := r.answers(s)
	if len(answers) == 0 {
		return nil
	}
	gain, loss := Gate{Name: GainGate}, Gate{Name: LossGate}
	for _, a := range answers {
		if a.asked {
			gain.Tests = append(gain.Tests, *a.any)
			gain.Passed = gain.Passed || a.any.Conclusion == Better
		}
		for _, t := range a.worse {
			loss.Tests = append(loss.Tests, *t)
		}
	}
	loss.Passed = len(loss.Tests) == 0
	gain.Shown, loss.Shown = gain.Passed, loss.Passed
	return []Gate{gain, loss}
}

// seedConcern speaks up where the model that is used meets a target and the trainings on average don't.
func (s *Strategy) seedConcern() []Finding {
	var out []Finding
	for _, metric := range []string{"fp_rate", "tp_rate"} {
		target, ok := s.Targets[metric]
		mean, okMean := s.Measured[metric+"_mean"]
		if g := s.Gate(metric); !ok || !okMean || g == nil || !g.Passed {
			continue
		}
		if least, most := Limits(target); mean.Value < least || mean.Value > most {
			out = append(out, SeedLuck{metric, mean.Value, s.Measured["seeds"].Value})
		}
	}
	return out
}

// generalisation compares new sources with own traffic.
func (r *Result) generalisation(s *Strategy) []Finding {
	var out []Finding
	if own, new, ok := Both(s.Measured, Own+"fp_rate", New+"fp_rate"); ok {
		if most := s.Targets["fp_rate"].AtMost; most != nil && new.Value > *most && own.Value <= *most {
			out = append(out, NewOverTarget{new.Value, *most})
		} else if new.Low != nil && own.High != nil && *new.Low > *own.High && new.Value > 2*own.Value {
			out = append(out, NewFPHigher{new.Value, own.Value})
		}
	}
	if own, new, ok := Both(s.Measured, Own+Decisive, New+Decisive); ok && new.High != nil && *new.High < own.Value-0.02 {
		out = append(out, NewRecallLower{new.Value, own.Value})
	}
	return out
}

// losses are what tests show to be worse than the baseline and no gate is about.
func (r *Result) losses(s *Strategy) []Finding {
	var out []Finding
	for _, q := range questions {
		if t := r.TestOf(BaselineName, s.Name, q.prefix+"roc_auc"); t != nil && t.Conclusion == Worse {
			out = append(out, RankingWorse{*t})
		}
	}
	return out
}

// promiseConcern speaks up where the threshold can't promise what was asked for.
func (s *Strategy) promiseConcern() []Finding {
	p := s.Promise
	switch {
	case p == nil || p.Probability >= p.Wanted-1e-9:
		return nil
	case p.Sources == 0:
		return []Finding{NothingPromised{}}
	}
	return []Finding{TooFewPromised{*p}}
}

// Both are two figures; ok where both were measured.
func Both(m map[string]Figure, a, b string) (x, y Figure, ok bool) {
	x, okA := m[a]
	y, okB := m[b]
	return x, y, okA && okB
}

// stars is the stated score: one each for the FP target, a gain over the baseline at one FP rate, no loss against it, a
// balance that isn't critical, and an FP rate whose whole interval, over sources where those are new, is within the target.
func stars(s *Strategy) int {
	n := 0
	for _, name := range []string{"fp_rate", GainGate, LossGate, BalanceGate} {
		if g := s.Gate(name); g != nil && g.Passed {
			n++
		}
	}
	if g := s.Gate("fp_rate"); g != nil && g.Shown {
		n++
	}
	return n
}

// Gate is the strategy's gate of a name; nil: it has none.
func (s *Strategy) Gate(name string) *Gate {
	for i := range s.Gates {
		if s.Gates[i].Name == name {
			return &s.Gates[i]
		}
	}
	return nil
}

// Confidence is how sure it is that the FP rate is at most its target; NaN-free: ok tells whether it can be said.
func (s *Strategy) Confidence() (sure float64, ok bool) {
	most, rate := s.Targets["fp_rate"].AtMost, s.Measured["fp_rate"].OverSources()
	if n, ok := s.Measured["benign_sources"]; ok && most != nil && rate.SourcesHigh != nil {
		return stats.BelowOverSources(rate.Value, *rate.High, *most, int(n.Value)), true
	}
	count, okCount := s.Measured["fp_count"]
	rows, okRows := s.Measured["benign_rows"]
	if most == nil || !okCount || !okRows {
		return 0, false
	}
	return stats.BelowConfidence(int(count.Value), int(rows.Value), *most), true
}
