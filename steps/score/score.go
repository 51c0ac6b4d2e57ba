// Package score gives rows their threat scores. It also scores single texts, which is how a packaged model is used.
package score

import (
	"context"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/stats"
)

// Config is empty: a score depends only on the model and the text.
type Config struct{}

// In holds the inputs of the step.
type In struct {
	Model artifact.Model `port:"model" doc:"the model that scores the rows"`
	Rows  artifact.Rows  `port:"rows" doc:"the rows to score"`
}

// Out holds the output of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the same rows in the same order, with their threat scores"`
}

// Step is the "score" step type.
var Step = steps.New("score", 4, "Score rows with a model: the threat score is 1 - P(benign).", run,
	steps.Stage(steps.Validation), steps.Measures, steps.Keeps("rows"), steps.Isolated, steps.Example(`step "score" "scored" {
  model = step.export.model
  rows  = step.own.rows
}`))

// batch is the number of rows that are scored together. It bounds memory.
const batch = 4096

func run(ctx context.Context, env *steps.Env, _ Config, in In) (Out, error) {
	total, err := in.Rows.Count()
	if err != nil {
		return Out{}, err
	}
	s, err := scorer.Open(ctx, in.Model, scorer.Options{Memo: env.Memo(), Done: env.Count(total, "rows scored").Add})
	if err != nil {
		return Out{}, err
	}
	defer s.Close()
	out := Out{artifact.Rows{Path: env.Out("rows")}}
	w, err := artifact.NewWriter[artifact.Row](out.Rows.Path)
	if err != nil {
		return Out{}, err
	}
	var done, flagged int64
	var cut stats.Cut
	flush := func(rows []artifact.Row) error {
		texts := make([]string, len(rows))
		for i, r := range rows {
			texts[i] = r.Text
		}
		scores, err := s.Score(ctx, texts)
		if err != nil {
			return err
		}
		for i := range rows {
			rows[i].Score = float64(scores[i].Threat)
			cut.Add(s.Cut(rows[i].Text), s.CutUnit())
			if rows[i].Score >= s.Threshold() {
				flagged++
			}
		}
		done += int64(len(rows))
		return w.Write(rows...)
	}
	rows := make([]artifact.Row, 0, batch)
	for r, err := range in.Rows.All() {
		if err != nil {
			w.Close()
			return Out{}, err
		}
		if rows = append(rows, r); len(rows) == batch {
			if err := flush(rows); err != nil {
				w.Close()
				return Out{}, err
			}
			rows = rows[:0]
		}
	}
	if err := flush(rows); err != nil {
		w.Close()
		return Out{}, err
	}
	env.Metric("scored_rows", float64(done))
	env.Metric("flagged_rows", float64(flagged))
	env.Metric("cut_rows", float64(cut.Rows))
	if cut.Rows > 0 {
		env.Metric("cut_"+cut.Unit, float64(cut.Units))
		env.Notef("%s", cut)
	}
	return out, w.Close()
}
