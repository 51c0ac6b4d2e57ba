// Package evasions writes training rows that a model decides wrongly because of a few words at their end: attacks followed by harmless
// words, and benign texts followed by words of attacks.
package evasions

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/evade"
	"rein/steps/internal/scorer"
	"rein/steps/internal/text"
)

// Config says how many rows are tried.
type Config struct {
	Attacks int `hcl:"attacks,optional" default:"500" doc:"Number of malicious rows for which harmless words are searched that let them pass."`
	Benign  int `hcl:"benign,optional" default:"500" doc:"Number of benign rows for which words are searched that get them flagged."`
	Seed    int `hcl:"seed,optional" default:"1" doc:"Seed of the choice of rows."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Attacks >= 0, "attacks: %d; want 0 or more", c.Attacks)
	check.Want(c.Benign >= 0, "benign: %d; want 0 or more", c.Benign)
	check.Want(c.Attacks+c.Benign > 0, "attacks and benign are 0: there is nothing to look for")
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Model artifact.Model `port:"model" doc:"the model to evade"`
	Rows  artifact.Rows  `port:"rows" doc:"rows of both labels that may be used for training: never those that are reported on"`
}

// Out holds the output of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the rows that were found: attacks have the method evasion, benign rows the method alarm"`
}

// The methods of the rows that the step writes.
const (
	Evasion = "evasion"
	Alarm   = "alarm"
)

// Step is the "evasions" step type.
var Step = steps.New("evasions", 2, "Write attacks that pass because harmless words follow them, and benign rows that are flagged because of words behind them.", run,
	steps.Stage(steps.Data), steps.Passes("rows"), steps.Writes(""), steps.Isolated, steps.Example(`step "evasions" "found" {
  model   = step.baseline_export.model
  rows    = step.corpus.train
  attacks = 500
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	s, err := scorer.Open(ctx, in.Model, scorer.Options{Memo: env.Memo()})
	if err != nil {
		return Out{}, err
	}
	defer s.Close()
	rows, err := draw(ctx, c, in.Rows)
	if err != nil {
		return Out{}, err
	}
	score, at := s.Threats, s.Threshold()
	f := &finder{ctx: ctx, searched: env.Count(int64(c.Attacks+c.Benign), "rows"), seen: map[[16]byte]bool{}}
	for _, side := range []struct {
		search         *evade.Search
		label, method  string
		size           int
		metric, nobody string
	}{{evade.Attacks(score, at), artifact.Malicious, Evasion, c.Attacks, "evasions_written", "no attack that the model catches passes"},
		{evade.Alarms(score, at), artifact.Benign, Alarm, c.Benign, "alarms_written", "no benign row that passes is flagged"}} {
		n, tried, err := f.side(side.search, rows, side.label, side.method, side.size)
		if err != nil {
			return Out{}, err
		}
		env.Metric(side.metric, float64(n))
		if tried > 0 && n == 0 {
			env.Notef("%s with %d words behind it, of %d that were tried", side.nobody, evade.Most, tried)
		}
	}
	out, err := artifact.WriteRows(env.Out("rows"), f.out)
	return Out{out}, errors.Join(err, s.Close())
}

// finder writes the rows that are found.
type finder struct {
	ctx      context.Context
	searched *steps.Count
	seen     map[[16]byte]bool
	out      []artifact.Row
}

// side searches among the rows of one label.
func (f *finder) side(s *evade.Search, rows []artifact.Row, label, method string, size int) (found, tried int, err error) {
	var of []artifact.Row
	var texts []string
	for _, r := range rows {
		if r.Label == label && len(of) < size {
			of, texts = append(of, r), append(texts, r.Text)
		}
	}
	if len(of) == 0 {
		return 0, 0, nil
	}
	if err := s.Learn(f.ctx, rows); err != nil {
		return 0, 0, err
	}
	before, err := s.Threats(f.ctx, texts)
	if err != nil {
		return 0, 0, err
	}
	for i, r := range of {
		f.searched.Add(1)
		if s.Turned(before[i]) {
			continue
		}
		tried++
		x, err := s.Cheapest(f.ctx, r.Text)
		if err != nil {
			return found, tried, err
		}
		if k := text.Key(x.Text); x.Price <= evade.Most && !f.seen[k] {
			f.seen[k] = true
			found++
			f.out = append(f.out, r.Child(text.ID(method, r.ID, x.Text), x.Text, method))
		}
	}
	return found, tried, nil
}

// draw chooses rows of each label, those with the lowest hash of id and seed. So the choice doesn't depend on the rows' order.
func draw(ctx context.Context, c Config, rows artifact.Rows) ([]artifact.Row, error) {
	type keyed struct {
		key uint64
		row artifact.Row
	}
	kept, size := map[string][]keyed{}, map[string]int{artifact.Malicious: c.Attacks, artifact.Benign: c.Benign}
	least := func(list []keyed, n int) []keyed {
		slices.SortStableFunc(list, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		return list[:min(n, len(list))]
	}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		n := max(size[r.Label], 50) // even if none are tried, the search needs the label's words
		list := append(kept[r.Label], keyed{text.RNG(int64(c.Seed), "evasions", r.ID).Uint64(), r})
		if len(list) >= 2*n {
			list = least(list, n)
		}
		kept[r.Label] = list
	}
	var out []artifact.Row
	for _, label := range []string{artifact.Benign, artifact.Malicious} {
		list := least(kept[label], max(size[label], 50))
		if len(list) == 0 {
			return nil, errors.New("rows: there are no " + label + " ones: the words of each label are tried on the other")
		}
		for _, k := range list {
			out = append(out, k.row)
		}
	}
	return out, nil
}
