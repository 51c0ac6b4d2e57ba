// Package synthesize makes the built-in corpus: prompts and machine traffic of our own writing, from a grammar with slots and noise. The
// same seed gives the same corpus. Rows come from families, which are the corpus's sources. A family writes chat about one subject, another
// language, or what programs write (commands, logs, JSON, stack traces, configuration, changes, mails, tool results, source code). Each
// family has ordinary benign rows, benign look-alikes of attacks, and attacks. In the texts of programs, attacks stand inside the same
// kinds of text as benign rows.
//
// A family has one role. Those that train know few look-alikes, as real training sets do. Those of the pool and the test set are a user's
// own traffic. Those of the validation set and of the unseen set are new sources: no other set has rows of theirs. Families share some word
// lists, including phrases with which attacks begin, because real attackers copy one another.
//
// No text is in two sets. No text that is reported on is nearly equal to one that isn't.
package synthesize

import (
	"context"
	"math"

	"rein/steps"
	"rein/steps/artifact"
)

// Config holds the arguments of the step.
type Config struct {
	Seed            int     `hcl:"seed,optional" default:"1" doc:"Seed of the random choices."`
	Scale           float64 `hcl:"scale,optional" default:"1" doc:"Factor on all sizes, for a quick look."`
	TrainBenign     int     `hcl:"train_benign,optional" default:"35634" doc:"Number of benign rows to train on."`
	TrainMalicious  int     `hcl:"train_malicious,optional" default:"31682" doc:"Number of malicious rows to train on."`
	Validation      int     `hcl:"validation,optional" default:"12000" doc:"Number of rows that choose the epoch and the threshold. They have the proportions of the training rows, but families of their own."`
	Pool            int     `hcl:"pool,optional" default:"100000" doc:"Number of benign rows to mine for false positives."`
	TestBenign      int     `hcl:"test_benign,optional" default:"100000" doc:"Number of benign rows to report on."`
	TestMalicious   int     `hcl:"test_malicious,optional" default:"10000" doc:"Number of malicious rows to report on."`
	UnseenBenign    int     `hcl:"unseen_benign,optional" default:"8000" doc:"Number of benign rows of families that no other set has."`
	UnseenMalicious int     `hcl:"unseen_malicious,optional" default:"4000" doc:"Number of malicious rows of families that no other set has."`
	TrainLookalikes float64 `hcl:"train_lookalikes,optional" default:"0.015" doc:"Share of look-alikes among the benign training rows."`
	PoolLookalikes  float64 `hcl:"pool_lookalikes,optional" default:"0.049" doc:"Share of look-alikes among the benign rows of every other set."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Scale > 0 && c.Scale <= 10, "scale: %v is not between 0 and 10", c.Scale)
	check.Between("train_lookalikes", c.TrainLookalikes, 0, 1)
	check.Between("pool_lookalikes", c.PoolLookalikes, 0, 1)
	for _, v := range []struct {
		name     string
		n, least int
	}{{"train_benign", c.TrainBenign, 1}, {"train_malicious", c.TrainMalicious, 1}, {"validation", c.Validation, 1}, {"pool", c.Pool, 1},
		{"test_benign", c.TestBenign, 1}, {"test_malicious", c.TestMalicious, 1}, {"unseen_benign", c.UnseenBenign, 0}, {"unseen_malicious", c.UnseenMalicious, 0}} {
		check.Want(v.n >= v.least, "%s: %d; want at least %d", v.name, v.n, v.least)
	}
	return check.Err()
}

// In is empty: the corpus needs no input.
type In struct{}

// Out holds the outputs of the step.
type Out struct {
	Train      artifact.Rows `port:"train" doc:"rows to train on"`
	Validation artifact.Rows `port:"validation" doc:"rows that choose the epoch and the threshold, of families that no other set has"`
	Pool       artifact.Rows `port:"pool" doc:"benign rows to mine"`
	Test       artifact.Rows `port:"test" doc:"own traffic: rows to report on, of the pool's families"`
	Unseen     artifact.Rows `port:"unseen" doc:"new sources: rows to report on, of families that no other set has"`
}

// Step is the "synthesize" step type.
var Step = steps.New("synthesize", 3, "Make the built-in corpus: training, validation, pool, test and unseen rows.", run, steps.Stage(steps.Data), steps.Example(`step "synthesize" "corpus" {
  seed  = 1
  scale = 0.1
}`))

// set is one part of the corpus.
type set struct {
	port              string
	role              role
	benign, malicious int
	lookalikes        float64
}

// reports tells whether the set is one that models are reported on with.
func (s set) reports() bool { return s.port == "test" || s.role == reported }

func (c Config) sets() []set {
	size := func(n int) int { return int(math.Round(float64(n) * c.Scale)) }
	benign := float64(c.TrainBenign) / float64(c.TrainBenign+c.TrainMalicious)
	vb := int(math.Round(float64(size(c.Validation)) * benign))
	return []set{
		{"train", training, size(c.TrainBenign), size(c.TrainMalicious), c.TrainLookalikes},
		{"validation", choosing, vb, size(c.Validation) - vb, c.PoolLookalikes},
		{"pool", own, size(c.Pool), 0, c.PoolLookalikes},
		{"test", own, size(c.TestBenign), size(c.TestMalicious), c.PoolLookalikes},
		{"unseen", reported, size(c.UnseenBenign), size(c.UnseenMalicious), c.PoolLookalikes},
	}
}

func run(ctx context.Context, env *steps.Env, c Config, _ In) (Out, error) {
	g, err := readGrammar(grammarFiles)
	if err != nil {
		return Out{}, err
	}
	w := newWriter(g, int64(c.Seed))
	out := map[string]artifact.Rows{}
	total, done := 0, 0
	for _, s := range c.sets() {
		total += s.benign + s.malicious
	}
	for _, s := range c.sets() {
		rows, err := w.rows(ctx, s)
		if err != nil {
			return Out{}, err
		}
		if out[s.port], err = artifact.WriteRows(env.Out(s.port), rows); err != nil {
			return Out{}, err
		}
		done += len(rows)
		env.Progress(int64(done), int64(total), "rows")
	}
	if w.repeats > 0 {
		env.Notef("%d rows repeat or resemble an earlier text: the grammar has no more of their kind", w.repeats)
	}
	return Out{out["train"], out["validation"], out["pool"], out["test"], out["unseen"]}, nil
}
