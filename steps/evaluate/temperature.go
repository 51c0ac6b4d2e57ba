package evaluate

import (
	"cmp"
	"context"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// temperature fits the temperature of the scores on validation rows, and records how well each set is calibrated with it.
func (e *evaluation) temperature(ctx context.Context, rows artifact.Rows, report *stats.Report) error {
	if rows.Path == "" {
		return nil
	}
	n, err := rows.Count()
	if err != nil {
		return err
	}
	e.phase = e.env.Count(n, "validation rows scored")
	scores := map[string][]float64{}
	var labels, texts []string
	flush := func() error {
		got, err := e.scorer.Score(ctx, texts)
		if err != nil {
			return err
		}
		for i, s := range got {
			scores[labels[i]] = append(scores[labels[i]], float64(s.Threat))
		}
		labels, texts = labels[:0], texts[:0]
		return nil
	}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if labels, texts = append(labels, r.Label), append(texts, r.Text); len(texts) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	t, ok := stats.Temperature(scores[artifact.Malicious], scores[artifact.Benign])
	if !ok {
		e.env.Notef("no temperature was fitted: the validation scores lack a class, or separate the classes")
		return nil
	}
	report.Temperature = t
	for _, s := range report.Sets {
		s.Rescale(t)
	}
	return nil
}
