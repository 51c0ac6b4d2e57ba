package compare

import (
	"cmp"
	"slices"
)

// recommend recommends one strategy or nobody, with reasons from what was measured.
func (r *Result) recommend() {
	rec := Recommendation{Why: []Finding{}}
	var passed []*Strategy
	for _, s := range r.Contenders() {
		if s.Verdict == Approve {
			passed = append(passed, s)
		}
	}
	if len(passed) == 0 {
		rec.Why = r.whyNobody()
		r.Recommendation = rec
		return
	}
	if a, b := r.otherRows(passed); a != nil {
		rec.Why = append([]Finding{OnOtherRows{a.Name, b.Name}}, r.rejected()...)
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
	rec.Why = r.whyChosen(chosen, best, equals, passed)
	if len(chosen.Concerns) > 0 {
		rec.Why = append(rec.Why, KeepInMind{chosen.Concerns})
	}
	r.Recommendation = rec
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

// smaller orders by the number of training rows, fewest first.
func smaller(a, b *Strategy) int {
	return cmp.Or(cmp.Compare(a.Measured["total_samples"].Value, b.Measured["total_samples"].Value), byRecall(a, b))
}

// whyNotHighest says what speaks for a strategy that isn't shown to be worse than the one with the highest recall.
func (r *Result) whyNotHighest(chosen, best *Strategy) Finding {
	why := HighestNotShown{Best: best.Name, AtRate: best.Measured[Decisive].Value, P: r.between(best, chosen, Decisive).P, Chosen: chosen.Name}
	by := "total_samples"
	if t := r.between(chosen, best, New+Decisive); t != nil && (t.Conclusion == Better || t.Conclusion == Worse) {
		why.OnNew, by = true, New+Decisive
	}
	why.OfChosen, why.OfHighest = chosen.Measured[by].Value, best.Measured[by].Value
	return why
}

// OwnMS is the time that the strategy's own steps took when they were made, without the baseline's.
func (s *Strategy) OwnMS() (sum int64) {
	for _, t := range s.Steps {
		if !t.Shared {
			sum += t.MS
		}
	}
	return sum
}

func (r *Result) whyChosen(chosen, best *Strategy, equals, passed []*Strategy) []Finding {
	figure := func(metric string) Figure { return chosen.Measured[metric].OverSources() }
	why := []Finding{PassesAll{chosen.Name, r.Basis(), figure(Decisive), figure("fp_rate"), figure("tp_rate")}}
	switch {
	case len(r.Contenders()) > 1 && len(passed) == 1:
		why = append(why, OnlyOne{len(r.Contenders())})
	case chosen != best:
		why = append(why, r.whyNotHighest(chosen, best))
	case len(equals) > 1:
		var others []string
		for _, s := range equals {
			if s != chosen {
				others = append(others, s.Name)
			}
		}
		why = append(why, EqualsFollow{others})
	case len(passed) > 1:
		why = append(why, ShownHighest{})
	}
	why = append(why, r.gainOverVolume(chosen)...)
	why = append(why, r.rejected()...)
	return append(why, r.advice()...)
}

// gainOverVolume tells, of a recommended strategy that has a control, whether variations are worth more than volume.
func (r *Result) gainOverVolume(s *Strategy) []Finding {
	t := r.AgainstControl(s, Decisive)
	if t == nil || t.Conclusion == Incomparable {
		return nil
	}
	return []Finding{AgainstVolume{*t}}
}

// rejected are the strategies that aren't approved, with the gates that they fail.
func (r *Result) rejected() []Finding {
	var out []Finding
	for _, s := range r.Contenders() {
		if s.Verdict != Approve {
			out = append(out, Rejected{s.Name, s.Failures()})
		}
	}
	return out
}

// Failures are the gates that a strategy didn't pass.
func (s *Strategy) Failures() []Gate {
	var out []Gate
	for _, g := range s.Gates {
		if !g.Passed {
			out = append(out, g)
		}
	}
	return out
}

func (r *Result) whyNobody() []Finding {
	if len(r.Strategies) == 0 {
		return []Finding{NothingToChoose{}}
	}
	why := append([]Finding{NonePasses{r.Basis()}}, r.rejected()...)
	closest := (*Strategy)(nil)
	for _, s := range r.Contenders() {
		if s.Missing == nil && (closest == nil || len(s.Failures()) < len(closest.Failures()) || len(s.Failures()) == len(closest.Failures()) && byRecall(s, closest) < 0) {
			closest = s
		}
	}
	if a, _ := r.otherRows(r.Contenders()); a != nil {
		closest = nil // figures on different test sets can't be ranked
	}
	if closest != nil && len(r.Contenders()) > 1 {
		why = append(why, Closest{closest.Name, closest.Failures()})
	}
	if f := r.baselineSuffices(); f != nil {
		why = append(why, f)
	}
	return append(why, r.advice()...)
}

// Yardstick is the recommended strategy or, without one, the strategy with the highest recall at one FP rate; nil if the strategies were
// measured on different test sets.
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
