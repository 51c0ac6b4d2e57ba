package render

import (
	"fmt"
	"math"

	"rein/pipelines/compare"
)

var performanceLines = []line{
	{sectionPerform, "basis", "the verdict rests on", basis},
	{sectionPerform, "new_recall_at_fp_0_5", "recall at 0.5% FP rate, new sources", func(v view) Cell { return v.measuredCell("new_recall_at_fp_0_5") }},
	{sectionPerform, "new_recall_at_fp_1", "recall at 1% FP rate, new sources", func(v view) Cell { return v.measuredCell("new_recall_at_fp_1") }},
	{sectionPerform, "new_recall_interval", "  95% interval over sources", overSources("new_recall_at_fp_1")},
	{sectionPerform, "new_recall_test", "  against the baseline", againstBaseline("new_recall_at_fp_1")},
	{sectionPerform, "new_recall_at_fp_2", "recall at 2% FP rate, new sources", func(v view) Cell { return v.measuredCell("new_recall_at_fp_2") }},
	{sectionPerform, "own_recall_at_fp_1", "recall at 1% FP rate, own traffic", func(v view) Cell { return v.measuredCell("own_recall_at_fp_1") }},
	{sectionPerform, "own_recall_test", "  against the baseline", againstBaseline("own_recall_at_fp_1")},
	{sectionPerform, "promise", "threshold's promise", promise},
	{sectionPerform, "kept", "  new sources that keep it", kept("")},
	{sectionPerform, "kept_pooled", "  with one threshold for all rows", kept("_pooled")},
	{sectionPerform, "fp_rate", "FP rate", func(v view) Cell { return v.rate("fp_rate") }},
	{sectionPerform, "fp_interval", "  95% interval", interval95("fp_rate")},
	{sectionPerform, "fp_seeds", "  mean over seeds", overSeeds("fp_rate")},
	{sectionPerform, "target", "target reached", target},
	{sectionPerform, "confidence", "  sure of it", sure},
	{sectionPerform, "reduction", "FP reduction", reduction},
	{sectionPerform, "fp_test", "  against the baseline", againstBaseline("fp_rate")},
	{sectionPerform, "fp_chosen", "  against the chosen or best", againstChosen},
	{sectionPerform, "fp_control", "  against plain copies", controlCell},
	{sectionPerform, "fp_count", "false positives", fpCount},
	{sectionPerform, "fp_per_100k", "FPs per 100,000", perHundredThousand},
	{sectionPerform, "tp_rate", "recall", func(v view) Cell { return v.rate("tp_rate") }},
	{sectionPerform, "tp_interval", "  95% interval", interval95("tp_rate")},
	{sectionPerform, "tp_seeds", "  mean over seeds", overSeeds("tp_rate")},
	{sectionPerform, "tp_test", "  against the baseline", againstBaseline("tp_rate")},
	{sectionPerform, "f1_macro", "F1 macro", func(v view) Cell { return v.measuredCell("f1_macro").expected(v, "f1_macro") }},
	{sectionPerform, "f1_seeds", "  mean over seeds", overSeeds("f1_macro")},
	{sectionPerform, "roc_auc", "ROC-AUC", func(v view) Cell { return v.measuredCell("roc_auc").expected(v, "roc_auc") }},
	{sectionPerform, "auc_seeds", "  mean over seeds", overSeeds("roc_auc")},
	{sectionPerform, "own_fp_rate", "FP rate, own traffic", func(v view) Cell { return v.measuredCell("own_fp_rate") }},
	{sectionPerform, "own_tp_rate", "recall, own traffic", func(v view) Cell { return v.measuredCell("own_tp_rate") }},
	{sectionPerform, "own_roc_auc", "ROC-AUC, own traffic", func(v view) Cell { return v.measuredCell("own_roc_auc") }},
	{sectionPerform, "edited_tp_rate", "recall, edited attacks (mean)", func(v view) Cell { return v.measuredCell("edited_tp_rate") }},
	{sectionPerform, "edited_tp_rate_worst", "  under the worst edit", func(v view) Cell { return v.measuredCell("edited_tp_rate_worst") }},
	{sectionPerform, "edited_fp_rate_worst", "FP rate, edited (worst)", func(v view) Cell { return v.measuredCell("edited_fp_rate_worst") }},
	{sectionPerform, "seen_pool_fp_rate", "FP rate, mined pool (seen)", func(v view) Cell { return v.measuredCell("seen_pool_fp_rate") }},
}

// basis is the question that the verdict rests on, with how much answers it.
func basis(v view) Cell {
	what := "own traffic"
	if v.r.Basis() == compare.New {
		what = "new sources"
	}
	if n, ok := v.measured["benign_sources"]; ok && v.s == nil {
		what += fmt.Sprintf(" (%s benign, %s malicious)", count(n.Value), count(v.measured["malicious_sources"].Value))
	}
	return Cell{Text: what}
}

// overSources is a figure's interval over sources.
func overSources(metric string) func(view) Cell {
	return func(v view) Cell {
		f, ok := v.measured[metric]
		if !ok || f.SourcesLow == nil || f.SourcesHigh == nil {
			return Cell{}
		}
		return Cell{Text: interval(metric, compare.Figure{Value: f.Value, Low: f.SourcesLow, High: f.SourcesHigh})}
	}
}

// promise is what the threshold promises of new sources.
func promise(v view) Cell {
	p := v.r.Baseline.Promise
	if v.s != nil {
		p = v.s.Promise
	}
	switch {
	case p == nil:
		return Cell{}
	case p.Sources == 0:
		return Cell{Text: "none: no source has enough rows", Tone: Bad}
	case p.Probability < p.Wanted-1e-9:
		return Cell{Text: fmt.Sprintf("too few sources: at most %s for %.0f%% of new ones; %.0f%% needs %d", percentOf(p.Limit), 100*p.Probability, 100*p.Wanted, p.Needs), Tone: Warn}
	}
	return Cell{Text: fmt.Sprintf("at most %s for %s new sources", percentOf(p.Limit), shareOf(p.Wanted)), Tone: Good}
}

// percentOf is a limit without needless decimals.
func percentOf(v float64) string { return fmt.Sprintf("%.3g%%", 100*v) }

// shareOf is a share in small numbers: 9 of 10.
func shareOf(p float64) string {
	for _, n := range []int{10, 20, 100} {
		if k := math.Round(p * float64(n)); math.Abs(k-p*float64(n)) < 1e-6 {
			return fmt.Sprintf("%.0f of %d", k, n)
		}
	}
	return fmt.Sprintf("%.1f%% of", 100*p)
}

// kept is how many of the new sources keep the limit.
func kept(suffix string) func(view) Cell {
	return func(v view) Cell {
		n, ok := v.measured["new_sources"]
		if !ok || n.Value == 0 {
			return Cell{}
		}
		return Cell{Text: fmt.Sprintf("%s of %s; worst %s", count(v.measured["new_sources_within"+suffix].Value), count(n.Value), percent(v.measured["new_sources_worst"+suffix].Value))}
	}
}

// rate is a measured rate beside what was promised, judged by the target of the metric and by the promise.
func (v view) rate(metric string) Cell {
	c := v.measuredCell(metric).expected(v, metric)
	if v.s == nil || c.Text == "" {
		return c
	}
	e, ok := v.s.Targets[metric]
	if !ok {
		return c
	}
	switch g := compare.Check(metric, e, v.measured); {
	case !g.Passed:
		c.Tone = Bad
	case !g.Shown:
		c.Tone = Warn
	default:
		c.Tone = Good
	}
	return c
}

func interval95(metric string) func(view) Cell {
	return func(v view) Cell {
		if f, ok := v.measured[metric]; ok && f.Low != nil && f.High != nil {
			return Cell{Text: interval(metric, f)}
		}
		return Cell{}
	}
}

// target says whether the FP target is reached, judged by measured figures.
func target(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	e, ok := v.s.Targets["fp_rate"]
	if _, measured := v.measured["fp_rate"]; !ok || !measured {
		return Cell{}
	}
	g := compare.Check("fp_rate", e, v.measured)
	switch {
	case g.Passed && g.Shown:
		return Cell{Text: "yes", Tone: Good}
	case g.Passed:
		return Cell{Text: "yes, not shown", Tone: Warn}
	}
	return Cell{Text: "no", Tone: Bad}
}

func sure(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	if p, ok := v.s.Confidence(); ok {
		return Cell{Text: confidence(p)}
	}
	return Cell{}
}

// reduction is the share of the baseline's false positives that is gone.
func reduction(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	base, ok := v.r.Baseline.Measured["fp_rate"]
	own, okOwn := v.measured["fp_rate"]
	if !ok || !okOwn || base.Value <= 0 {
		return Cell{}
	}
	if own.Value > base.Value {
		return Cell{Text: fmt.Sprintf("none: %.1f%% more", 100*(own.Value/base.Value-1)), Tone: Bad}
	}
	return Cell{Text: fmt.Sprintf("%.1f%%", 100*(1-own.Value/base.Value)), Tone: Good}
}

func againstBaseline(metric string) func(view) Cell {
	return func(v view) Cell {
		if v.s == nil {
			return Cell{}
		}
		return testCell(v.r.TestOf(compare.BaselineName, v.s.Name, metric))
	}
}

// againstChosen is the test of a column against the recommended strategy; without one, against the lowest FP rate.
func againstChosen(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	chosen := v.r.Yardstick()
	if chosen == nil || chosen == v.s || v.s.ControlOf != "" {
		return Cell{}
	}
	if t := v.r.TestOf(chosen.Name, v.s.Name, "fp_rate"); t != nil {
		return testCell(t)
	}
	return testCell(v.r.TestOf(v.s.Name, chosen.Name, "fp_rate").Turned())
}

// testCell is the difference in points and what it amounts to.
func testCell(t *compare.Test) Cell {
	switch {
	case t == nil:
		return Cell{}
	case t.Conclusion == compare.Incomparable:
		return Cell{Text: compare.Incomparable, Tone: Warn}
	}
	c := Cell{Text: fmt.Sprintf("%+.2f pts, %s", 100*t.Difference.Value, t.Conclusion)}
	switch t.Conclusion {
	case compare.Better:
		c.Tone = Good
	case compare.Worse:
		c.Tone = Bad
	}
	return c
}

func fpCount(v view) Cell {
	n, ok := v.measured["fp_count"]
	if !ok {
		return Cell{}
	}
	c := Cell{Text: count(n.Value)}
	if of, ok := v.measured["benign_rows"]; ok {
		c.Text += " of " + count(of.Value)
	}
	return c
}

func perHundredThousand(v view) Cell {
	f, ok := v.measured["fp_rate"]
	if !ok {
		return Cell{}
	}
	c := Cell{Text: count(math.Round(1e5 * f.Value))}
	if v.s != nil {
		if e, ok := v.s.Promised("fp_rate"); ok {
			c.Expected = count(math.Round(1e5 * e))
		}
	}
	return c
}

func controlCell(v view) Cell {
	if v.s == nil || v.s.ControlOf != "" {
		return Cell{}
	}
	return testCell(v.r.AgainstControl(v.s, "fp_rate"))
}

// overSeeds is a figure's mean and standard deviation over the seeds of a training; blank where there was one.
func overSeeds(metric string) func(view) Cell {
	return func(v view) Cell {
		n, ok := v.measured["seeds"]
		mean, spread, okBoth := compare.Both(v.measured, metric+"_mean", metric+"_spread")
		if !ok || !okBoth {
			return Cell{}
		}
		return Cell{Text: fmt.Sprintf("%s ± %s (%s seeds)", show(metric, mean.Value), show(metric, spread.Value), count(n.Value))}
	}
}
