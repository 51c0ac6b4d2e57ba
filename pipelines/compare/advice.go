package compare

import (
	"math"
	"slices"

	"rein/steps/stats"
)

// advice is what lies in the data and not in the strategies.
func (r *Result) advice() []Finding {
	var out []Finding
	for _, look := range []func() Finding{r.fewFalsePositives, r.unbalancedRows, r.fewTestRows} {
		if f := look(); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// LowestMining is the recall at whose threshold false positives may be mined where the threshold of a lower one gives too few.
const LowestMining = 0.99

// fewFalsePositives speaks where every strategy wanted more false positives than there were: they then differ in little.
func (r *Result) fewFalsePositives() Finding {
	found, near := -1.0, 0.0
	for _, s := range r.Contenders() {
		had, ok := s.Measured["available_fps"]
		took, okTook := s.Measured["unique_fps"]
		asked, okAsked := r.Variable(s, "false_positives")
		if !ok || !okTook || took.Value < had.Value || okAsked && asked <= had.Value {
			return nil
		}
		found, near = had.Value, math.Max(near, s.Measured["near_misses"].Value)
	}
	if found < 0 {
		return nil
	}
	fixed := slices.ContainsFunc(r.Contenders(), func(s *Strategy) bool {
		recall, ok := r.Variable(s, "mine_at_recall")
		return !ok || recall >= LowestMining
	})
	return FewFalsePositives{found, near, !fixed}
}

// unbalancedRows speaks where the rows to train on are critically unbalanced before a strategy has done anything.
func (r *Result) unbalancedRows() Finding {
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
		return nil
	}
	// A limit that these rows keep, with a little room for what a strategy adds.
	enough := math.Min(math.Ceil(100*(math.Max(worst, 1-worst)+0.05))/100, 1)
	return UnbalancedRows{worst, enough}
}

// fewTestRows speaks where the test set is too small for its target.
func (r *Result) fewTestRows() Finding {
	rows, target := math.Inf(1), 0.0
	for _, s := range r.Contenders() {
		most, n := s.Targets["fp_rate"].AtMost, s.Measured["benign_rows"]
		if most != nil && n.Value > 0 && n.Value < rows {
			rows, target = n.Value, *most
		}
	}
	if math.IsInf(rows, 1) || target <= 0 {
		return nil
	}
	need := int(math.Ceil(stats.Z95 * stats.Z95 * (1 - target) / target)) // upper end of Wilson's interval for 0 of n
	if int(rows) >= need {
		return nil
	}
	return FewTestRows{rows, target, need}
}

// baselineSuffices tells whether the baseline meets the strategies' targets. Its threshold is chosen for the FP rate, so keeping the FP
// rate alone doesn't count: recall can still be gained.
func (r *Result) baselineSuffices() Finding {
	var met []Met
	recall := false
	for _, s := range r.Contenders() {
		for _, name := range []string{"fp_rate", "tp_rate"} {
			e, ok := s.Targets[name]
			if !ok {
				continue
			}
			if !Check(name, e, r.Baseline.Measured).Passed {
				return nil
			}
			recall = recall || name == "tp_rate"
			if m := (Met{name, r.Baseline.Measured[name].Value}); !slices.Contains(met, m) {
				met = append(met, m)
			}
		}
	}
	if len(met) == 0 {
		return nil
	}
	out := BaselineSuffices{Met: met}
	if found, ok := r.Baseline.Measured["tp_rate"]; ok && !recall {
		out.Recall = &found.Value
	}
	return out
}
