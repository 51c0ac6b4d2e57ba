// Package split divides rows into sets that train, choose and report, so that no set knows another's rows. Rows that are
// copies, descendants or near-duplicates of each other always go to one set. Where there are enough sources, whole ones
// are held out of training, since a model knows its sources better than it will know its users: validation, pool and test
// share the held-out ones, so that a threshold chosen on one holds for the other, and unseen has sources that nothing
// else has.
//
// A row's place depends on its text, its source and the seed alone, so rows keep their sets when others are added. Only
// where chance leaves a set with too little of a label are groups moved, the nearest first; that may change when many are
// added.
package split

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
)

// Config of the step.
type Config struct {
	By        string             `hcl:"by" default:"auto" doc:"What is held apart. source: sources that train are in no other set, and unseen has sources of its own; cluster: near-duplicates and descendants stay together, whatever their source; time: oldest rows train, newest are tested; auto: source where each label has enough sources, else cluster." enum:"auto,source,cluster,time"`
	Fractions map[string]float64 `hcl:"fractions,optional" doc:"Share of the rows for validation, pool, test and unseen; train gets the rest. Others keep their defaults: validation 0.1, pool 0.2, test 0.2, unseen 0.1. The pool holds benign rows only; its share of the malicious ones trains."`
	Near      float64            `hcl:"near" default:"0.8" doc:"Similarity from which two texts are near-duplicates, 0.5 to 1; 0: only equal texts."`
	Seed      int                `hcl:"seed" default:"1" doc:"Decides which groups go where."`
}

// Validate checks the fractions.
func (c *Config) Validate() error {
	if c.Near != 0 && (c.Near < 0.5 || c.Near > 1) {
		return fmt.Errorf("near: %v is neither 0 nor between 0.5 and 1", c.Near)
	}
	sum := 0.0
	for s := validation; s <= unseen; s++ {
		sum += c.share(s)
	}
	for name, f := range c.Fractions {
		switch name {
		case "validation", "pool", "test", "unseen":
		case "train":
			return errors.New("fractions: train gets what the others leave")
		default:
			return fmt.Errorf("fractions: %q is no set: want validation, pool, test or unseen", name)
		}
		if !(f >= 0) {
			return fmt.Errorf("fractions: %s = %v is negative", name, f)
		}
	}
	if !(sum < 1) {
		return fmt.Errorf("fractions: they add up to %.3g with the defaults of those not named: nothing is left to train on", sum)
	}
	return nil
}

// share is the fraction of rows that a set should get.
func (c *Config) share(s set) float64 {
	if f, ok := c.Fractions[s.String()]; ok {
		return f
	}
	return [...]float64{validation: 0.1, pool: 0.2, test: 0.2, unseen: 0.1}[s]
}

// In is what the step reads.
type In struct {
	Rows artifact.Rows `port:"rows" doc:"rows of both labels"`
}

// Out is what the step makes.
type Out struct {
	Train      artifact.Rows `port:"train" doc:"rows to train on"`
	Validation artifact.Rows `port:"validation" doc:"rows to choose thresholds and checkpoints on"`
	Pool       artifact.Rows `port:"pool" doc:"benign rows to mine for false positives"`
	Test       artifact.Rows `port:"test" doc:"rows to report on"`
	Unseen     artifact.Rows `port:"unseen" doc:"rows of sources that no other set has; empty where there are too few sources"`
}

// Step is the "split" step type.
var Step = steps.New("split", 2, "Split rows into sets that share no near-duplicate, and hold whole sources out of training.", run,
	steps.Stage(steps.Data), steps.Divides("rows"), steps.Example(`step "split" "parts" {
  rows      = step.own.rows
  fractions = { test = 0.25 }
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	g, err := group(ctx, c, in.Rows)
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
	counts, err := write(ctx, env, g, p, in.Rows)
	if err != nil {
		return Out{}, err
	}
	report(env, counts)
	rows := func(s set) artifact.Rows { return artifact.Rows{Path: env.Out(s.String())} }
	return Out{rows(train), rows(validation), rows(pool), rows(test), rows(unseen)}, nil
}

// write copies each row to its set, in the order in which rows came.
func write(ctx context.Context, env *steps.Env, g *groups, p *plan, rows artifact.Rows) (counts [sets][2]int, err error) {
	var w [sets]*artifact.Writer[artifact.Row]
	for s := range w {
		if w[s], err = artifact.NewWriter[artifact.Row](env.Out(set(s).String())); err != nil {
			return counts, err
		}
		defer func() { err = errors.Join(err, w[s].Close()) }()
	}
	n := 0
	for r, err := range rows.All() {
		if err != nil {
			return counts, err
		}
		s := p.of[g.of[n]]
		counts[s][labelOf(r.Label)]++
		if err := w[s].Write(r); err != nil {
			return counts, err
		}
		if n++; n%4096 == 0 {
			env.Progress(int64(n), int64(len(g.of)), "rows")
			if err := ctx.Err(); err != nil {
				return counts, err
			}
		}
	}
	return counts, nil
}

func report(env *steps.Env, counts [sets][2]int) {
	var parts []string
	for s := range counts {
		env.Metric(set(s).String()+"_rows", float64(counts[s][0]+counts[s][1]))
		parts = append(parts, fmt.Sprintf("%s %d benign + %d malicious", set(s), counts[s][0], counts[s][1]))
	}
	env.Logf("%s", strings.Join(parts, ", "))
}
