package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/engine/record"
	"rein/steps/metric"
	"rein/steps/stats"
)

// severities are the words of balance_severity.
var severities = []string{"ideal", "acceptable", "concerning", "critical"}

// Critical is the severity of a balance that fails its gate.
const Critical = 3

// judge passes a strategy through its gates and gathers what speaks against it.
func (r *Result) judge(s *Strategy) {
	if s.Missing != "" {
		s.Verdict = Reject
		s.Gates = append(s.Gates, Gate{Name: "steps", Wants: "every step has a result", Got: s.Missing})
		s.Concerns = append(s.Concerns, "not measured: "+s.Missing)
		return
	}
	s.Gates = append(s.Gates, Gate{Name: "steps", Wants: "every step has a result", Got: "all", Passed: true, Shown: true})
	for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
		s.Gates = append(s.Gates, r.nameSlice(Check(name, s.Targets[name], s.Measured), s, name))
	}
	sev, ok := s.Measured["balance_severity"]
	if ok && r.limitsBalance(s) {
		s.Gates = append(s.Gates, Gate{Name: "balance", Wants: "not critical", Got: Severity(sev.Value) + balanceDetail(s), Passed: sev.Value < Critical, Shown: true})
	}
	s.Gates = append(s.Gates, r.against(s)...)
	for _, name := range slices.Sorted(maps.Keys(s.Expected)) {
		if e := s.Expected[name]; e.Binding {
			g := r.nameSlice(Check(name, e, s.Measured), s, name)
			g.Name, g.Binding = "expected "+name, true
			s.Gates = append(s.Gates, g)
		}
	}
	s.Verdict = Approve
	for _, g := range s.Gates {
		switch {
		case !g.Passed:
			s.Verdict = Reject
			s.Concerns = append(s.Concerns, g.Missed())
		case !g.Shown:
			s.Concerns = append(s.Concerns, fmt.Sprintf("%s is within %s, but its interval reaches beyond: %s", label(g.Name), g.Wants, g.Got))
		}
	}
	s.Concerns = append(s.Concerns, s.seedConcern()...)
	s.Concerns = append(s.Concerns, r.generalisation(s)...)
	s.Concerns = append(s.Concerns, r.losses(s)...)
	s.Concerns = append(s.Concerns, s.promiseConcern()...)
	if ok && (sev.Value == 2 || sev.Value > 2 && !r.limitsBalance(s)) {
		s.Concerns = append(s.Concerns, "balance is "+Severity(sev.Value)+balanceDetail(s))
	}
	s.Stars = stars(s)
	if s.ControlOf != "" {
		s.Verdict, s.Stars, s.Concerns = Control, 0, []string{}
	}
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

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Check holds a figure against an expectation or target.
func Check(name string, e record.Expectation, measured map[string]Figure) Gate {
	g := Gate{Name: name, Wants: wants(name, e)}
	f, ok := measured[name]
	if !ok {
		if _, by, sliced := strings.Cut(name, metric.By); sliced {
			g.Got = fmt.Sprintf("nothing: no %s of 30 rows or more", by)
		}
		return g
	}
	f = f.OverSources()
	low, high := f.Value, f.Value
	if f.Low != nil && f.High != nil {
		low, high = *f.Low, *f.High
	}
	least, most := limits(e)
	g.Got = withInterval(name, f)
	g.Passed = f.Value >= least && f.Value <= most
	if shown := show(name, f.Value); isRate(name) && !g.Passed && (shown == show(name, least) || shown == show(name, most)) {
		g.Got = fmt.Sprintf("%.4f%% (%s)", 100*f.Value, interval(name, Figure{Value: f.Value, Low: &low, High: &high})) // two decimals would contradict
	}
	g.Shown = low >= least && high <= most
	return g
}

// Summary is what one pipeline's own record says of it, without any other to compare it with.
type Summary struct {
	Figures map[string]Figure // of its result step and of those that only it has; empty where nothing was measured
	Gates   []Gate            // its targets, and the expectations that bind it
}

// Summarize reads a pipeline's record. It opens no rows.
func Summarize(p record.Pipeline) (Summary, error) {
	r := &Result{detail: map[string]*run{}}
	r.Baseline.Measured = map[string]Figure{}
	if err := r.add(p); err != nil {
		return Summary{}, err
	}
	s := r.Strategies[0]
	out := Summary{Figures: s.Measured}
	for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
		out.Gates = append(out.Gates, Check(name, s.Targets[name], s.Measured))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Expected)) {
		if e := s.Expected[name]; e.Binding {
			g := Check(name, e, s.Measured)
			g.Binding = true
			out.Gates = append(out.Gates, g)
		}
	}
	return out, nil
}

// Missed is the gate as a sentence: what was wanted, and what was measured.
func (g Gate) Missed() string {
	return fmt.Sprintf("%s: wants %s, measured %s", label(g.Name), g.Wants, orNothing(g.Got))
}

// The gates that a strategy passes by what tests show of it and the baseline.
const (
	gainGate = "gain" // it is better
	lossGate = "loss" // it isn't worse
)

// answer is what tests show of a strategy against the baseline on one question.
type answer struct {
	prefix string
	better *Test   // at one FP rate; nil: not shown
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
		if a.any.Conclusion == Better {
			a.better = a.any
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
	gain := Gate{Name: gainGate, Wants: "more attacks found at one FP rate"}
	loss := Gate{Name: lossGate, Wants: "no fewer attacks found at one FP rate", Passed: true}
	var got, lost []string
	for _, a := range answers {
		if a.asked {
			got = append(got, label(a.any.Metric)+" "+a.any.words())
			gain.Passed = gain.Passed || a.better != nil
		}
		for _, t := range a.worse {
			loss.Passed = false
			lost = append(lost, label(t.Metric)+" "+t.words())
		}
	}
	gain.Got, gain.Shown = strings.Join(got, "; "), gain.Passed
	if loss.Got, loss.Shown = strings.Join(lost, "; "), loss.Passed; loss.Passed {
		loss.Got = "none shown"
	}
	return []Gate{gain, loss}
}

// words are what a test concludes, with its figures.
func (t *Test) words() string {
	return fmt.Sprintf("%s (%s, %s)", t.Said(), points(t.Decided()), t.PText())
}

// PText is the p-value in words; its interval is of this test alone, so it says where other tests count.
func (t *Test) PText() string {
	if t.P > t.Raw {
		return fmt.Sprintf("p %s, adjusted for the number of tests", pvalue(t.P))
	}
	return "p " + pvalue(t.P)
}

// generalisation compares new sources with own traffic.
func (r *Result) generalisation(s *Strategy) []string {
	var out []string
	if own, new, ok := Both(s.Measured, Own+"fp_rate", New+"fp_rate"); ok {
		if most := s.Targets["fp_rate"].AtMost; most != nil && new.Value > *most && own.Value <= *most {
			out = append(out, fmt.Sprintf("FP rate on new sources is %s, over the target of %s that own traffic meets", percent(new.Value), percent(*most)))
		} else if new.Low != nil && own.High != nil && *new.Low > *own.High && new.Value > 2*own.Value {
			out = append(out, fmt.Sprintf("FP rate on new sources is %s against %s on own traffic", percent(new.Value), percent(own.Value)))
		}
	}
	if own, new, ok := Both(s.Measured, Own+Decisive, New+Decisive); ok && new.High != nil && *new.High < own.Value-0.02 {
		out = append(out, fmt.Sprintf("recall at 1%% FP rate on new sources is %s against %s on own traffic", percent(new.Value), percent(own.Value)))
	}
	return out
}

// losses says what tests show to be worse than the baseline and no gate is about.
func (r *Result) losses(s *Strategy) []string {
	var out []string
	for _, q := range questions {
		if t := r.TestOf(BaselineName, s.Name, q.prefix+"roc_auc"); t != nil && t.Conclusion == Worse {
			out = append(out, fmt.Sprintf("%s is worse than the baseline's (%s, %s)", label(t.Metric), points(t.Decided()), t.PText()))
		}
	}
	return out
}

// promiseConcern speaks up where the threshold can't promise what was asked for.
func (s *Strategy) promiseConcern() []string {
	p := s.Promise
	switch {
	case p == nil || p.Probability >= p.Wanted-1e-9:
		return nil
	case p.Sources == 0:
		return []string{"the threshold promises nothing of new sources: no validation source has enough benign rows"}
	}
	return []string{fmt.Sprintf("too few sources: the threshold promises %s for %.0f%% of new sources, of %d; %.0f%% needs %d", percent(p.Limit), 100*p.Probability, p.Sources, 100*p.Wanted, p.Needs)}
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
	for _, name := range []string{"fp_rate", gainGate, lossGate, "balance"} {
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
		return stats.BelowOverSources(rate.Value, *rate.SourcesHigh, *most, int(n.Value)), true
	}
	count, okCount := s.Measured["fp_count"]
	rows, okRows := s.Measured["benign_rows"]
	if most == nil || !okCount || !okRows {
		return 0, false
	}
	return stats.BelowConfidence(int(count.Value), int(rows.Value), *most), true
}

// Severity is the word of a balance.
func Severity(v float64) string {
	if i := int(v); i >= 0 && i < len(severities) {
		return severities[i]
	}
	return fmt.Sprintf("severity %g", v)
}

func balanceDetail(s *Strategy) string {
	if f, ok := s.Measured["benign_share"]; ok {
		return fmt.Sprintf(" (%.1f%% benign)", 100*f.Value)
	}
	return ""
}
