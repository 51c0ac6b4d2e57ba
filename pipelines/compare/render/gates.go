package render

import (
	"fmt"
	"strings"

	"rein/pipelines/compare"
	"rein/steps/metric"
)

// gateName is a gate's name for people.
func gateName(g compare.Gate) string {
	switch g.Name {
	case compare.GainGate:
		return "gain over the baseline"
	case compare.LossGate:
		return "loss against the baseline"
	}
	if of, ok := strings.CutPrefix(g.Name, "expected "); ok {
		return "expected " + label(of)
	}
	return label(g.Name)
}

// gateWants is what a gate asks for.
func gateWants(g compare.Gate) string {
	switch g.Name {
	case compare.StepsGate:
		return "every step has a result"
	case compare.BalanceGate:
		return "not critical"
	case compare.GainGate:
		return "more attacks found at one FP rate"
	case compare.LossGate:
		return "no fewer attacks found at one FP rate"
	}
	if g.Limits == nil {
		return ""
	}
	return wants(g.Metric, *g.Limits)
}

// gateGot is what was measured of it; "" where nothing was.
func gateGot(g compare.Gate) string {
	switch g.Name {
	case compare.StepsGate:
		if g.Missing != nil {
			return sentence(g.Missing)
		}
		return "all"
	case compare.BalanceGate:
		return balanceWords(g.Figure.Value, g.Benign)
	case compare.GainGate, compare.LossGate:
		var out []string
		for _, t := range g.Tests {
			out = append(out, fmt.Sprintf("%s %s (%s)", label(t.Metric), said(t), evidence(t)))
		}
		if g.Name == compare.LossGate && len(out) == 0 {
			return "none shown"
		}
		return strings.Join(out, "; ")
	}
	got := limitedFigure(g)
	if w := g.Slice; w != nil {
		got = fmt.Sprintf("%s: %s, of %d", sliceWords(w), got, w.Of)
		if w.Small > 0 {
			got += fmt.Sprintf("; %d more have too few rows", w.Small)
		}
	}
	return got
}

// limitedFigure is the measured figure that a gate limits, with as many decimals as don't contradict it.
func limitedFigure(g compare.Gate) string {
	f := g.Figure
	if f == nil {
		if _, by, sliced := strings.Cut(g.Metric, metric.By); sliced {
			return fmt.Sprintf("nothing: no %s of 30 rows or more", by)
		}
		return ""
	}
	if g.Limits != nil && isRate(g.Metric) && !g.Passed {
		least, most := compare.Limits(*g.Limits)
		if shown := show(g.Metric, f.Value); shown == show(g.Metric, least) || shown == show(g.Metric, most) {
			ends := *f
			if f.Low == nil || f.High == nil {
				ends.Low, ends.High = &f.Value, &f.Value
			}
			return fmt.Sprintf("%.4f%% (%s)", 100*f.Value, interval(g.Metric, ends))
		}
	}
	return withInterval(g.Metric, *f)
}

// Missed is a gate that wasn't passed as a sentence: what was wanted, and what was measured.
func Missed(g compare.Gate) string { return gateName(g) + ": " + unmet(g) }

// unmet is what a gate asks for beside what was measured.
func unmet(g compare.Gate) string {
	got := gateGot(g)
	if got == "" {
		got = "nothing"
	}
	return "wants " + gateWants(g) + ", measured " + got
}

// failures are the gates that a strategy fails, in words.
func failures(gates []compare.Gate) string {
	var out []string
	for _, g := range gates {
		if g.Name == compare.StepsGate {
			out = append(out, "not measured, "+gateGot(g))
		} else {
			out = append(out, gateName(g)+" "+unmet(g))
		}
	}
	return strings.Join(out, "; ")
}
