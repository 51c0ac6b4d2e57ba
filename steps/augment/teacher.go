package augment

import (
	"context"

	"rein/steps/internal/scorer"
)

// agree leaves out candidates that the teacher decides differently from their row, because the edit may have changed the true label.
func (w *writer) agree(ctx context.Context, t *scorer.Scorer, jobs []job, cands [][]candidate) error {
	var texts []string
	for i, j := range jobs {
		texts = append(texts, w.rows[j.row].Text)
		for _, c := range cands[i] {
			texts = append(texts, c.Text)
		}
	}
	scores, err := t.Score(ctx, texts)
	if err != nil {
		return err
	}
	at := 0
	for i := range jobs {
		row := float64(scores[at].Threat) >= t.Threshold()
		at++
		kept := cands[i][:0:0]
		for _, c := range cands[i] {
			if float64(scores[at].Threat) >= t.Threshold() == row {
				kept = append(kept, c)
			} else {
				w.reject("the teacher decides it otherwise than its row", c.Text)
			}
			at++
		}
		cands[i] = kept
	}
	return nil
}
