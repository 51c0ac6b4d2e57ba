package evaluate

import (
	"strings"
	"unicode/utf8"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// observe is a scored row as the statistics see it.
func observe(r artifact.Scored, language string, flagged bool) stats.Observation {
	o := stats.Observation{Malicious: r.Label == artifact.Malicious, Flagged: flagged, Threat: r.Score, Category: r.Category,
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

// metrics records the figures that the matrix and the gates use: each question's under own_ and new_, and those that the
// verdict rests on under their plain names.
func (e *evaluation) metrics() {
	r := e.report
	for prefix, name := range map[string]string{"own_": stats.OwnTraffic, "new_": stats.NewSources, "": r.Basis} {
		if s := r.Sets[name]; s != nil {
			e.figures(prefix, s)
		}
	}
	if s := r.Sets[r.Basis]; s != nil {
		if s.Worst = s.WorstSlice(); s.Worst != nil {
			e.put("worst_slice_fp_rate", &s.Worst.Rate)
			e.env.Metric("worst_slice_fp_rate_shown", s.Worst.Rate.Low)
		}
	}
	if s := r.Sets["pool"]; s != nil {
		e.put("seen_pool_fp_rate", s.FPRate)
	}
	if r.Temperature > 0 {
		e.env.Metric("temperature", r.Temperature)
	}
	e.env.Metric("threshold", r.Threshold)
	if p := r.Promise; p != nil {
		e.env.Metric("promise_limit", p.Limit)
		e.env.Metric("promise_sources", float64(p.Sources))
		e.env.Metric("promise_probability", p.Probability)
		e.env.Metric("promise_wanted", p.Wanted)
	}
	if k := r.Kept; k != nil {
		e.env.Metric("new_sources", float64(k.Sources))
		for suffix, w := range map[string]stats.Within{"": k.At, "_pooled": k.Pooled} {
			e.env.Metric("new_sources_within"+suffix, float64(w.Limit))
			e.env.Metric("new_sources_within_twice"+suffix, float64(w.Twice))
			e.env.Metric("new_sources_worst"+suffix, w.Worst)
		}
		e.put("new_fp_rate_pooled", &k.Pooled.FPRate)
	}
}

func (e *evaluation) put(name string, i *stats.Interval) {
	if i != nil {
		e.env.Metric(name, i.Value)
		e.env.Metric(name+"_low", i.Low)
		e.env.Metric(name+"_high", i.High)
	}
}

// figures records those of one set.
func (e *evaluation) figures(prefix string, s *stats.Set) {
	put := func(name string, i *stats.Interval) {
		e.put(prefix+name, i)
		if i == nil || s.Draws == nil || prefix == "own_" { // own traffic's sources are what they are: none is drawn
			return
		}
		if over, ok := stats.DrawnInterval(i.Value, s.Draws.Sources[name], min(s.Draws.Benign, s.Draws.Attacks)); ok {
			e.env.Metric(prefix+name+"_sources_low", over.Low)
			e.env.Metric(prefix+name+"_sources_high", over.High)
		}
	}
	put("fp_rate", s.FPRate)
	put("tp_rate", s.Recall)
	put("f1_macro", s.F1Macro)
	put("roc_auc", s.AUC)
	put("pr_auc", s.PRAUC)
	for _, p := range stats.OperatingPoints {
		put("recall_at_fp_"+strings.ReplaceAll(p.Name, ".", "_"), s.RecallAt[p.Name])
	}
	for name, i := range s.Intervals {
		put(name, i)
	}
	for name, v := range map[string]float64{"fp_count": float64(s.Confusion.FP), "ece": s.ECE, "brier": s.Brier,
		"benign_rows": float64(s.Benign.Rows), "malicious_rows": float64(s.Malicious.Rows)} {
		e.env.Metric(prefix+name, v)
	}
	if d := s.Draws; d != nil {
		e.env.Metric(prefix+"benign_sources", float64(d.Benign))
		e.env.Metric(prefix+"malicious_sources", float64(d.Attacks))
	}
	if s.Scaled != nil {
		e.env.Metric(prefix+"ece_scaled", s.Scaled.ECE)
	}
	if s.AtBase != nil {
		e.env.Metric(prefix+"precision_at_base_rate", *s.AtBase)
	}
}
