package render

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"rein/pipelines/compare"
)

// question is one of the questions that rows answer, as a section of the matrix. The one without a prefix has what programs measure
// that know no such division.
type question struct{ section, prefix string }

var performanceLines = slices.Concat(question{sectionPerform, ""}.lines(), question{sectionOwn, compare.Own}.lines(), question{sectionNew, compare.New}.lines(), promiseLines, editLines)

// lines are a question's rows; the tests stand under the figure that they are about.
func (q question) lines() []line {
	of := func(key, name string, cell func(view) Cell) line {
		return line{q.section, q.prefix + key, name, q.only(cell)}
	}
	fp, recall, at1 := q.prefix+"fp_rate", q.prefix+"tp_rate", q.prefix+compare.Decisive
	return []line{
		of("fp_rate", "FP rate", func(v view) Cell { return v.rate(q, "fp_rate") }),
		of("worst_slice", "  worst slice", q.ofBasis(worstSlice)),
		of("fp_seeds", "  mean over seeds", q.overSeeds("fp_rate")),
		of("confidence", "  sure of the target", q.ofBasis(sure)),
		of("fp_test", "  against baseline", againstBaseline(fp)),
		of("fp_chosen", "  against ★", againstChosen(fp)),
		of("fp_control", "  against plain copies", against(fp, (*compare.Result).AgainstControl)),
		of("fp_count", "false positives", q.falsePositives),
		of(compare.Decisive, "recall at 1% FP", func(v view) Cell { return v.withInterval(at1) }),
		of("gain", "  against baseline", againstBaseline(at1)),
		of("chosen", "  against ★", againstChosen(at1)),
		of("control", "  against plain copies", against(at1, (*compare.Result).AgainstControl)),
		of("recall_at_fp_0_5", "recall at 0.5% FP", func(v view) Cell { return v.measuredCell(q.prefix + "recall_at_fp_0_5") }),
		of("recall_at_fp_2", "recall at 2% FP", func(v view) Cell { return v.measuredCell(q.prefix + "recall_at_fp_2") }),
		of("tp_rate", "recall", func(v view) Cell { return v.rate(q, "tp_rate") }),
		of("tp_seeds", "  mean over seeds", q.overSeeds("tp_rate")),
		of("tp_test", "  against baseline", againstBaseline(recall)),
		of("cut_rows", "rows not read whole", q.cut),
		of("f1_macro", "F1 macro", func(v view) Cell { return v.promised(q, "f1_macro") }),
		of("f1_seeds", "  mean over seeds", q.overSeeds("f1_macro")),
		of("roc_auc", "ROC-AUC", func(v view) Cell { return v.promised(q, "roc_auc") }),
		of("auc_seeds", "  mean over seeds", q.overSeeds("roc_auc")),
	}
}

// only blanks the cells without a prefix of columns that have figures with one: they would say the same again.
func (q question) only(cell func(view) Cell) func(view) Cell {
	if q.prefix != "" {
		return cell
	}
	return func(v view) Cell {
		for _, prefix := range []string{compare.Own, compare.New} {
			for _, m := range []string{"fp_rate", "tp_rate", compare.Decisive} {
				if _, ok := v.measured[prefix+m]; ok {
					return Cell{}
				}
			}
		}
		return cell(v)
	}
}

// decides tells whether the verdict rests on the question: targets and promises are about it.
func (q question) decides(v view) bool { return q.prefix == "" || q.prefix == v.r.Basis() }

// ofBasis blanks the cells of the question that the verdict doesn't rest on.
func (q question) ofBasis(cell func(view) Cell) func(view) Cell {
	return func(v view) Cell {
		if !q.decides(v) {
			return Cell{}
		}
		return cell(v)
	}
}

var promiseLines = []line{
	{sectionNew, "promise", "promised", promise},
	{sectionNew, "kept", "  sources that keep it", kept("")},
	{sectionNew, "kept_pooled", "  by one threshold for all rows", kept("_pooled")},
}

var editLines = []line{
	{sectionEdits, "edited_tp_rate", "recall (mean)", func(v view) Cell { return v.measuredCell("edited_tp_rate") }},
	{sectionEdits, "edited_tp_rate_worst", "  worst edit", func(v view) Cell { return v.measuredCell("edited_tp_rate_worst") }},
	{sectionEdits, "edited_fp_rate_worst", "FP rate (worst)", func(v view) Cell { return v.measuredCell("edited_fp_rate_worst") }},
	{sectionEdits, "seen_pool_fp_rate", "FP rate, mined pool", func(v view) Cell { return v.measuredCell("seen_pool_fp_rate") }},
}

// withInterval is a measured figure with its interval: of new sources that over sources, which are what is drawn.
func (v view) withInterval(metric string) Cell {
	f, ok := v.measured[metric]
	if !ok {
		return Cell{}
	}
	return Cell{Text: withInterval(metric, f)}
}

// promised is a measured figure beside what was promised for it.
func (v view) promised(q question, metric string) Cell {
	c := v.measuredCell(q.prefix + metric)
	if q.decides(v) {
		c = c.expected(v, metric)
	}
	return c
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
		return Cell{Text: "nothing: no source has enough rows", Tone: Warn}
	case p.Probability < p.Wanted-1e-9:
		return Cell{Text: fmt.Sprintf("too few sources: at most %s for %.0f%% of new ones; %.0f%% needs %d", percentOf(p.Limit), 100*p.Probability, 100*p.Wanted, p.Needs), Tone: Warn}
	}
	return Cell{Text: fmt.Sprintf("%s for %s", percentOf(p.Limit), shareOf(p.Wanted)), Tone: Good}
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

// cut are the rows that the model didn't read whole, where there are any.
func (q question) cut(v view) Cell {
	rows := v.measured[q.prefix+"cut_rows"].Value
	if rows == 0 {
		return Cell{}
	}
	c := Cell{Text: count(rows), Tone: Warn}
	for _, unit := range []string{"tokens", "bytes"} {
		if f, ok := v.measured[q.prefix+"cut_"+unit]; ok {
			c.Text += fmt.Sprintf(" (%s %s)", count(f.Value), unit)
		}
	}
	return c
}

// worstSlice names the slice whose FP rate is shown to be highest.
func worstSlice(v view) Cell {
	w := v.r.Baseline.WorstSlice
	if v.s != nil {
		w = v.s.WorstSlice
	}
	if w == nil {
		return v.measuredCell("worst_slice_fp_rate")
	}
	c := Cell{Text: fmt.Sprintf("%s %s (%s)", w.By, sliceWords(w), count(float64(w.Rows)))}
	if v.s != nil {
		if most := v.s.Targets["fp_rate"].AtMost; most != nil && w.Rate.Low > *most {
			c.Tone = Warn
		}
	}
	return c
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

// rate is a measured rate with its interval, where the verdict rests on it beside what was promised, and judged by its target.
func (v view) rate(q question, metric string) Cell {
	c := v.withInterval(q.prefix + metric)
	if !q.decides(v) {
		return c
	}
	c = c.expected(v, metric)
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

func sure(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	if p, ok := v.s.Confidence(); ok {
		return Cell{Text: confidence(p)}
	}
	return Cell{}
}

func againstBaseline(metric string) func(view) Cell {
	return against(metric, func(r *compare.Result, s *compare.Strategy, metric string) *compare.Test {
		return r.TestOf(compare.BaselineName, s.Name, metric)
	})
}

// againstChosen is the test of a column against the recommended strategy; without one, against the closest.
func againstChosen(metric string) func(view) Cell {
	cell := against(metric, func(r *compare.Result, s *compare.Strategy, metric string) *compare.Test {
		chosen := r.Yardstick()
		if chosen == nil || chosen == s || s.ControlOf != "" {
			return nil
		}
		if t := r.TestOf(chosen.Name, s.Name, metric); t != nil {
			return t
		}
		return r.TestOf(s.Name, chosen.Name, metric).Turned()
	})
	return func(v view) Cell {
		c := cell(v)
		if c.Tone == Bad { // another is better: no fault of this one
			c.Tone = Plain
		}
		return c
	}
}

// against is the cell of a test that finds the one of a strategy.
func against(metric string, find func(*compare.Result, *compare.Strategy, string) *compare.Test) func(view) Cell {
	return func(v view) Cell {
		if v.s == nil {
			return Cell{}
		}
		return v.testCell(find(v.r.Result, v.s, metric))
	}
}

// testCell says which way a figure differs, by how much, and whether that matters.
func (v view) testCell(t *compare.Test) Cell {
	switch {
	case t == nil:
		return Cell{}
	case t.Conclusion == compare.Incomparable:
		return Cell{Text: "other test set", Tone: Warn}
	case t.Conclusion == compare.NotShown:
		return Cell{Text: "no clear difference"}
	case t.Conclusion == compare.OtherThreshold:
		return Cell{Text: direction(t) + ", by the threshold alone"}
	case t.Conclusion == compare.Better:
		return Cell{Text: difference(t), Tone: Good}
	case t.Conclusion != compare.Worse:
		return Cell{Text: said(*t)} // too few of something
	}
	metric := strings.TrimPrefix(strings.TrimPrefix(t.Metric, compare.Own), compare.New)
	if e, ok := v.s.Targets[metric]; ok && compare.Check(t.Metric, e, v.measured).Passed {
		limit := "limit"
		if e.AtMost == nil {
			limit = "floor"
		}
		return Cell{Text: direction(t) + ", within the " + limit}
	}
	return Cell{Text: difference(t), Tone: Bad}
}

func direction(t *compare.Test) string {
	if t.Difference.Value < 0 {
		return "lower"
	}
	return "higher"
}

// difference is a test's difference in words.
func difference(t *compare.Test) string {
	d := math.Abs(t.Difference.Value)
	if isRate(t.Metric) {
		return fmt.Sprintf("%s by %.2f pts", direction(t), 100*d)
	}
	return fmt.Sprintf("%s by %.4f", direction(t), d)
}

func (q question) falsePositives(v view) Cell {
	n, ok := v.measured[q.prefix+"fp_count"]
	if !ok {
		return Cell{}
	}
	c := Cell{Text: count(n.Value)}
	if of, ok := v.measured[q.prefix+"benign_rows"]; ok {
		c.Text += " of " + count(of.Value)
	}
	return c
}

// overSeeds is a figure's mean and standard deviation over the seeds of a training; blank where there was one.
func (q question) overSeeds(metric string) func(view) Cell {
	return q.ofBasis(func(v view) Cell {
		n, ok := v.measured["seeds"]
		mean, spread, okBoth := compare.Both(v.measured, metric+"_mean", metric+"_spread")
		if !ok || !okBoth {
			return Cell{}
		}
		return Cell{Text: fmt.Sprintf("%s ± %s (%s seeds)", show(metric, mean.Value), show(metric, spread.Value), count(n.Value))}
	})
}
