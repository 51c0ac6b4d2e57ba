package evaluate

import (
	"strings"
	"unicode/utf8"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// observe converts a scored row to the form of the statistics.
func observe(r artifact.Scored, language string, flagged bool) stats.Observation {
	o := stats.Observation{Malicious: r.Label == artifact.Malicious, Flagged: flagged, Threat: r.Score, Category: r.Category,
		Slices: map[string]string{"source": r.Source, "length": lengthBucket(r.Text)}}
	for by, value := range map[string]string{"language": language, "role": r.Role, "channel": r.Channel} {
		if value != "" {
			o.Slices[by] = value
		}
	}
	return o
}

// lengthBucket returns the name of a text's length class, by its number of characters.
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

// metrics records the figures that the matrix and the gates use. Figures on own traffic begin with own_, those on new sources with new_.
// The figures that the verdict is based on are also recorded without a prefix.
func (e *evaluation) metrics() {
	r := e.report
	for prefix, name := range map[string]string{"own_": stats.OwnTraffic, "new_": stats.NewSources, "": r.Basis} {
		if s := r.Sets[name]; s != nil {
			e.figures(prefix, s)
		}
	}
	if s := r.Sets[r.Basis]; s != nil {
		e.slices(s)
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

// slices records the worst slices of a set. A gate over slices uses the favourable end of the rate's interval, so that chance alone doesn't
// break the gate.
func (e *evaluation) slices(s *stats.Set) {
	if s.Worst = s.WorstSlice(); s.Worst != nil {
		e.put("worst_slice_fp_rate", &s.Worst.Rate)
		e.env.Metric("worst_slice_fp_rate_shown", s.Worst.Rate.Low)
	}
	s.WorstBy = map[string]*stats.Slice{}
	for _, by := range stats.SlicedBy {
		if w := s.WorstFPRate(by); w != nil {
			name := "fp_rate_by_" + by
			s.WorstBy[name] = w
			e.put(name, &stats.Interval{Value: w.Rate.Low, Low: w.Rate.Low, High: w.Reach})
		}
		if w := s.WorstRecall(by); w != nil {
			name := "tp_rate_by_" + by
			s.WorstBy[name] = w
			e.put(name, &stats.Interval{Value: w.Rate.High, Low: w.Reach, High: w.Rate.High})
		}
	}
}

func (e *evaluation) put(name string, i *stats.Interval) {
	if i != nil {
		e.env.Metric(name, i.Value)
		e.env.Metric(name+"_low", i.Low)
		e.env.Metric(name+"_high", i.High)
	}
}

// figures records the figures of one set. Their names begin with prefix.
func (e *evaluation) figures(prefix string, s *stats.Set) {
	put := func(name string, i *stats.Interval) {
		e.put(prefix+name, i)
		if prefix == "own_" { // the sources of own traffic are fixed, so they aren't resampled
			return
		}
		if over, ok := s.OverSources(name, i); ok {
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
		"benign_rows": float64(s.Benign.Rows), "malicious_rows": float64(s.Malicious.Rows), "cut_rows": float64(s.Cut.Rows)} {
		e.env.Metric(prefix+name, v)
	}
	if s.Cut.Rows > 0 {
		e.env.Metric(prefix+"cut_"+s.Cut.Unit, float64(s.Cut.Units))
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
