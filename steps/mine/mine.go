// Package mine finds a model's false positives: benign rows of a pool that the model flags as malicious.
package mine

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
)

// Config says which rows count as mistakes.
type Config struct {
	Margin  float64 `hcl:"margin,optional" default:"0" doc:"Distance under the threshold within which benign rows are taken, too, as near misses."`
	Recall  float64 `hcl:"recall_at_least,optional" default:"0" doc:"Recall on the rows of validation at the threshold for mining. If that threshold is higher than the model's own, the model's own is used. A model that flags little leaves little to mine, so this lowers the threshold. 0: the model's own threshold."`
	Reserve float64 `hcl:"reserve,optional" default:"0" doc:"Share of the pool's benign rows that go to the port reserve, at most 20,000: those with the highest threat scores among the rows that aren't taken. They can stand in if there are few false positives."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Margin >= 0 && c.Margin < 1, "margin: %v is not between 0 and 1", c.Margin)
	check.Between("recall_at_least", c.Recall, 0, 1)
	check.Between("reserve", c.Reserve, 0, 1)
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Model artifact.Model `port:"model" doc:"the model whose mistakes are searched for"`
	Pool  artifact.Rows  `port:"pool" doc:"the rows to search; malicious ones are skipped"`
	// The mining threshold uses the rows on which thresholds are chosen anyway.
	Validation artifact.Rows `port:"validation,optional" doc:"rows of both labels, for recall_at_least"`
}

// Out holds the outputs of the step.
type Out struct {
	Rows    artifact.Rows   `port:"rows" doc:"the false positives with their threat scores, in the pool's order"`
	Reserve artifact.Rows   `port:"reserve" doc:"benign rows just under the threshold, with their threat scores, in the pool's order"`
	Scores  artifact.Scores `port:"scores" doc:"the rows with the model's answers, including the attack family that it took each for"`
	Report  artifact.Report `port:"report" doc:"the number of false positives by stratum, and by the attack family that they were taken for"`
}

// Step is the "mine" step type.
var Step = steps.New("mine", 8, "Find a model's false positives in a pool of benign rows.", run, steps.Stage(steps.Data), steps.Passes("pool"), steps.Isolated, steps.Example(`step "mine" "false_positives" {
  model = step.baseline.model
  pool  = step.corpus.pool
}`))

// batch is the number of rows that are scored together. It bounds memory.
const batch = 8192

// miner is the state of one run of the step.
type miner struct {
	env    *steps.Env
	s      *scorer.Scorer
	out    *artifact.Writer[artifact.Row]
	scores *artifact.Writer[artifact.Scored]
	margin float64
	spare  *reserve
	Report
	total int64 // rows of the pool, including malicious ones
	phase *steps.Count
}

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	m := &miner{env: env, margin: c.Margin}
	s, err := scorer.Open(ctx, in.Model, scorer.Options{Memo: env.Memo(), Done: func(n int) { m.phase.Add(n) }})
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	out := Out{Rows: artifact.Rows{Path: env.Out("rows")}, Reserve: artifact.Rows{Path: env.Out("reserve")},
		Scores: artifact.Scores{Path: env.Out("scores")}, Report: artifact.Report{Path: env.Out("report")}}
	m.s, m.Report = s, Report{Own: s.Threshold(), Strata: map[string]*Stratum{}, Families: map[string]int{}, Questions: map[string]*Question{}}
	if m.Threshold, err = m.operatingPoint(ctx, c.Recall, in.Validation); err != nil {
		return Out{}, err
	}
	if m.out, err = artifact.NewWriter[artifact.Row](out.Rows.Path); err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, m.out.Close()) }()
	if m.scores, err = artifact.NewWriter[artifact.Scored](out.Scores.Path); err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, m.scores.Close()) }()
	if m.total, err = in.Pool.Count(); err != nil {
		return Out{}, err
	}
	m.spare = newReserve(c.Reserve, m.total)
	m.phase = env.Count(m.total, "rows of the pool scored")
	rows := make([]artifact.Row, 0, batch)
	for r, err := range in.Pool.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return Out{}, err
		}
		if r.Label != artifact.Benign {
			m.Malicious++
			m.phase.Add(1)
			continue
		}
		if rows = append(rows, r); len(rows) == batch {
			if err := m.take(ctx, rows); err != nil {
				return Out{}, err
			}
			rows = rows[:0]
		}
	}
	if err := m.take(ctx, rows); err != nil {
		return Out{}, err
	}
	// The number of benign rows is known only now. Until here, all rows of the pool bounded the reserve.
	kept, err := m.spare.write(out.Reserve.Path, int(math.Ceil(c.Reserve*float64(m.Rows))))
	if err != nil {
		return Out{}, err
	}
	return out, m.report(out.Report.Path, kept)
}

// operatingPoint returns the threshold at which rows are mined: the highest one that has the recall on the validation rows, but at most the
// model's own. With recall 0 it is the model's own.
func (m *miner) operatingPoint(ctx context.Context, recall float64, validation artifact.Rows) (float64, error) {
	if recall == 0 {
		return m.Own, nil
	}
	if validation.Path == "" {
		return 0, errors.New("recall_at_least: it needs validation, the rows to find the threshold with that recall on")
	}
	var texts, categories []string
	for r, err := range validation.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return 0, err
		}
		if r.Label == artifact.Malicious {
			texts, categories = append(texts, r.Text), append(categories, r.Category)
		}
	}
	if len(texts) == 0 {
		return 0, errors.New("recall_at_least: validation has no malicious row to find the threshold on")
	}
	m.phase = m.env.Count(int64(len(texts)), "validation rows scored")
	threats, err := m.s.Threats(ctx, texts)
	if err != nil {
		return 0, err
	}
	for i, v := range threats {
		m.count(categories[i], v)
	}
	slices.Sort(threats)
	at := threats[len(threats)-max(1, int(math.Ceil(recall*float64(len(threats))-1e-9)))]
	return min(at, m.Own), nil
}

// take scores rows and keeps those that the model decides wrongly.
func (m *miner) take(ctx context.Context, rows []artifact.Row) error {
	texts := make([]string, len(rows))
	for i, r := range rows {
		texts[i] = r.Text
	}
	scores, err := m.s.Score(ctx, texts)
	if err != nil {
		return err
	}
	for i, r := range rows {
		stratum := m.Strata[r.Category]
		if stratum == nil {
			stratum = &Stratum{}
			m.Strata[r.Category] = stratum
		}
		stratum.Rows++
		m.Cut.Add(m.s.Cut(r.Text), m.s.CutUnit())
		r.Score = float64(scores[i].Threat)
		if r.Score >= m.Own {
			m.FoundAtOwn++
		}
		taken := family(m.s.Classes(), scores[i].Probs)
		switch {
		case r.Score >= m.Threshold:
			m.Found++
			stratum.Found++
			m.Families[taken]++
		case m.margin > 0 && r.Score >= m.Threshold-m.margin:
			m.Near++
			stratum.Near++
		default:
			m.spare.offer(miss{r, m.Rows + i})
			continue
		}
		if err := errors.Join(m.out.Write(r), m.scores.Write(artifact.Scored{ID: r.ID, Set: "pool", Label: r.Label, Category: r.Category,
			Source: r.Source, Score: r.Score, Family: taken, Text: r.Text, Role: r.Role, Channel: r.Channel})); err != nil {
			return err
		}
	}
	m.Rows += len(rows)
	return nil
}

// family returns the attack family with the highest probability. The first class is benign and doesn't count.
func family(classes []string, probs []float32) string {
	best := 1
	for i := 2; i < len(probs); i++ {
		if probs[i] > probs[best] {
			best = i
		}
	}
	return classes[best]
}
