package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// rule is how the recommended strategy is chosen, in words.
const rule = "Among the strategies that pass every gate (targets, balance not critical, a gain over the baseline shown by a paired test: fewer false positives, " +
	"or no more of them and a higher recall), the lowest FP rate; of those whose difference from it is not significant (McNemar, Holm-adjusted, 5%), and whose " +
	"recall isn't shown to be a point lower than another's, the cheapest by the measured time of making it (not of measuring it), and where times are within 10% " +
	"the one with fewer training rows."

// recommend stars one strategy, or nobody, and says why from what was measured.
func (r *Result) recommend() {
	rec := Recommendation{Rule: rule, Why: []string{}}
	var passed []*Strategy
	for _, s := range r.Contenders() {
		if s.Verdict == Approve {
			passed = append(passed, s)
		}
	}
	if len(passed) == 0 {
		rec.Why = append(rec.Why, r.whyNobody()...)
		r.Recommendation = rec
		return
	}
	best := slices.MinFunc(passed, byRate)
	equals := []*Strategy{best}
	for _, s := range passed {
		if s != best && !r.differs(best, s) {
			equals = append(equals, s)
		}
	}
	chosen := slices.MinFunc(r.finding(equals), r.cheaper)
	chosen.Recommended = true
	rec.Strategy = chosen.Name
	rec.Why = r.whyChosen(chosen, best, equals, passed)
	r.Recommendation = rec
}

// lostRecall is how much lower a recall must be, and be shown to be, so that no cost makes up for it.
const lostRecall = 0.01

// finding leaves out the strategies that find shown fewer attacks than another.
func (r *Result) finding(list []*Strategy) []*Strategy {
	return slices.DeleteFunc(slices.Clone(list), func(s *Strategy) bool {
		return slices.ContainsFunc(list, func(o *Strategy) bool { return r.findsFewer(s, o) })
	})
}

// findsFewer tells whether a strategy's recall is shown to be lower than another's, by more than a little.
func (r *Result) findsFewer(s, other *Strategy) bool {
	t := r.TestOf(other.Name, s.Name, "tp_rate")
	if t == nil {
		t = r.TestOf(s.Name, other.Name, "tp_rate").Turned()
	}
	return t != nil && t.Conclusion == Worse && t.Difference.Value <= -lostRecall
}

func byRate(a, b *Strategy) int {
	return cmp.Or(cmp.Compare(a.Measured["fp_rate"].Value, b.Measured["fp_rate"].Value), cmp.Compare(a.Name, b.Name))
}

// cheaper orders by measured time, and by training rows where times are within a tenth: they vary from run to run.
func (r *Result) cheaper(a, b *Strategy) int {
	ta, tb := float64(a.makingMS()), float64(b.makingMS())
	if !aboutEqual(ta, tb) {
		return cmp.Compare(ta, tb)
	}
	return cmp.Or(cmp.Compare(a.Measured["total_samples"].Value, b.Measured["total_samples"].Value), byRate(a, b))
}

func aboutEqual(a, b float64) bool { return max(a, b) <= 1.1*min(a, b) }

// whyCheaper says what speaks for a strategy whose FP rate is as good as another's.
func whyCheaper(s, other *Strategy) string {
	a, b := float64(s.makingMS())/1000, float64(other.makingMS())/1000
	rows, others := count(s.Measured["total_samples"].Value), count(other.Measured["total_samples"].Value)
	if aboutEqual(a, b) {
		return fmt.Sprintf("%s has fewer training rows, %s against %s, and is made in about the same time, %s against %s", s.Name, rows, others, seconds(a), seconds(b))
	}
	return fmt.Sprintf("%s is cheaper: made in %s against %s, of %s training rows against %s", s.Name, seconds(a), seconds(b), rows, others)
}

// OwnMS is the time that the strategy's own steps took when they were made, the baseline's not counted.
func (s *Strategy) OwnMS() (sum int64) {
	for _, t := range s.Steps {
		if !t.Shared {
			sum += t.MS
		}
	}
	return sum
}

// makingMS is the time that it took to make the strategy's model. Steps that measure it cost every strategy the same, give or take
// what else the machine did meanwhile.
func (s *Strategy) makingMS() (sum int64) {
	for _, t := range s.Steps {
		if !t.Shared && !t.Measures {
			sum += t.MS
		}
	}
	return sum
}

// differs tells whether two strategies' FP rates differ significantly; without a test they are taken to.
func (r *Result) differs(a, b *Strategy) bool {
	t := cmp.Or(r.TestOf(a.Name, b.Name, "fp_rate"), r.TestOf(b.Name, a.Name, "fp_rate"))
	return t == nil || t.Conclusion == Better || t.Conclusion == Worse || t.Conclusion == Incomparable
}

func (r *Result) whyChosen(chosen, best *Strategy, equals, passed []*Strategy) []string {
	var why []string
	name := func(s *Strategy) string { return s.Name }
	head := fmt.Sprintf("%s passes every gate: FP rate %s, recall %s", chosen.Name,
		withInterval("fp_rate", chosen.Measured["fp_rate"]), withInterval("tp_rate", chosen.Measured["tp_rate"]))
	if sure, ok := chosen.Confidence(); ok {
		head += fmt.Sprintf("; %s sure that the FP rate is under its target", confidence(sure))
	}
	why = append(why, head+".")
	switch {
	case len(r.Contenders()) > 1 && len(passed) == 1:
		why = append(why, "It is the only one of "+fmt.Sprint(len(r.Contenders()))+" that does.")
	case chosen != best:
		t := cmp.Or(r.TestOf(best.Name, chosen.Name, "fp_rate"), r.TestOf(chosen.Name, best.Name, "fp_rate"))
		reason := whyCheaper(chosen, best)
		if r.findsFewer(best, chosen) {
			reason = fmt.Sprintf("it finds fewer attacks: recall %s against %s", percent(best.Measured["tp_rate"].Value), percent(chosen.Measured["tp_rate"].Value))
		}
		why = append(why, fmt.Sprintf("%s has the lowest FP rate, %s, but the difference is not significant (p %s on %s rows), and %s.",
			best.Name, percent(best.Measured["fp_rate"].Value), pvalue(t.P), count(float64(t.Rows)), reason))
	case len(equals) > 1:
		others := names(without(equals, chosen), name)
		verb := "doesn't differ from it significantly in FP rate, and isn't cheaper"
		if len(others) > 1 {
			verb = "don't differ from it significantly in FP rate, and none of them is cheaper"
		}
		why = append(why, fmt.Sprintf("%s %s.", strings.Join(others, ", "), verb))
	case len(passed) > 1:
		why = append(why, "Its FP rate is significantly lower than that of every other strategy that passes.")
	}
	why = append(why, r.gainOverVolume(chosen)...)
	why = append(why, r.whyOthers(chosen)...)
	why = append(why, r.advice()...)
	if len(chosen.Concerns) > 0 {
		why = append(why, KeepInMind+" "+strings.Join(chosen.Concerns, "; ")+".")
	}
	return why
}

const KeepInMind = "What to keep in mind of it:"

// whyOthers says what each rejected strategy failed on.
func (r *Result) whyOthers(chosen *Strategy) []string {
	var why []string
	for _, s := range r.Contenders() {
		if s == chosen || s.Verdict == Approve {
			continue
		}
		why = append(why, fmt.Sprintf("%s is rejected: %s.", s.Name, strings.Join(s.Failures(), "; ")))
	}
	return why
}

// Failures are the gates that a strategy didn't pass.
func (s *Strategy) Failures() []string {
	var out []string
	for _, g := range s.Gates {
		switch {
		case g.Passed:
		case g.Name == "steps":
			out = append(out, "not measured, "+g.Got)
		default:
			out = append(out, fmt.Sprintf("%s wants %s, measured %s", label(g.Name), g.Wants, orNothing(g.Got)))
		}
	}
	return out
}

func (r *Result) whyNobody() []string {
	if len(r.Strategies) == 0 {
		return []string{"There are no strategies to choose from."}
	}
	why := []string{"No strategy passes every gate."}
	why = append(why, r.whyOthers(nil)...)
	closest := (*Strategy)(nil)
	for _, s := range r.Contenders() {
		if s.Missing == "" && (closest == nil || len(s.Failures()) < len(closest.Failures()) || len(s.Failures()) == len(closest.Failures()) && byRate(s, closest) < 0) {
			closest = s
		}
	}
	if closest != nil {
		why = append(why, fmt.Sprintf("The closest is %s: it fails on %s.", closest.Name, gateNames(closest)))
	}
	if s := r.baselineSuffices(); s != "" {
		why = append(why, s)
	}
	return append(why, r.advice()...)
}

func gateNames(s *Strategy) string {
	var out []string
	for _, g := range s.Gates {
		if !g.Passed {
			out = append(out, label(g.Name))
		}
	}
	return joined(out)
}

// joined is a list in words.
func joined(list []string) string {
	if last := len(list) - 1; last > 1 {
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
	return strings.Join(list, " and ")
}

func names[T any](list []T, name func(T) string) []string {
	var out []string
	for _, x := range list {
		out = append(out, name(x))
	}
	return out
}

func without(list []*Strategy, x *Strategy) []*Strategy {
	return slices.DeleteFunc(slices.Clone(list), func(s *Strategy) bool { return s == x })
}

// Yardstick is the recommended strategy, or the one with the lowest FP rate.
func (r *Result) Yardstick() *Strategy {
	if s := r.Strategy(r.Recommendation.Strategy); s != nil {
		return s
	}
	var best *Strategy
	for _, s := range r.Contenders() {
		if _, ok := s.Measured["fp_rate"]; ok && (best == nil || byRate(s, best) < 0) {
			best = s
		}
	}
	return best
}
