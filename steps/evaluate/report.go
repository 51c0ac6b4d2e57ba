package evaluate

import (
	"strings"
	"unicode/utf8"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// observe is a scored row as the statistics see it.
func observe(r artifact.Row, language string, threat float64, flagged bool) stats.Observation {
	o := stats.Observation{Malicious: r.Label == artifact.Malicious, Flagged: flagged, Threat: threat, Category: r.Category,
		Slices: map[string]string{"source": r.Source, "length": lengthBucket(r.Text)}}
	if language != "" {
		o.Slices["language"] = language
	}
	return o
}

// lengthBucket names a text's length in characters.
func lengthBucket(text string) string {
	n := utf8.RuneCountInString(text)
	for _, b := range []struct {
		under int
		name  string
	}{{40, "1: under 40"}, {100, "2: 40-99"}, {250, "3: 100-249"}, {1000, "4: 250-999"}} {
		if n < b.under {
			return b.name
		}
	}
	return "5: 1,000 and more"
}

// metrics records the figures that the matrix and the gates use.
func metrics(env *steps.Env, r *stats.Report) {
	put := func(name string, i *stats.Interval) {
		if i != nil {
			env.Metric(name, i.Value)
			env.Metric(name+"_low", i.Low)
			env.Metric(name+"_high", i.High)
		}
	}
	for _, set := range []struct{ name, prefix string }{{"test", ""}, {"unseen", "unseen_"}} {
		s := r.Sets[set.name]
		if s == nil {
			continue
		}
		put(set.prefix+"fp_rate", s.FPRate)
		put(set.prefix+"tp_rate", s.Recall)
		put(set.prefix+"f1_macro", s.F1Macro)
		put(set.prefix+"roc_auc", s.AUC)
		put(set.prefix+"pr_auc", s.PRAUC)
		env.Metric(set.prefix+"fp_count", float64(s.Confusion.FP))
		env.Metric(set.prefix+"ece", s.ECE)
		env.Metric(set.prefix+"brier", s.Brier)
		for name, i := range s.Intervals {
			put(set.prefix+name, i)
		}
		env.Metric(set.prefix+"benign_rows", float64(s.Benign.Rows))
		env.Metric(set.prefix+"malicious_rows", float64(s.Malicious.Rows))
		if s.Scaled != nil {
			env.Metric(set.prefix+"ece_scaled", s.Scaled.ECE)
		}
		if s.AtBase != nil {
			env.Metric(set.prefix+"precision_at_base_rate", *s.AtBase)
		}
		for _, p := range stats.OperatingPoints {
			put(set.prefix+"recall_at_fp_"+strings.ReplaceAll(p.Name, ".", "_"), s.RecallAt[p.Name])
		}
	}
	if s := r.Sets["pool"]; s != nil {
		put("seen_pool_fp_rate", s.FPRate)
	}
	if r.Temperature > 0 {
		env.Metric("temperature", r.Temperature)
	}
	env.Metric("threshold", r.Threshold)
}
