package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// rule is how the recommended strategy is chosen, in words.
const rule = "Among the strategies that pass every gate (targets, the balance's limit, more attacks found than by the baseline at one FP rate, and on no question fewer, " +
	"shown by paired tests over rows and, of new sources, over sources), the highest recall at 1% FP rate; of those whose difference from it is not significant " +
	"(Holm-adjusted, 5%), the highest on new sources; of those whose difference there isn't significant either, the one with the fewest training rows. Figures of different " +
	"test sets are never ranked."

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
		rec.say(r.whyNobody(), nil)
		r.Recommendation = rec
		return
	}
	if a, b := r.otherRows(passed); a != nil {
		rec.Why = append(rec.Why, fmt.Sprintf("%s and %s pass every gate, but on different test rows: figures of different test sets aren't ranked. Give both the same test set.", a.Name, b.Name))
		rec.Why = append(rec.Why, r.whyOthers(nil)...)
		r.Recommendation = rec
		return
	}
	best := slices.MinFunc(passed, byRecall)
	equals := r.equals(best, passed, Decisive)
	onNew := slices.MinFunc(equals, func(a, b *Strategy) int {
		return cmp.Or(cmp.Compare(b.Measured[New+Decisive].Value, a.Measured[New+Decisive].Value), byRecall(a, b))
	})
	chosen := slices.MinFunc(r.equals(onNew, equals, New+Decisive), smaller)
	chosen.Recommended = true
	rec.Strategy = chosen.Name
	rec.say(r.whyChosen(chosen, best, equals, passed), chosen.Concerns)
	r.Recommendation = rec
}

// say takes the sentences of a recommendation, and what to keep in mind of the strategy that is recommended.
func (rec *Recommendation) say(why, concerns []string) {
	for _, text := range why {
		rec.Lines = append(rec.Lines, Line{Text: text})
	}
	if len(concerns) > 0 {
		rec.Lines = append(rec.Lines, Line{"What to keep in mind of it:", concerns})
	}
	for _, l := range rec.Lines {
		rec.Why = append(rec.Why, l.String())
	}
}

// byRecall orders by recall at one FP rate, the highest first, and by FP rate where that isn't measured.
func byRecall(a, b *Strategy) int {
	return cmp.Or(cmp.Compare(b.Measured[Decisive].Value, a.Measured[Decisive].Value), cmp.Compare(a.Measured["fp_rate"].Value, b.Measured["fp_rate"].Value), cmp.Compare(a.Name, b.Name))
}

// otherRows are two of the strategies that were measured on different rows; nil: there are none.
func (r *Result) otherRows(list []*Strategy) (a, b *Strategy) {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if t := r.between(a, b, Decisive); t != nil && t.Conclusion == Incomparable {
				return a, b
			}
		}
	}
	return nil, nil
}

// equals are the strategies of a list that tests don't show to differ from one of it in a metric, itself among them. Where the
// metric isn't tested, it tells none of them apart, unless it is the decisive one.
func (r *Result) equals(best *Strategy, list []*Strategy, metric string) []*Strategy {
	var out []*Strategy
	for _, s := range list {
		t := r.between(best, s, metric)
		if s == best || t == nil && metric != Decisive || t != nil && t.Conclusion != Better && t.Conclusion != Worse && t.Conclusion != Incomparable {
			out = append(out, s)
		}
	}
	return out
}

// between is the test of two strategies, whichever way round it was made.
func (r *Result) between(a, b *Strategy, metric string) *Test {
	return cmp.Or(r.TestOf(a.Name, b.Name, metric), r.TestOf(b.Name, a.Name, metric))
}

// smaller orders by training rows: fewer do as well.
func smaller(a, b *Strategy) int {
	return cmp.Or(cmp.Compare(a.Measured["total_samples"].Value, b.Measured["total_samples"].Value), byRecall(a, b))
}

// whySmaller says what speaks for a strategy that is as good as another.
func (r *Result) whySmaller(s, other *Strategy) string {
	if t := r.between(s, other, New+Decisive); t != nil && (t.Conclusion == Better || t.Conclusion == Worse) {
		return fmt.Sprintf("on new sources %s finds more, %s against %s", s.Name, percent(s.Measured[New+Decisive].Value), percent(other.Measured[New+Decisive].Value))
	}
	return fmt.Sprintf("%s has fewer training rows, %s against %s", s.Name, count(s.Measured["total_samples"].Value), count(other.Measured["total_samples"].Value))
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

func (r *Result) whyChosen(chosen, best *Strategy, equals, passed []*Strategy) []string {
	var why []string
	name := func(s *Strategy) string { return s.Name }
	said := func(metric string) string { return withInterval(metric, chosen.Measured[metric].OverSources()) }
	why = append(why, fmt.Sprintf("%s passes every gate %s: recall %s at 1%% FP rate; at its own threshold FP rate %s, recall %s.", chosen.Name, r.question(),
		said(Decisive), said("fp_rate"), said("tp_rate")))
	switch {
	case len(r.Contenders()) > 1 && len(passed) == 1:
		why = append(why, "It is the only one of "+fmt.Sprint(len(r.Contenders()))+" that does.")
	case chosen != best:
		why = append(why, fmt.Sprintf("%s has the highest recall at 1%% FP rate, %s, but the difference is not significant (p %s), and %s.",
			best.Name, percent(best.Measured[Decisive].Value), pvalue(r.between(best, chosen, Decisive).P), r.whySmaller(chosen, best)))
	case len(equals) > 1:
		others := names(without(equals, chosen), name)
		verb := "doesn't differ from it significantly in recall at 1% FP rate, and has more training rows or finds less on new sources"
		if len(others) > 1 {
			verb = "don't differ from it significantly in recall at 1% FP rate, and have more training rows or find less on new sources"
		}
		why = append(why, fmt.Sprintf("%s %s.", strings.Join(others, ", "), verb))
	case len(passed) > 1:
		why = append(why, "Its recall at 1% FP rate is significantly higher than that of every other strategy that passes.")
	}
	why = append(why, r.gainOverVolume(chosen)...)
	why = append(why, r.whyOthers(chosen)...)
	why = append(why, r.advice()...)
	return why
}

// question says what a verdict rests on.
func (r *Result) question() string {
	if r.Basis() == New {
		return "on new sources"
	}
	return "on own traffic"
}

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

// Rejections are the lines of the recommendation that say what each rejected strategy failed on.
func (r *Result) Rejections() []string { return r.whyOthers(nil) }

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
	why := []string{"No strategy passes every gate " + r.question() + "."}
	why = append(why, r.whyOthers(nil)...)
	closest := (*Strategy)(nil)
	for _, s := range r.Contenders() {
		if s.Missing == "" && (closest == nil || len(s.Failures()) < len(closest.Failures()) || len(s.Failures()) == len(closest.Failures()) && byRecall(s, closest) < 0) {
			closest = s
		}
	}
	if a, _ := r.otherRows(r.Contenders()); a != nil {
		closest = nil // figures of different test sets aren't ranked
	}
	if closest != nil && len(r.Contenders()) > 1 {
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

// Yardstick is the recommended strategy, or the one with the highest recall at one FP rate; nil where that can't be said, as they
// were measured on different test sets.
func (r *Result) Yardstick() *Strategy {
	if s := r.Strategy(r.Recommendation.Strategy); s != nil {
		return s
	}
	if a, _ := r.otherRows(r.Contenders()); a != nil {
		return nil
	}
	var best *Strategy
	for _, s := range r.Contenders() {
		if _, ok := s.Measured["fp_rate"]; ok && (best == nil || byRecall(s, best) < 0) {
			best = s
		}
	}
	return best
}
