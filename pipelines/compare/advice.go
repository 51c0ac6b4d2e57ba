package compare

import (
	"fmt"
	"math"
	"slices"

	"rein/steps/stats"
)

// advice says what lies in the data and not in the strategies, and what can be done about it.
func (r *Result) advice() []string {
	var out []string
	for _, say := range []func() string{r.adviseFew, r.adviseBalance, r.adviseRows} {
		if s := say(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// adviseFew speaks where every strategy wanted more false positives than there were: they then differ in little.
func (r *Result) adviseFew() string {
	found, near := -1.0, 0.0
	for _, s := range r.Contenders() {
		had, ok := s.Measured["available_fps"]
		took, okTook := s.Measured["unique_fps"]
		asked, okAsked := r.Variable(s, "false_positives")
		if !ok || !okTook || took.Value < had.Value || okAsked && asked <= had.Value {
			return ""
		}
		found, near = had.Value, math.Max(near, s.Measured["near_misses"].Value)
	}
	if found < 0 {
		return ""
	}
	out := fmt.Sprintf("The pool gave %s false positives, fewer than any strategy asks for", count(found))
	if near > 0 {
		out += fmt.Sprintf("; %s near misses stand in", count(near))
	}
	out += ". A larger pool (--var pool=FILE) gives more"
	if !slices.ContainsFunc(r.Contenders(), func(s *Strategy) bool { return r.text(s, "threshold_rule") == "recall" }) {
		out += ", and so does a lower threshold (--var threshold_rule=recall)"
	}
	return out + "."
}

// adviseBalance speaks where the rows to train on are critically unbalanced before a strategy has done anything.
func (r *Result) adviseBalance() string {
	worst := -1.0
	for _, s := range r.Contenders() {
		if sev, ok := s.Measured["balance_severity"]; !ok || sev.Value < Critical || !r.limitsBalance(s) {
			continue
		}
		total, ok := s.Measured["total_samples"]
		benign, okBenign := s.Measured["benign_samples"]
		if !ok || !okBenign {
			continue
		}
		b := benign.Value - s.Measured["benign_added"].Value
		all := total.Value - s.Measured["benign_added"].Value - s.Measured["malicious_added"].Value
		share, after := b/all, benign.Value/total.Value
		if all > 0 && math.Abs(share-0.5) >= math.Abs(after-0.5)-0.1 && math.Max(share, 1-share) > 0.65 {
			worst = share
		}
	}
	if worst < 0 {
		return ""
	}
	// A limit that these rows keep, with a little room for what a strategy adds.
	enough := math.Min(math.Ceil(100*(math.Max(worst, 1-worst)+0.05))/100, 1)
	return fmt.Sprintf("The rows to train on are %s benign before anything is added, over what the balance allows: no strategy can mend that. "+
		"Give more rows of the rarer kind, or say what is acceptable (--var max_class_share=%g; training weighs the classes as it is).", percent(worst), enough)
}

// adviseRows speaks where the test set is too small for its target.
func (r *Result) adviseRows() string {
	rows, target := math.Inf(1), 0.0
	for _, s := range r.Contenders() {
		most, n := s.Targets["fp_rate"].AtMost, s.Measured["benign_rows"]
		if most != nil && n.Value > 0 && n.Value < rows {
			rows, target = n.Value, *most
		}
	}
	if math.IsInf(rows, 1) || target <= 0 {
		return ""
	}
	need := int(math.Ceil(stats.Z95 * stats.Z95 * (1 - target) / target)) // Wilson's upper end at none of n
	if int(rows) >= need {
		return ""
	}
	return fmt.Sprintf("The test set has %s benign rows: too few to show an FP rate of at most %s, for which %s without a false positive are needed.",
		count(rows), percent(target), count(float64(need)))
}

// baselineSuffices tells whether the baseline meets the targets that the strategies are held to. An FP rate alone is what its
// threshold is chosen for: recall is then what there is to win.
func (r *Result) baselineSuffices() string {
	var met []string
	recall := false
	for _, s := range r.Contenders() {
		for _, name := range []string{"fp_rate", "tp_rate"} {
			e, ok := s.Targets[name]
			if !ok {
				continue
			}
			if !Check(name, e, r.Baseline.Measured).Passed {
				return ""
			}
			recall = recall || name == "tp_rate"
			if said := label(name) + " " + show(name, r.Baseline.Measured[name].Value); !slices.Contains(met, said) {
				met = append(met, said)
			}
		}
	}
	if len(met) == 0 {
		return ""
	}
	if found, ok := r.Baseline.Measured["tp_rate"]; ok && !recall {
		return "The baseline keeps the target, too (" + joined(met) + "), and finds " + percent(found.Value) + " of the attacks: what there is to win is recall at that rate."
	}
	return "The baseline meets the targets by itself (" + joined(met) + "): there is little to reinforce."
}
