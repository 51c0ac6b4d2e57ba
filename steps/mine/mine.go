// Package mine finds a model's false positives: benign rows of a pool that it calls malicious.
package mine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
)

// Config says what counts.
type Config struct {
	Margin float64 `hcl:"margin,optional" default:"0" doc:"Also take near misses: benign rows whose threat score is at most this much under the threshold."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if !(c.Margin >= 0 && c.Margin < 1) {
		return fmt.Errorf("margin: %v is not between 0 and 1", c.Margin)
	}
	return nil
}

// In is what the step reads.
type In struct {
	Model artifact.Model `port:"model" doc:"the model whose mistakes are looked for"`
	Pool  artifact.Rows  `port:"pool" doc:"the rows to look in; malicious ones are passed over"`
}

// Out is what the step makes.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the false positives with their threat score, in the pool's order"`
}

// Step is the "mine" step type.
var Step = steps.New("mine", 1, "Find a model's false positives in a pool of benign rows.", run, steps.Isolated, steps.Example(`step "mine" "false_positives" {
  model = step.baseline.model
  pool  = step.corpus.pool
}`))

// batch is how many rows are scored at a time: memory stays bounded.
const batch = 8192

// miner is the state of one run.
type miner struct {
	env    *steps.Env
	s      *scorer.Scorer
	out    *artifact.Writer[artifact.Row]
	margin float64

	rows, malicious, found, near int64
	strata                       map[string][2]int64 // found, rows
	families                     map[string]int64
}

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	s, err := scorer.Open(ctx, in.Model, scorer.Options{Memo: env.Memo()})
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w, err := artifact.NewWriter[artifact.Row](env.Out("rows"))
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	m := &miner{env: env, s: s, out: w, margin: c.Margin, strata: map[string][2]int64{}, families: map[string]int64{}}
	rows := make([]artifact.Row, 0, batch)
	for r, err := range in.Pool.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return Out{}, err
		}
		if r.Label != artifact.Benign {
			m.malicious++
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
	return Out{artifact.Rows{Path: env.Out("rows")}}, m.report()
}

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
		stratum := m.strata[r.Category]
		stratum[1]++
		threat := float64(scores[i].Threat)
		if threat >= m.s.Threshold() {
			m.found++
			stratum[0]++
			m.families[family(m.s.Classes(), scores[i].Probs)]++
		} else if threat >= m.s.Threshold()-m.margin && m.margin > 0 {
			m.near++
		} else {
			m.strata[r.Category] = stratum
			continue
		}
		m.strata[r.Category] = stratum
		r.Score = threat
		if err := m.out.Write(r); err != nil {
			return err
		}
	}
	m.rows += int64(len(rows))
	m.env.Progress(m.rows, 0, "rows")
	return nil
}

// family is the most likely attack family: benign is the first class.
func family(classes []string, probs []float32) string {
	best := 1
	for i := 2; i < len(probs); i++ {
		if probs[i] > probs[best] {
			best = i
		}
	}
	return classes[best]
}

func (m *miner) report() error {
	if m.rows == 0 {
		return fmt.Errorf("the pool has no benign rows (%d malicious ones): nothing to mine", m.malicious)
	}
	m.env.Metric("pool_rows", float64(m.rows))
	m.env.Metric("pool_fp_count", float64(m.found))
	m.env.Metric("pool_fp_rate", float64(m.found)/float64(m.rows))
	if m.margin > 0 {
		m.env.Metric("pool_near_misses", float64(m.near))
	}
	if m.malicious > 0 {
		m.env.Notef("%d malicious rows of the pool were passed over", m.malicious)
	}
	if m.found+m.near == 0 {
		return fmt.Errorf("the model calls none of the %d benign rows malicious at its threshold %.4g: there is nothing to reinforce it with", m.rows, m.s.Threshold())
	}
	for _, s := range slices.Sorted(maps.Keys(m.strata)) {
		n := m.strata[s]
		m.env.Logf("%s: %d of %d rows are false positives (%.2f%%)", cmp.Or(s, "(no category)"), n[0], n[1], 100*float64(n[0])/float64(n[1]))
	}
	for _, f := range slices.Sorted(maps.Keys(m.families)) {
		m.env.Logf("taken for %s: %d", f, m.families[f])
	}
	return nil
}
