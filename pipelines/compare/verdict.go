package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/engine/record"
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
		s.Gates = append(s.Gates, Check(name, s.Targets[name], s.Measured))
	}
	if sev, ok := s.Measured["balance_severity"]; ok {
		s.Gates = append(s.Gates, Gate{Name: "balance", Wants: "not critical", Got: Severity(sev.Value) + balanceDetail(s), Passed: sev.Value < Critical, Shown: true})
	}
	if g, ok := r.gain(s); ok {
		s.Gates = append(s.Gates, g)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Expected)) {
		if e := s.Expected[name]; e.Binding {
			g := Check(name, e, s.Measured)
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
	s.Concerns = append(s.Concerns, r.recallLoss(s)...)
	if v, ok := s.Measured["balance_severity"]; ok && v.Value == 2 {
		s.Concerns = append(s.Concerns, "balance is concerning"+balanceDetail(s))
	}
	s.Stars = stars(s)
	if s.ControlOf != "" {
		s.Verdict, s.Stars, s.Concerns = Control, 0, []string{}
	}
}

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
		return g
	}
	low, high := f.Value, f.Value
	if f.Low != nil && f.High != nil {
		low, high = *f.Low, *f.High
	}
	least, most := limits(e)
	g.Got = withInterval(name, f)
	g.Passed = f.Value >= least && f.Value <= most
	if shown := show(name, f.Value); isRate(name) && !g.Passed && (shown == show(name, least) || shown == show(name, most)) {
		g.Got = fmt.Sprintf("%.4f%% (%s)", 100*f.Value, interval(name, Figure{f.Value, &low, &high})) // two decimals would contradict
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

// gainGate is the name of the gate that a strategy passes by being better than the baseline.
const gainGate = "gain"

// gain is a gate of every strategy that can be tested: reinforcement has to reduce the false positives. Where both models'
// thresholds were chosen for one FP rate, what it gains is recall.
func (r *Result) gain(s *Strategy) (Gate, bool) {
	fp := r.TestOf(BaselineName, s.Name, "fp_rate")
	if fp == nil || fp.Conclusion == Incomparable {
		return Gate{}, false
	}
	g := Gate{Name: gainGate, Wants: "fewer false positives, or as few and more attacks found", Got: "FP rate " + fp.words(), Passed: fp.Conclusion == Better}
	if tp := r.TestOf(BaselineName, s.Name, "tp_rate"); !g.Passed && tp != nil {
		g.Got += ", recall " + tp.words()
		g.Passed = fp.Conclusion != Worse && tp.Conclusion == Better
	}
	g.Shown = g.Passed
	return g, true
}

// words are what a test concludes, with its figures.
func (t *Test) words() string {
	return fmt.Sprintf("%s (%s, p %s)", t.Conclusion, points(t.Difference), pvalue(t.P))
}

// generalisation compares unseen sources with the test set.
func (r *Result) generalisation(s *Strategy) []string {
	var out []string
	if seen, unseen, ok := Both(s.Measured, "fp_rate", "unseen_fp_rate"); ok {
		if most := s.Targets["fp_rate"].AtMost; most != nil && unseen.Value > *most && seen.Value <= *most {
			out = append(out, fmt.Sprintf("FP rate on unseen sources is %s, over the target of %s that the test set meets", percent(unseen.Value), percent(*most)))
		} else if unseen.Low != nil && seen.High != nil && *unseen.Low > *seen.High && unseen.Value > 2*seen.Value {
			out = append(out, fmt.Sprintf("FP rate on unseen sources is %s against %s on the test set", percent(unseen.Value), percent(seen.Value)))
		}
	}
	if seen, unseen, ok := Both(s.Measured, "tp_rate", "unseen_tp_rate"); ok && unseen.High != nil && *unseen.High < seen.Value-0.02 {
		out = append(out, fmt.Sprintf("recall on unseen sources is %s against %s on the test set", percent(unseen.Value), percent(seen.Value)))
	}
	return out
}

// recallLoss says where fewer alarms were paid for with missed attacks.
func (r *Result) recallLoss(s *Strategy) []string {
	var out []string
	for _, m := range []struct{ metric, what string }{{"tp_rate", "recall"}, {"unseen_tp_rate", "recall on unseen sources"}, {"unseen_fp_rate", "FP rate on unseen sources"}} {
		if t := r.TestOf(BaselineName, s.Name, m.metric); t != nil && t.Conclusion == Worse {
			out = append(out, fmt.Sprintf("%s is worse than the baseline's (%s, p %s)", m.what, points(t.Difference), pvalue(t.P)))
		}
	}
	return out
}

// Both are two figures; ok where both were measured.
func Both(m map[string]Figure, a, b string) (x, y Figure, ok bool) {
	x, okA := m[a]
	y, okB := m[b]
	return x, y, okA && okB
}

// stars is the stated score: one each for the FP target, the recall floor, a balance that isn't critical, an FP rate
// shown under its target (the whole interval), and no shown loss against the baseline or on unseen sources.
func stars(s *Strategy) int {
	n := 0
	for _, name := range []string{"fp_rate", "tp_rate", "balance"} {
		if g := s.gate(name); g != nil && g.Passed {
			n++
		}
	}
	if g := s.gate("fp_rate"); g != nil && g.Shown {
		n++
	}
	if len(s.Measured) > 0 && !slices.ContainsFunc(s.Concerns, func(c string) bool { return strings.Contains(c, "unseen") || strings.Contains(c, "worse than") }) {
		n++
	}
	return n
}

func (s *Strategy) gate(name string) *Gate {
	for i := range s.Gates {
		if s.Gates[i].Name == name {
			return &s.Gates[i]
		}
	}
	return nil
}

// Confidence is how sure it is that the FP rate is at most its target; NaN-free: ok tells whether it can be said.
func (s *Strategy) Confidence() (sure float64, ok bool) {
	most := s.Targets["fp_rate"].AtMost
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
