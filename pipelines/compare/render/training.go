package render

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"rein/engine/record"
	"rein/pipelines/compare"
)

var trainingLines = []line{
	{sectionTraining, "train_seconds", "training time", func(v view) Cell {
		return v.measuredCell("train_seconds").planned(v, "gpu_hours", func(h float64) string { return fmt.Sprintf("%g h", h) })
	}},
	{sectionTraining, "epochs", "epochs run", func(v view) Cell { return v.measuredCell("epochs").plannedAsked(v, "epochs") }},
	{sectionTraining, "overfitting", "overfitting", overfitting},
	{sectionTraining, "generalisation", "generalisation", generalisationCell},
	{sectionTraining, "cost", "cost", cost},
	{sectionTraining, "model_bytes", "model size", func(v view) Cell { return v.measuredCell("model_bytes") }},
	{sectionTraining, "latency_p95_ms", "latency, p95", func(v view) Cell { return v.measuredCell("latency_p95_ms") }},
	{sectionTraining, "long_latency_p95_ms", "  of 4,000 tokens", func(v view) Cell { return v.measuredCell("long_latency_p95_ms") }},
	{sectionTimeline, "data_time", "data", stage("data_days", record.StageData)},
	{sectionTimeline, "training_time", "training", stage("", record.StageTraining)},
	{sectionTimeline, "validation_time", "validation", stage("validation_days", record.StageValidation)},
	{sectionTimeline, "onnx_time", "export and package", stage("onnx_days", record.StageExport)},
	{sectionTimeline, "total_time", "time to make", criticalPathCell},
	{sectionTimeline, "elapsed", "  with stated human days", elapsed},
}

var verdictLines = []line{
	{sectionVerdict, "verdict", "verdict", verdictCell},
	{sectionVerdict, "concern", "to keep in mind", concern},
	{sectionVerdict, "stars", "stars", starsCell},
	{sectionVerdict, "saved", "saved in a year", saved},
}

// plannedAsked puts what the file asks for at most beside what was used; less is no shortage.
func (c Cell) plannedAsked(v view, name string) Cell {
	c = c.plannedVariable(v, name)
	c.Tone = Plain
	return c
}

// overfitting is the gap between validation and training loss, in words where it is known.
func overfitting(v view) Cell {
	gap, ok := v.measured["loss_gap"]
	if !ok {
		return Cell{}
	}
	train := v.measured["train_loss"]
	c := Cell{Text: fmt.Sprintf("loss gap %+.3f", gap.Value)}
	if train.Value > 0 && gap.Value > 0.5*train.Value {
		c.Tone = Warn // no limit is set for it
	}
	return c
}

// generalisationCell is how recall and FP rate change on sources that training never used.
func generalisationCell(v view) Cell {
	c := Cell{}.planned(v, "generalization", percent)
	fp, newFP, ok := compare.Both(v.measured, "own_fp_rate", "new_fp_rate")
	tp, newTP, okTP := compare.Both(v.measured, "own_tp_rate", "new_tp_rate")
	var parts []string
	if ok {
		parts = append(parts, fmt.Sprintf("FP %+.1f", 100*(newFP.Value-fp.Value)))
	}
	if okTP {
		parts = append(parts, fmt.Sprintf("recall %+.1f", 100*(newTP.Value-tp.Value)))
	}
	if len(parts) > 0 {
		c.Text = strings.Join(parts, ", ") + " pts"
	}
	return c
}

func cost(v view) Cell {
	if v.s == nil || v.s.OwnMS() == 0 {
		return Cell{}.planned(v, "cost_usd", money)
	}
	spent := v.r.Cost(v.s)
	c := Cell{Text: money(spent)}
	if spent < 0.005 {
		c.Text = "under $0.01"
	}
	return c.planned(v, "cost_usd", money)
}

// stage is the time that the steps of a stage took, the strategy's own or the baseline's.
func stage(fact string, of record.Stage) func(view) Cell {
	return func(v view) Cell {
		var ms int64
		for _, t := range v.timings() {
			if t.Stage == of {
				ms += t.MS
			}
		}
		c := Cell{}
		if ms > 0 {
			c.Text = seconds(float64(ms) / 1000)
		}
		if fact == "" {
			return c
		}
		return c.planned(v, fact, daysText)
	}
}

// timings are the steps that a column's figures rest on: the strategy's own, or the baseline's.
func (v view) timings() []compare.Timing {
	var out []compare.Timing
	var all []compare.Timing
	if v.s != nil {
		all = v.s.Steps
	} else if len(v.r.Strategies) > 0 {
		all = v.r.Strategies[0].Steps
	}
	for _, t := range all {
		if t.Shared == (v.s == nil) {
			out = append(out, t)
		}
	}
	return out
}

func criticalPathCell(v view) Cell {
	if v.s == nil {
		if ms := compare.CriticalPath(v.timings()); ms > 0 {
			return Cell{Text: seconds(float64(ms) / 1000)}
		}
		return Cell{}
	}
	c := Cell{}
	if v.s.CriticalMS > 0 {
		c.Text = seconds(float64(v.s.CriticalMS) / 1000)
	}
	return c
}

func starsCell(v view) Cell {
	if v.s == nil || v.s.Missing != nil || v.s.ControlOf != "" {
		return Cell{}
	}
	return Cell{Text: strings.Repeat("★", v.s.Stars) + strings.Repeat("☆", 5-v.s.Stars)}
}

// failedWords say shortly what a failed gate found, where its name alone says what was wanted.
var failedWords = map[string]string{compare.GainGate: "no gain", compare.LossGate: "a loss"}

// verdictCell is the verdict with the gates that failed.
func verdictCell(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	c := Cell{Text: "passes"}
	switch {
	case v.s.Missing != nil:
		c = Cell{Text: "not measured", Tone: Bad}
	case v.s.Verdict == compare.Control:
		c.Text = "control"
	case v.s.Recommended:
		c = Cell{Text: "★ recommended", Tone: Good}
	case v.s.Verdict == compare.Reject:
		var failed []string
		for _, g := range v.s.Gates {
			if !g.Passed {
				failed = append(failed, cmp.Or(failedWords[g.Name], gateName(g)))
			}
		}
		c = Cell{Text: "reject: " + strings.Join(failed, ", "), Tone: Bad}
	}
	return c.planned(v, "verdict", percent)
}

// concern is the first thing to keep in mind of a strategy besides its failed gates; all are listed with --details.
func concern(v view) Cell {
	if v.s == nil || v.s.ControlOf != "" || v.s.Missing != nil {
		return Cell{}
	}
	more := besideGates(v.s)
	if len(more) == 0 {
		return Cell{Text: "nothing"}
	}
	what, _, _ := strings.Cut(sentence(more[0]), " (") // the figures in brackets are in the list
	return Cell{Text: what, Tone: Warn}
}

func saved(v view) Cell {
	if v.s == nil || v.s.Business == nil {
		return Cell{}
	}
	if _, ok := v.r.Baseline.Measured["fp_rate"]; !ok {
		return Cell{}
	}
	return Cell{Text: money(v.s.Business.SavedPerYear.Value)}
}

// elapsed is the critical path with the stated human days on it.
func elapsed(v view) Cell {
	if v.s == nil {
		return Cell{}
	}
	days, ms := v.s.HumanDays, v.s.ElapsedMS
	if days == 0 || ms == 0 {
		return Cell{}.planned(v, "total_days", daysText)
	}
	return Cell{Text: fmt.Sprintf("%s + %s", daysText(days), seconds(float64(ms)/1000))}.planned(v, "total_days", daysText)
}

func daysText(d float64) string {
	if d == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%g days", math.Round(100*d)/100)
}
