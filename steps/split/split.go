// Package split divides rows by role: rows that train, rows that choose (epochs and threshold), rows that are mined, and rows that are
// reported on. Rows that are copies, descendants or near-duplicates of each other always go to one set.
//
// If there are enough sources, no two roles share one. A model does better on the sources that it was trained on than on those of its
// users, so a threshold chosen on them wouldn't hold elsewhere. Some rows of the pool's sources are held out as test: they show how the
// model does on the traffic that it was tuned to. The sources of unseen are in no other set: they show how it does elsewhere.
//
// A row's set depends only on its text, its source and the seed, so rows keep their sets when others are added. The exception is when
// chance gives a set too few rows of a label. Then groups are moved, the nearest first, and these may change when many rows are added. With
// folds, the sources are dealt into groups of about equal size, which change roles from fold to fold.
package split

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
)

// Config holds the arguments of the step.
type Config struct {
	By        string             `hcl:"by" default:"auto" doc:"What is kept apart. source: train, validation, pool and unseen share no source, and test has held-out rows of the pool's sources; cluster: near-duplicates and descendants stay together, whatever their source; time: the oldest rows train and the newest are tested; auto: source if each label has enough sources, else cluster." enum:"auto,source,cluster,time"`
	Fractions map[string]float64 `hcl:"fractions,optional" doc:"Shares of the rows for validation, pool, test and unseen; train gets the rest. Defaults: validation 0.2, pool 0.15, test 0.1, unseen 0.15. The pool holds only benign rows; its share of the malicious rows goes to train."`
	Choosing  int                `hcl:"validation_sources" default:"9" doc:"If roles share no source: number of sources with benign rows for validation. Its share of the rows follows: with 5 sources it is 5/9 of its fraction. 9 sources are enough for a threshold for 9 of 10 new sources, 6 for one for 17 of 20. If the threshold also uses training sources (threshold_folds of train-gpu), fewer are enough and leave more to train on."`
	Folds     int                `hcl:"folds" default:"0" doc:"Number of groups of sources that change roles from fold to fold, 4 or more. Over all folds, each source is in unseen exactly once. fractions then only divides the pool's sources between pool and test. 0: a single split."`
	Fold      int                `hcl:"fold" default:"0" doc:"Number of this fold, from 1."`
	Near      float64            `hcl:"near" default:"0.8" doc:"Similarity from which two texts are near-duplicates, 0.5 to 1; 0: only equal texts."`
	Seed      int                `hcl:"seed" default:"1" doc:"Seed of the random division."`
}

// Validate checks the fractions.
func (c *Config) Validate() error {
	var check steps.Checks
	check.Want(c.Near == 0 || c.Near >= 0.5 && c.Near <= 1, "near: %v is neither 0 nor between 0.5 and 1", c.Near)
	switch {
	case c.Folds != 0 && c.Folds < fewestFolds:
		check.Want(false, "folds: %d leaves no sources to train on: one group is reported on, one chooses, one is mined; want 0, or at least %d", c.Folds, fewestFolds)
	case c.Folds > 0 && (c.Fold < 1 || c.Fold > c.Folds):
		check.Want(false, "fold: %d is not between 1 and folds = %d", c.Fold, c.Folds)
	case c.Folds == 0 && c.Fold != 0:
		check.Want(false, "fold: %d of no folds: give folds", c.Fold)
	}
	check.Between("validation_sources", float64(c.Choosing), 1, 1000)
	check.Want(c.Folds <= 0 || c.By == "auto" || c.By == "source", "by: %q doesn't go with folds, which rotate sources", c.By)
	sum := 0.0
	for s := validation; s <= unseen; s++ {
		sum += c.share(s)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fractions)) {
		if name == "train" {
			check.Want(false, "fractions: train gets what the others leave")
			continue
		}
		check.Known("fractions", name, []string{"validation", "pool", "test", "unseen"})
		check.Want(c.Fractions[name] >= 0, "fractions: %s = %v is negative", name, c.Fractions[name])
	}
	check.Want(sum < 1, "fractions: they add up to %.3g with the defaults of those not named: nothing is left to train on", sum)
	return check.Err()
}

// share returns the fraction of rows that a set should get.
func (c *Config) share(s set) float64 {
	if f, ok := c.Fractions[s.String()]; ok {
		return f
	}
	return [...]float64{validation: 0.2, pool: 0.15, test: 0.1, unseen: 0.15}[s]
}

// choosing returns the fraction of rows that validation should get if no two roles share a source.
func (c *Config) choosing() float64 {
	return c.share(validation) * min(1, float64(c.Choosing)/validationSources)
}

// In holds the inputs of the step.
type In struct {
	Rows []artifact.Rows `port:"rows" doc:"rows of both labels"`
	Pool artifact.Rows   `port:"pool,optional" doc:"a separate pool: it is mined, except for the share of test, which is held out as own traffic; its sources never go to validation or unseen"`
}

// Out holds the outputs of the step.
type Out struct {
	Train      artifact.Rows `port:"train" doc:"rows to train on"`
	Validation artifact.Rows `port:"validation" doc:"rows to choose thresholds and checkpoints on, of sources that neither train nor pool has"`
	Pool       artifact.Rows `port:"pool" doc:"benign rows to mine for false positives"`
	Test       artifact.Rows `port:"test" doc:"own traffic: held-out rows of the pool's sources"`
	Unseen     artifact.Rows `port:"unseen" doc:"new sources: rows of sources that no other set has; empty if there are too few"`
}

// Step is the "split" step type.
var Step = steps.New("split", 4, "Split rows by role into sets that share no near-duplicates and, if there are enough sources, no source.", run,
	steps.Stage(steps.Data), steps.Divides("rows", "pool"), steps.Example(`step "split" "parts" {
  rows      = step.own.rows
  fractions = { test = 0.25 }
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	g, err := group(ctx, c, in)
	if err != nil {
		return Out{}, err
	}
	p, err := assign(c, g)
	if err != nil {
		return Out{}, err
	}
	for _, n := range p.notes {
		env.Notef("%s", n)
	}
	counts, err := write(ctx, env, g, p, in)
	if err != nil {
		return Out{}, err
	}
	report(env, counts)
	rows := func(s set) artifact.Rows { return artifact.Rows{Path: env.Out(s.String())} }
	return Out{rows(train), rows(validation), rows(pool), rows(test), rows(unseen)}, nil
}

// write copies each row to its set. The rows of a set keep their order.
func write(ctx context.Context, env *steps.Env, g *groups, p *assignment, in In) (counts [sets][2]int, err error) {
	var w [sets]*artifact.Writer[artifact.Row]
	for s := range w {
		if w[s], err = artifact.NewWriter[artifact.Row](env.Out(set(s).String())); err != nil {
			return counts, err
		}
		defer func() { err = errors.Join(err, w[s].Close()) }()
	}
	n, left := 0, 0
	each := func(r artifact.Row, err error) error {
		if err != nil {
			return err
		}
		if s, ok := p.setOf(g, n); ok {
			counts[s][labelOf(r.Label)]++
			if err := w[s].Write(r); err != nil {
				return err
			}
		} else {
			left++
		}
		if n++; n%4096 == 0 {
			env.Progress(int64(n), int64(len(g.of)), "rows")
			return ctx.Err()
		}
		return nil
	}
	for _, rows := range append(slices.Clone(in.Rows), in.Pool) {
		if rows.Path == "" {
			continue
		}
		for r, err := range rows.All() {
			if err := each(r, err); err != nil {
				return counts, err
			}
		}
	}
	env.Metric("left_out_rows", float64(left))
	if left > 0 {
		env.Notef("%d of %d rows are left out: %s", left, n, p.why())
	}
	return counts, nil
}

// why returns the reason why rows are left out.
func (p *assignment) why() string {
	if p.noTest {
		return "an attack of a source that is mined, or a copy of a row of another source, which has another role"
	}
	return "each is a copy or near-duplicate of a row of another source, which has another role"
}

// setOf returns the set of a row, which is the set of its cluster. ok is false if the row would bring its source into a second role: then
// the row is left out.
func (p *assignment) setOf(g *groups, row int) (s set, ok bool) {
	at := g.of[row]
	s = p.of[at]
	switch source := g.source[row]; {
	case row >= g.rows && !g.all[at].fromPool: // a row of the given pool with a copy elsewhere
		return pool, s == train
	case p.noTest && s == test: // there is no test set, and its source is mined, so it doesn't train either
		return s, false
	case p.zones == nil || row >= g.rows || g.names[source] == "":
		return s, true
	case g.given && s == test: // an attack that divideGiven held out of the training rows
		return s, p.zones[source] == zoneTrain
	default:
		return s, p.zones[source] == zoneOf(s)
	}
}

func report(env *steps.Env, counts [sets][2]int) {
	var parts []string
	for s := range counts {
		env.Metric(set(s).String()+"_rows", float64(counts[s][0]+counts[s][1]))
		parts = append(parts, fmt.Sprintf("%s %d benign + %d malicious", set(s), counts[s][0], counts[s][1]))
	}
	env.Logf("%s", strings.Join(parts, ", "))
}
