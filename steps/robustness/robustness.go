// Package robustness measures a model on texts that were edited to evade it: recall of attacks and false alarms on benign rows, for each
// edit and strength.
package robustness

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/text"
	"rein/steps/stats"
)

// Config says how many rows and which edits are tried.
type Config struct {
	Size      int       `hcl:"size,optional" default:"500" doc:"Number of rows of each label to edit, chosen at random."`
	Strengths []float64 `hcl:"strengths,optional" default:"[0.1, 0.3, 0.6]" doc:"Shares of letters or words that an edit may change."`
	Evasion   int       `hcl:"evasion,optional" default:"50" doc:"Number of attacks for which the fewest harmless words are searched that let them pass, and of benign rows for which the fewest words are searched that get them flagged; 0: none."`
	Seed      int       `hcl:"seed,optional" default:"1" doc:"Seed of the choice of rows and of the edits."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Size >= 1, "size: %d is not 1 or more", c.Size)
	check.Want(c.Evasion >= 0, "evasion: %d is not 0 or more", c.Evasion)
	check.Want(len(c.Strengths) > 0, "strengths: is empty")
	for _, s := range c.Strengths {
		check.Want(s > 0 && s <= 1, "strengths: %v is not over 0 and at most 1", s)
	}
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Model artifact.Model  `port:"model" doc:"the model to measure"`
	Rows  []artifact.Rows `port:"rows" doc:"rows to edit: a test set that was not trained on; of several sets, the first with rows of both labels is used"`
}

// Out holds the output of the step.
type Out struct {
	Report artifact.Report `port:"report" doc:"recall and FP rate by edit and strength, with examples"`
}

// Report is the step's report.
type Report struct {
	Recall stats.Interval `json:"recall"`  // of the unedited rows
	FPRate stats.Interval `json:"fp_rate"` // of the unedited rows
	Trials []Trial        `json:"trials"`  // lowest recall first

	Evasion *Evasion `json:"evasion,omitempty"`
	Alarms  *Evasion `json:"alarms,omitempty"` // for benign rows: words that get them flagged
}

// Trial is one edit at one strength.
type Trial struct {
	Edit     string         `json:"edit"`
	Strength float64        `json:"strength"`
	Recall   stats.Interval `json:"recall"`
	FPRate   stats.Interval `json:"fp_rate"`
	Missed   []Example      `json:"missed,omitempty"` // attacks that are caught without the edit, lowest score first
	Alarms   []Example      `json:"alarms,omitempty"` // benign rows that pass without the edit, highest score first
	Cut      stats.Cut      `json:"cut"`
}

// Example is a row whose decision changed with the edit.
type Example struct {
	ID     string  `json:"id"`
	Text   string  `json:"text"`
	Score  float64 `json:"score"`
	Before float64 `json:"before"`
}

// Step is the "robustness" step type.
var Step = steps.New("robustness", 6, "Measure a model on edited texts: recall and false alarms by edit and strength.", run,
	steps.Stage(steps.Validation), steps.Measures, steps.Report("edits"), steps.Isolated, steps.Example(`step "robustness" "edits" {
  model = step.export.model
  rows  = step.corpus.test
}`))

const examples = 3

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	t := &tries{ctx: ctx, seed: int64(c.Seed)}
	if len(in.Rows) == 0 {
		return Out{}, errors.New("rows: no set of rows is given")
	}
	for i, rows := range in.Rows {
		if t.rows, err = draw(ctx, c, rows); err == nil {
			break
		}
		if !errors.As(err, new(oneLabel)) || i == len(in.Rows)-1 {
			return Out{}, err
		}
	}
	if t.s, err = scorer.Open(ctx, in.Model, scorer.Options{Done: func(n int) { t.phase.Add(n) }}); err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, t.s.Close()) }()
	t.phase = env.Count(int64(len(t.rows)*(1+len(transforms)*len(c.Strengths))), "rows scored, edited")
	var report Report
	var before stats.Confusion
	if t.before, before, err = t.score(func(r artifact.Row) string { return r.Text }); err != nil {
		return Out{}, err
	}
	report.Recall, report.FPRate = before.Recall(), before.FPRate()
	for _, edit := range transforms {
		for _, strength := range c.Strengths {
			trial, err := t.try(edit, strength)
			if err != nil {
				return Out{}, err
			}
			report.Trials = append(report.Trials, trial)
		}
	}
	report.metrics(env)
	if err := t.bury(env, &report); err != nil {
		return Out{}, err
	}
	if err := t.evade(env, &report, c.Evasion); err != nil {
		return Out{}, err
	}
	slices.SortStableFunc(report.Trials, func(a, b Trial) int { return cmp.Compare(a.Recall.Value, b.Recall.Value) })
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return Out{}, err
	}
	return Out{artifact.Report{Path: env.Out("report")}}, os.WriteFile(env.Out("report"), append(b, '\n'), 0o644)
}

// oneLabel is the error for rows that lack a label; it holds that label.
type oneLabel string

func (l oneLabel) Error() string {
	return fmt.Sprintf("rows: there are no %s ones: both labels are needed to measure recall and false alarms", string(l))
}

// draw chooses up to Size rows of each label, those with the lowest hash of id and seed. So the choice doesn't depend on the rows' order.
func draw(ctx context.Context, c Config, rows artifact.Rows) ([]artifact.Row, error) {
	type keyed struct {
		key string
		row artifact.Row
	}
	kept := map[string][]keyed{}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		list := append(kept[r.Label], keyed{text.ID(fmt.Sprint(c.Seed), r.ID), r})
		if len(list) >= 2*c.Size { // drops the highest hashes now and then, which bounds memory
			slices.SortFunc(list, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
			list = list[:c.Size]
		}
		kept[r.Label] = list
	}
	var out []artifact.Row
	for _, label := range []string{artifact.Benign, artifact.Malicious} {
		list := kept[label]
		if len(list) == 0 {
			return nil, oneLabel(label)
		}
		slices.SortFunc(list, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		for _, k := range list[:min(len(list), c.Size)] {
			out = append(out, k.row)
		}
	}
	return out, nil
}

// tries scores the same rows under different edits.
type tries struct {
	ctx    context.Context
	s      *scorer.Scorer
	rows   []artifact.Row
	before []float64
	seed   int64
	phase  *steps.Count
}

func (t *tries) score(edit func(artifact.Row) string) ([]float64, stats.Confusion, error) {
	var c stats.Confusion
	texts := make([]string, len(t.rows))
	for i, r := range t.rows {
		texts[i] = edit(r)
	}
	threats, err := t.s.Threats(t.ctx, texts)
	if err != nil {
		return nil, c, err
	}
	for i, r := range t.rows {
		c.Add(r.Label == artifact.Malicious, threats[i] >= t.s.Threshold())
	}
	return threats, c, nil
}

func (t *tries) try(edit transform, strength float64) (Trial, error) {
	return t.trial(edit.name, strength, func(r artifact.Row) string {
		return edit.edit(r.Text, strength, text.RNG(t.seed, edit.name, fmt.Sprint(strength), r.ID))
	})
}

// trial scores all rows after an edit.
func (t *tries) trial(name string, strength float64, edit func(artifact.Row) string) (Trial, error) {
	trial := Trial{Edit: name, Strength: strength}
	texts := map[string]string{}
	threats, c, err := t.score(func(r artifact.Row) string {
		texts[r.ID] = edit(r)
		trial.Cut.Add(t.s.Cut(texts[r.ID]), t.s.CutUnit())
		return texts[r.ID]
	})
	if err != nil {
		return trial, err
	}
	trial.Recall, trial.FPRate = c.Recall(), c.FPRate()
	at := t.s.Threshold()
	for i, r := range t.rows {
		e := Example{r.ID, texts[r.ID], threats[i], t.before[i]}
		switch malicious := r.Label == artifact.Malicious; {
		case malicious && e.Before >= at && e.Score < at:
			trial.Missed = append(trial.Missed, e)
		case !malicious && e.Before < at && e.Score >= at:
			trial.Alarms = append(trial.Alarms, e)
		}
	}
	slices.SortStableFunc(trial.Missed, func(a, b Example) int { return cmp.Compare(a.Score, b.Score) })
	slices.SortStableFunc(trial.Alarms, func(a, b Example) int { return cmp.Compare(b.Score, a.Score) })
	trial.Missed, trial.Alarms = trial.Missed[:min(len(trial.Missed), examples)], trial.Alarms[:min(len(trial.Alarms), examples)]
	return trial, nil
}

func (r *Report) metrics(env *steps.Env) {
	put := func(name string, i stats.Interval) {
		env.Metric(name, i.Value)
		env.Metric(name+"_low", i.Low)
		env.Metric(name+"_high", i.High)
	}
	worst := slices.MinFunc(r.Trials, func(a, b Trial) int { return cmp.Compare(a.Recall.Value, b.Recall.Value) })
	alarming := slices.MaxFunc(r.Trials, func(a, b Trial) int { return cmp.Compare(a.FPRate.Value, b.FPRate.Value) })
	put("edited_tp_rate_worst", worst.Recall)
	put("edited_fp_rate_worst", alarming.FPRate)
	var recall, alarms float64
	for _, t := range r.Trials {
		recall += t.Recall.Value / float64(len(r.Trials))
		alarms += t.FPRate.Value / float64(len(r.Trials))
	}
	env.Metric("edited_tp_rate", recall)
	env.Metric("edited_fp_rate", alarms)
	recallNote := fmt.Sprintf("no edit lowers the recall of %.1f%%", 100*r.Recall.Value)
	if worst.Recall.Value < r.Recall.Value {
		recallNote = fmt.Sprintf("recall falls from %.1f%% to %.1f%% under %q at %g", 100*r.Recall.Value, 100*worst.Recall.Value, worst.Edit, worst.Strength)
	}
	alarmNote := fmt.Sprintf("no edit raises the FP rate of %.2f%%", 100*r.FPRate.Value)
	if alarming.FPRate.Value > r.FPRate.Value {
		alarmNote = fmt.Sprintf("the FP rate rises from %.2f%% to %.2f%% under %q at %g", 100*r.FPRate.Value, 100*alarming.FPRate.Value, alarming.Edit, alarming.Strength)
	}
	env.Notef("%s; %s", recallNote, alarmNote)
}
