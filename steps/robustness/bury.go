package robustness

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/text"
	"rein/steps/stats"
)

// documentWords is the smallest length of a document in words. A word is at least one token.
const documentWords = 1000

// burial puts a text into a document made of benign rows. It buries texts of both labels, so that a model which flags every long text is
// found out.
type burial struct {
	name string
	bury func(document []string, s string) string
}

var burials = []burial{
	{"after 1,000 words", func(document []string, s string) string { return strings.Join(append(document, s), "\n") }},
	{"in the middle of a document", func(document []string, s string) string {
		return strings.Join(slices.Insert(document, len(document)/2, s), "\n")
	}},
}

// bury adds the trials with documents to the report. They are separate from the edits: how a model copes with changed letters and how it
// copes with long texts are two questions.
func (t *tries) bury(env *steps.Env, r *Report) error {
	var benign []artifact.Row
	for _, row := range t.rows {
		if row.Label == artifact.Benign && strings.TrimSpace(row.Text) != "" {
			benign = append(benign, row)
		}
	}
	if len(benign) == 0 {
		return nil
	}
	t.phase = env.Count(int64(len(t.rows)*len(burials)), "rows scored, in documents")
	var trials []Trial
	for _, b := range burials {
		trial, err := t.trial(b.name, 1, func(row artifact.Row) string {
			return b.bury(document(benign, row, text.RNG(t.seed, b.name, row.ID)), row.Text)
		})
		if err != nil {
			return err
		}
		for _, list := range [][]Example{trial.Missed, trial.Alarms} {
			for i := range list {
				list[i].Text = excerpt(list[i].Text)
			}
		}
		trials = append(trials, trial)
	}
	put := func(name string, i stats.Interval) {
		env.Metric(name, i.Value)
		env.Metric(name+"_low", i.Low)
		env.Metric(name+"_high", i.High)
	}
	put("buried_tp_rate", slices.MinFunc(trials, func(a, b Trial) int { return cmp.Compare(a.Recall.Value, b.Recall.Value) }).Recall)
	put("buried_fp_rate", slices.MaxFunc(trials, func(a, b Trial) int { return cmp.Compare(a.FPRate.Value, b.FPRate.Value) }).FPRate)
	r.Trials = append(r.Trials, trials...)
	return nil
}

// document draws benign rows until they are long enough. It leaves out the row itself unless there is no other.
func document(benign []artifact.Row, row artifact.Row, rng *rand.Rand) (out []string) {
	for words := 0; words < documentWords; {
		r := benign[rng.IntN(len(benign))]
		if r.ID == row.ID && len(benign) > 1 {
			continue
		}
		out = append(out, r.Text)
		words += len(strings.Fields(r.Text))
	}
	return out
}

// shownBytes is the number of bytes of a document that an example shows.
const shownBytes = 600

func excerpt(s string) string {
	if len(s) <= shownBytes {
		return s
	}
	return strings.ToValidUTF8(s[:shownBytes/2], "") + " … " + strings.ToValidUTF8(s[len(s)-shownBytes/2:], "")
}
