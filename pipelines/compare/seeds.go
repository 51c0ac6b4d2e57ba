package compare

import (
	"math"

	"rein/steps/stats"
)

// side is a column's answers on one set with the thresholds of all its seeds.
func (d *run) side(a *answers) *side {
	s := &side{answers: a, threshold: d.report.Threshold}
	for i := range a.seeds {
		at := d.report.Threshold
		if i+1 < len(d.report.Seeds) {
			at = d.report.Seeds[i+1].Threshold
		}
		s.others = append(s.others, at)
	}
	return s
}

// all are the answers and the threshold of each seed, the model that is used first.
func (s *side) all(f func(a *answers, threshold float64)) {
	f(s.answers, s.threshold)
	for i, a := range s.seeds {
		f(a, s.others[i])
	}
}

// overSeeds replaces what a test of two models said by what all their seeds say; the rows that one model alone flags stay
// those of the models that are used.
func (o outcome) overSeeds(rows float64, a, b []float64) outcome {
	m := stats.OverSeeds(rows, a, b)
	o.difference, o.p, o.seeds = m.Difference, m.P, [2]int{len(a), len(b)}
	o.detectable = power * math.Sqrt(m.Rows+m.Seeds)
	o.need = 0
	d := m.Difference.Value * m.Difference.Value / power / power // the variance at which this difference is shown
	switch {
	case d == 0 || m.Rows+m.Seeds <= d:
	case m.Seeds < d:
		o.need = int(math.Ceil(float64(o.rows) * m.Rows / (d - m.Seeds)))
	case m.Rows < d:
		o.needSeeds = int(math.Ceil(float64(max(len(a), len(b))) * m.Seeds / (d - m.Rows)))
	default: // twice as much of both as either alone would need
		o.need = int(math.Ceil(2 * float64(o.rows) * m.Rows / d))
		o.needSeeds = int(math.Ceil(2 * float64(max(len(a), len(b))) * m.Seeds / d))
	}
	return o
}

// power is how many standard errors a difference has that is shown at the 5% level with 80% power.
const power = stats.Z95 + 0.8416212335729143

// patterns counts the rows by which seeds of A and of B flag them: at their thresholds, or where each has an FP rate.
func (a *side) patterns(b *side, benign, malicious bool, rate float64) []stats.Pattern {
	at := map[string]int{}
	var out []stats.Pattern
	label := func(rows func(*answers) []float64, add func(*stats.Pattern)) {
		var lists [][]float64
		var cuts []float64
		na := 0
		for i, s := range []*side{a, b} {
			s.all(func(x *answers, cut float64) {
				if rate > 0 {
					cut = stats.ThresholdFor(x.sorted, rate)
				}
				lists, cuts = append(lists, rows(x)), append(cuts, cut)
			})
			if i == 0 {
				na = len(lists)
			}
		}
		key := make([]byte, len(lists))
		for row := range lists[0] {
			for s := range lists {
				key[s] = 0
				if lists[s][row] >= cuts[s] {
					key[s] = 1
				}
			}
			i, ok := at[string(key)]
			if !ok {
				i = len(out)
				at[string(key)] = i
				flagged := make([]bool, len(key))
				for s, k := range key {
					flagged[s] = k == 1
				}
				out = append(out, stats.Pattern{A: flagged[:na], B: flagged[na:]})
			}
			add(&out[i])
		}
	}
	if benign {
		label(func(x *answers) []float64 { return x.benign }, func(p *stats.Pattern) { p.Benign++ })
	}
	if malicious {
		label(func(x *answers) []float64 { return x.malicious }, func(p *stats.Pattern) { p.Malicious++ })
	}
	return out
}

func (a *side) seedsFP(b *side) (rows float64, byA, byB []float64) {
	return stats.FlaggedRows(a.patterns(b, true, false, 0))
}

func (a *side) seedsRecall(b *side) (rows float64, byA, byB []float64) {
	return stats.FlaggedRows(a.patterns(b, false, true, 0))
}

func seedsRecallAt(rate float64) func(a, b *side) (rows float64, byA, byB []float64) {
	return func(a, b *side) (rows float64, byA, byB []float64) {
		return stats.FlaggedRows(a.patterns(b, false, true, rate))
	}
}

func (a *side) seedsF1(b *side) (rows float64, byA, byB []float64) {
	macro := func(c stats.Confusion) float64 {
		_, _, m := c.F1()
		return m
	}
	return stats.DecidedRows(a.patterns(b, true, true, 0), macro, resamples, seed)
}

func (a *side) seedsAUC(b *side) (rows float64, byA, byB []float64) {
	var ra, rb []*stats.ROC
	a.all(func(x *answers, _ float64) { ra = append(ra, x.roc) })
	b.all(func(x *answers, _ float64) { rb = append(rb, x.roc) })
	return stats.RankedRows(ra, rb)
}
