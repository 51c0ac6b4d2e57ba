package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"rein/pipelines/compare"
)

// sentence is a finding for people. Every kind has its words here; a test holds this.
func sentence(f compare.Finding) string {
	for _, words := range []func(compare.Finding) string{missingWords, noteWords, concernWords, reasonWords, dataWords, contradictionWords} {
		if text := words(f); text != "" {
			return text
		}
	}
	return f.Code()
}

// sentences are several findings.
func sentences(list []compare.Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, sentence(f))
	}
	return out
}

// Missing is why a column has no figures; "" where it has.
func Missing(f compare.Finding) string {
	if f == nil {
		return ""
	}
	return sentence(f)
}

func missingWords(f compare.Finding) string {
	switch f := f.(type) {
	case compare.StepFailed:
		text := fmt.Sprintf("step %s %s: %s", f.Step, cmp.Or(f.Status, "failed"), f.Error)
		if f.Advice != "" {
			text += "; what to do: " + f.Advice
		}
		return text
	case compare.NeverRan:
		return fmt.Sprintf("step %s has never run", f.Step)
	case compare.NoResultStep:
		return "its file has no compare block that names a result step"
	case compare.NoResultYet:
		return fmt.Sprintf("step %s has no result yet: run it (rein run)", f.Step)
	case compare.DroppedFromRace:
		return fmt.Sprintf("dropped after round %d of %d: %s", f.Round, f.Rounds, lossWords(f.Metric, f.Lost))
	case compare.RaceStopped:
		return f.Why
	}
	return ""
}

func noteWords(f compare.Finding) string {
	switch f := f.(type) {
	case compare.OtherBaseline:
		return fmt.Sprintf("%s has another baseline than %s: only the latter's is shown", f.Strategy, f.Shown)
	case compare.OtherAssumption:
		return fmt.Sprintf("%s differs between strategies: %s's %g is used for all", f.Name, f.Strategy, f.Value)
	case compare.Unreadable:
		if f.What == "" {
			return f.Error
		}
		return f.What + ": " + f.Error
	case compare.SideNeverRan:
		return f.Side + " has never run: data and results are not compared"
	case compare.SideMissing:
		return f.Side + ": " + Missing(f.Why)
	}
	return ""
}

func concernWords(f compare.Finding) string {
	switch f := f.(type) {
	case compare.NotMeasured:
		return "not measured: " + Missing(f.Why)
	case compare.GateMissed:
		return Missed(f.Gate)
	case compare.GateNotShown:
		return fmt.Sprintf("%s is within %s, but its interval reaches beyond: %s", gateName(f.Gate), gateWants(f.Gate), gateGot(f.Gate))
	case compare.SeedLuck:
		return fmt.Sprintf("%s meets its target with the seed that was kept; the mean over %s seeds, %s, doesn't", label(f.Metric), count(f.Seeds), show(f.Metric, f.Mean))
	case compare.NewOverTarget:
		return fmt.Sprintf("FP rate on new sources is %s, over the target of %s that own traffic meets", percent(f.Rate), percent(f.Target))
	case compare.NewFPHigher:
		return fmt.Sprintf("FP rate on new sources is %s against %s on own traffic", percent(f.New), percent(f.Own))
	case compare.NewRecallLower:
		return fmt.Sprintf("recall at 1%% FP rate on new sources is %s against %s on own traffic", percent(f.New), percent(f.Own))
	case compare.RankingWorse:
		return fmt.Sprintf("%s is worse than the baseline's (%s)", label(f.Test.Metric), evidence(f.Test))
	case compare.NothingPromised:
		return "the threshold promises nothing of new sources: no validation source has enough benign rows"
	case compare.TooFewPromised:
		p := f.Promise
		return fmt.Sprintf("too few sources: the threshold promises %s for %.0f%% of new sources, of %d; %.0f%% needs %d", percent(p.Limit), 100*p.Probability, p.Sources, 100*p.Wanted, p.Needs)
	case compare.Unbalanced:
		return "balance is " + balanceWords(f.Severity, f.Benign)
	}
	return ""
}

func reasonWords(f compare.Finding) string {
	switch f := f.(type) {
	case compare.NothingToChoose:
		return "There are no strategies to choose from."
	case compare.OnOtherRows:
		return fmt.Sprintf("%s and %s pass every gate, but on different test rows: figures of different test sets aren't ranked. Give both the same test set.", f.A, f.B)
	case compare.PassesAll:
		return fmt.Sprintf("%s passes every gate %s: recall %s at 1%% FP rate; at its own threshold FP rate %s, recall %s.", f.Strategy, onQuestion(f.Basis),
			withInterval(compare.Decisive, f.AtRate), withInterval("fp_rate", f.FPRate), withInterval("tp_rate", f.Recall))
	case compare.OnlyOne:
		return fmt.Sprintf("It is the only one of %d that does.", f.Of)
	case compare.HighestNotShown:
		return fmt.Sprintf("%s has the highest recall at 1%% FP rate, %s, but the difference is not significant (p %s), and %s.", f.Best, percent(f.AtRate), pvalue(f.P), instead(f))
	case compare.EqualsFollow:
		verb := "doesn't differ from it significantly in recall at 1% FP rate, and has more training rows or finds less on new sources"
		if len(f.Strategies) > 1 {
			verb = "don't differ from it significantly in recall at 1% FP rate, and have more training rows or find less on new sources"
		}
		return fmt.Sprintf("%s %s.", strings.Join(f.Strategies, ", "), verb)
	case compare.ShownHighest:
		return "Its recall at 1% FP rate is significantly higher than that of every other strategy that passes."
	case compare.AgainstVolume:
		return volumeWords(f.Test)
	case compare.Rejected:
		return fmt.Sprintf("%s is rejected: %s.", f.Strategy, failures(f.Gates))
	case compare.NonePasses:
		return "No strategy passes every gate " + onQuestion(f.Basis) + "."
	case compare.Closest:
		var gates []string
		for _, g := range f.Gates {
			gates = append(gates, gateName(g))
		}
		return fmt.Sprintf("The closest is %s: it fails on %s.", f.Strategy, joined(gates))
	case compare.KeepInMind:
		return "What to keep in mind of it:"
	}
	return ""
}

// instead is what speaks for a strategy that hasn't the highest recall.
func instead(f compare.HighestNotShown) string {
	if f.OnNew {
		return fmt.Sprintf("on new sources %s finds more, %s against %s", f.Chosen, percent(f.OfChosen), percent(f.OfHighest))
	}
	return fmt.Sprintf("%s has fewer training rows, %s against %s", f.Chosen, count(f.OfChosen), count(f.OfHighest))
}

// volumeWords say whether variations are worth more than volume.
func volumeWords(t compare.Test) string {
	switch t.Conclusion {
	case compare.Better:
		return fmt.Sprintf("Its variations do more than as many plain copies of the same rows would: recall at 1%% FP rate is higher (%s).", evidence(t))
	case compare.Worse:
		return fmt.Sprintf("As many plain copies of the same rows would do better than its variations: its recall at 1%% FP rate is lower than theirs (%s).", evidence(t))
	}
	return fmt.Sprintf("Its variations aren't shown to do more than as many plain copies of the same rows: %s (%s).", said(t), evidence(t))
}

// dataWords are of what lies in the data, with what can be done about it.
func dataWords(f compare.Finding) string {
	switch f := f.(type) {
	case compare.BaselineSuffices:
		var met []string
		for _, m := range f.Met {
			met = append(met, label(m.Metric)+" "+show(m.Metric, m.Value))
		}
		if f.Recall != nil {
			return fmt.Sprintf("The baseline keeps the target, too (%s), and finds %s of the attacks: what there is to win is recall at that rate.", joined(met), percent(*f.Recall))
		}
		return fmt.Sprintf("The baseline meets the targets by itself (%s): there is little to reinforce.", joined(met))
	case compare.FewFalsePositives:
		text := fmt.Sprintf("The pool gave %s false positives, fewer than any strategy asks for", count(f.Found))
		if f.NearMisses > 0 {
			text += fmt.Sprintf("; %s near misses stand in", count(f.NearMisses))
		}
		text += ". A larger pool (--var pool=FILE) gives more"
		if f.Lower {
			text += fmt.Sprintf(", and so does mining at a lower threshold (--var mine_at_recall=%g)", compare.LowestMining)
		}
		return text + "."
	case compare.UnbalancedRows:
		return fmt.Sprintf("The rows to train on are %s benign before anything is added, over what the balance allows: no strategy can mend that. "+
			"Give more rows of the rarer kind, or say what is acceptable (--var max_class_share=%g; training weighs the classes as it is).", percent(f.Benign), f.Allowed)
	case compare.FewTestRows:
		return fmt.Sprintf("The test set has %s benign rows: too few to show an FP rate of at most %s, for which %s without a false positive are needed.",
			count(f.Rows), percent(f.Target), count(float64(f.Need)))
	}
	return ""
}

func contradictionWords(f compare.Finding) string {
	switch f := f.(type) {
	case compare.BalanceWord:
		return fmt.Sprintf("%.1f%% benign is not within 40-60%%; the plan calls it %q", 100*f.Benign, f.Word)
	case compare.DaysDiffer:
		return fmt.Sprintf("its parts add up to %.3g days (%.3g of people, %.3g h of training), its total says %.3g", f.People+f.GPUHours/24, f.People, f.GPUHours, f.Total)
	case compare.CostDiffers:
		return fmt.Sprintf("%.3g GPU hours at $%.3g are $%.4g, the plan says $%.4g", f.GPUHours, f.Price, f.GPUHours*f.Price, f.Cost)
	case compare.PoolDiffers:
		return fmt.Sprintf("%s false positives at %.0f%% coverage mean a pool with %s of them; it holds %s", count(f.Asked), 100*f.Coverage, count(math.Round(f.Asked/f.Coverage)), count(f.Held))
	case compare.VerdictDiffers:
		return fmt.Sprintf("approved although the promised %s, %s, is not %s", gateName(f.Gate), gateGot(f.Gate), gateWants(f.Gate))
	case compare.SavingDiffers:
		sum := f.Avoided * f.Price
		return fmt.Sprintf("%s avoided alarms at $%.4g are $%s, not $%s, unless %s of them become tickets", count(f.Avoided), f.Price, count(math.Round(sum)), count(f.Saving), percent(f.Saving/sum))
	}
	return ""
}

// rule is how the recommended strategy is chosen.
const rule = "Among the strategies that pass every gate (targets, the balance's limit, more attacks found than by the baseline at one FP rate, and on no question fewer, " +
	"shown by paired tests over rows and, of new sources, over sources), the highest recall at 1% FP rate; of those whose difference from it is not significant " +
	"(Holm-adjusted, 5%), the highest on new sources; of those whose difference there isn't significant either, the one with the fewest training rows. Figures of different " +
	"test sets are never ranked."

// reason is a sentence of a recommendation, or one that a list follows.
type reason struct {
	Text   string
	Points []string
}

// String is the line with its list.
func (l reason) String() string {
	if len(l.Points) == 0 {
		return l.Text
	}
	return l.Text + " " + strings.Join(l.Points, "; ") + "."
}

// why are the recommendation's reasons; those of rejected strategies are apart.
func (r result) why() (reasons []reason, rejected []string) {
	for _, f := range r.Recommendation.Why {
		switch f := f.(type) {
		case compare.Rejected:
			rejected = append(rejected, sentence(f))
		default:
			reasons = append(reasons, reasonOf(f))
		}
	}
	return reasons, rejected
}

// allWhy are all reasons in their order.
func (r result) allWhy() []reason {
	var out []reason
	for _, f := range r.Recommendation.Why {
		out = append(out, reasonOf(f))
	}
	return out
}

func reasonOf(f compare.Finding) reason {
	l := reason{Text: sentence(f)}
	if keep, ok := f.(compare.KeepInMind); ok {
		l.Points = sentences(keep.Concerns)
	}
	return l
}

// besideGates are the concerns that are no failed gates.
func besideGates(s *compare.Strategy) []compare.Finding {
	return slices.DeleteFunc(slices.Clone(s.Concerns), func(f compare.Finding) bool {
		switch f.(type) {
		case compare.GateMissed, compare.NotMeasured:
			return true
		}
		return false
	})
}
