package compare

import (
	"rein/steps/stats"
)

// fewestSources is the least number of new sources for a test over them: with fewer, no outcome would be unlikely enough.
const fewestSources = 6

// recallAt compares two models' recall, each at the threshold that has the FP rate on the same benign rows.
func recallAt(rate float64) func(a, b *side) outcome {
	return func(a, b *side) outcome {
		if len(a.malicious) == 0 || len(a.benign) == 0 {
			return outcome{}
		}
		o := rates(a.recalled(rate), b.recalled(rate))
		o.rate = rate
		return o
	}
}

// recalled tells which attacks the model flags at the threshold that has the FP rate on the benign rows.
func (s *side) recalled(rate float64) []bool {
	return over(s.malicious, stats.ThresholdFor(s.sorted, rate))
}

// over tells which scores are at or over a threshold.
func over(scores []float64, threshold float64) []bool {
	out := make([]bool, len(scores))
	for i, v := range scores {
		out[i] = v >= threshold
	}
	return out
}

// flags tells which rows of a label the model flags, each at the threshold that decides it.
func (s *side) flags(malicious bool) []bool {
	scores, cuts := s.benign, s.cuts[0]
	if malicious {
		scores, cuts = s.malicious, s.cuts[1]
	}
	if cuts == nil {
		return over(scores, s.threshold)
	}
	out := make([]bool, len(scores))
	for i, v := range scores {
		out[i] = v >= cuts[i]
	}
	return out
}

// overRows adds the uncertainty of the thresholds to a comparison at one FP rate, by resampling rows of both labels.
func (o outcome) overRows(metric string, a, b *stats.Set) outcome {
	if a.Draws == nil || b.Draws == nil || a.RecallAt == nil {
		return o
	}
	o.difference, o.p = stats.PairedDraws(a.Draws.Rows[metric], b.Draws.Rows[metric], 0, o.difference.Value, 0)
	return o
}

// overSources tests the difference over sources, too. A difference on new sources is concluded only if both tests show it.
func (t *Test) overSources(metric string, a, b *stats.Set, o outcome) {
	if a.Draws == nil || b.Draws == nil || len(a.Draws.Sources[metric]) == 0 {
		return
	}
	switch metric {
	case "fp_rate":
		t.Sources = a.Draws.Benign
	case "tp_rate":
		t.Sources = a.Draws.Attacks
	default:
		t.Sources = min(a.Draws.Benign, a.Draws.Attacks)
	}
	d, p := stats.PairedDraws(a.Draws.Sources[metric], b.Draws.Sources[metric], 0, o.difference.Value, t.Sources)
	f := FigureOf(d)
	t.OverSources, t.SourcesP = &f, p
	t.Raw = max(t.Raw, p)
}

// TooFewSources tells whether a test has too few new sources to show anything.
func (t *Test) TooFewSources() bool { return t.Sources > 0 && t.Sources < fewestSources }
