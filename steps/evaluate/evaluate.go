// Package evaluate measures a model on rows that weren't used for training or for any choice.
package evaluate

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"

	"github.com/zeebo/blake3"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/scorer"
	"rein/steps/internal/threshold"
	"rein/steps/stats"
)

// Config holds the arguments of the step.
type Config struct {
	BaseRate      float64 `hcl:"base_rate,optional" default:"0.01" doc:"Share of malicious prompts in daily traffic, for the precision at that share."`
	OnLeak        string  `hcl:"on_leak,optional" default:"exclude" enum:"stop,exclude,record" doc:"What happens to leaked rows: rows of test or unseen that the model was made with (same origin, same text, near-duplicates). exclude: they are left out and counted, and stop the run with a verdict if they are over 1%; stop: any of them stops the run; record: they are noted and stay."`
	Own           bool    `hcl:"own_counts,optional" default:"false" doc:"Whether a gain on own traffic counts for a verdict, too, not only a gain on new sources. It should if the pool is the user's own traffic."`
	LeakTolerance float64 `hcl:"leak_tolerance,optional" default:"0.005" doc:"Largest share of a set that may resemble augmented rows of another origin by chance. More is a verdict. A note gives the number."`
	Seed          int     `hcl:"seed,optional" default:"1" doc:"Seed of the bootstrap."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.BaseRate > 0 && c.BaseRate < 1, "base_rate: %v is not between 0 and 1", c.BaseRate)
	check.Between("leak_tolerance", c.LeakTolerance, 0, 1)
	return check.Err()
}

// AdjustTraits implements steps.TraitsAdjuster. If leaked rows are only to be noted, a pipeline that has some is accepted. If they are left
// out, it is still refused when a whole input is made of them.
func (c Config) AdjustTraits(t *engine.Traits) {
	if c.OnLeak == "record" {
		t.HeldOut = nil
	}
}

// In holds the inputs of the step.
type In struct {
	Model  artifact.Model `port:"model,optional" doc:"the model to measure"`
	Test   artifact.Rows  `port:"test,optional" doc:"own traffic: held-out rows that were not used for training or any choice"`
	Unseen artifact.Rows  `port:"unseen,optional" doc:"new sources: rows of sources that were not used for training, mining or any choice"`
	Pool   artifact.Rows  `port:"pool,optional" doc:"the mined pool; its figures are reported as those of rows that the model has seen"`
	// These may be the rows on which the threshold was chosen: no decision depends on the temperature.
	Validation artifact.Rows `port:"validation,optional" doc:"rows on which the temperature of the scores is fitted; nothing is reported on them"`

	// The inputs that replace a model: the results of the evaluations of several folds.
	Scores  []artifact.Scores `port:"scores,optional" doc:"in place of a model: the scores of each fold's evaluation; their rows are reported on together"`
	Reports []artifact.Report `port:"reports,optional" doc:"the reports of these evaluations, in the same order"`
}

// Out holds the outputs of the step.
type Out struct {
	Report artifact.Report `port:"report" doc:"all figures, with intervals"`
	Scores artifact.Scores `port:"scores" doc:"the model's answer for each row of test and unseen"`
}

// Step is the "evaluate" step type.
var Step = steps.New("evaluate", 12, "Measure a model on held-out rows: FP rate, recall, F1 macro, ROC-AUC, with intervals.", run,
	steps.Stage(steps.Validation), steps.Measures, steps.HeldOut("test", "unseen"), steps.Isolated, steps.Example(`step "evaluate" "test" {
  model  = step.export.model
  test   = step.corpus.test
  unseen = step.corpus.unseen
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	if err := in.check(); err != nil {
		return Out{}, err
	}
	w, err := artifact.NewWriter[artifact.Scored](env.Out("scores"))
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	e := &evaluation{config: c, env: env, out: w, report: &stats.Report{BaseRate: c.BaseRate, OwnCounts: c.Own, Sets: map[string]*stats.Set{}}}
	if len(in.Scores) > 0 {
		err = e.join(ctx, in)
	} else {
		err = e.model(ctx, in)
	}
	if err != nil {
		return Out{}, err
	}
	b, err := json.MarshalIndent(e.report, "", "  ")
	if err != nil {
		return Out{}, err
	}
	return Out{artifact.Report{Path: env.Out("report")}, artifact.Scores{Path: env.Out("scores")}}, os.WriteFile(env.Out("report"), append(b, '\n'), 0o644)
}

// check refuses inputs that contradict each other.
func (in In) check() error {
	folds := len(in.Scores) > 0
	switch {
	case folds && in.Model.Path != "":
		return errors.New("model and scores: an evaluation measures a model, or puts what was measured in folds together; give one of them")
	case folds && len(in.Scores) != len(in.Reports):
		return fmt.Errorf("%d scores and %d reports: each fold's evaluation gives one of each", len(in.Scores), len(in.Reports))
	case !folds && in.Model.Path == "":
		return errors.New("model: it is needed, unless the scores of several folds are given")
	case !folds && in.Test.Path == "" && in.Unseen.Path == "":
		return errors.New("test: there are no rows to report on; give test, unseen or both")
	}
	return nil
}

// evaluation is the state of one run.
type evaluation struct {
	config Config
	env    *steps.Env
	scorer *scorer.Scorer
	out    *artifact.Writer[artifact.Scored]
	report *stats.Report
	choice threshold.Choice           // how the model's threshold was chosen; without a promise if the model has none
	flags  map[string]*stats.Flags    // benign rows of new sources, by source
	seeds  seedSet                    // models of the training's further seeds
	leaked map[string]map[string]bool // ids of the rows to leave out, by set
	phase  *steps.Count               // progress of what is being scored
}

// model measures the model of the input.
func (e *evaluation) model(ctx context.Context, in In) (err error) {
	if e.leaked, err = leak.Guard(ctx, e.env, in.Model, leak.Rule{OnLeak: e.config.OnLeak, Tolerance: e.config.LeakTolerance},
		leak.Set{Name: stats.OwnTraffic, Rows: in.Test}, leak.Set{Name: stats.NewSources, Rows: in.Unseen}); err != nil {
		return err
	}
	if e.scorer, err = scorer.Open(ctx, in.Model, scorer.Options{Memo: e.env.Memo(), Done: e.scored}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.scorer.Close()) }()
	if e.seeds, err = openSeeds(ctx, e.env, in.Model, e.scored); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.seeds.close()) }()
	if err := e.chosen(in.Model); err != nil {
		return err
	}
	reported, err := artifact.CountAll(in.Test, in.Unseen)
	if err != nil {
		return err
	}
	pool, err := artifact.CountAll(in.Pool)
	if err != nil {
		return err
	}
	e.phase = e.env.Count(reported*int64(1+len(e.seeds))+pool, "rows scored")
	if err := e.sets(ctx, in); err != nil {
		return err
	}
	if err := e.temperature(ctx, in.Validation, e.report); err != nil {
		return fmt.Errorf("validation: %w", err)
	}
	e.metrics()
	return e.seeds.finish(e.env, in.Model, e.report)
}

// scored adds n scored texts to the progress.
func (e *evaluation) scored(n int) { e.phase.Add(n) }

// chosen reads from the model how its threshold was chosen.
func (e *evaluation) chosen(m artifact.Model) error {
	info, err := m.Info()
	if err != nil {
		return err
	}
	e.report.Threshold = e.scorer.Threshold()
	if e.choice, err = threshold.ChoiceOf(info.Training); err != nil {
		return err
	}
	if e.choice == (threshold.Choice{}) { // an older model doesn't say how
		e.choice.OwnTraffic = info.Threshold
	}
	e.report.Promise, e.report.Pooled = e.choice.Promise, e.choice.OwnTraffic
	return nil
}

// sets measures each set of rows that was given.
func (e *evaluation) sets(ctx context.Context, in In) error {
	for _, part := range []struct {
		name string
		rows artifact.Rows
		keep bool
	}{{stats.OwnTraffic, in.Test, true}, {stats.NewSources, in.Unseen, true}, {"pool", in.Pool, false}} {
		if part.rows.Path == "" {
			continue
		}
		set, err := e.set(ctx, part.name, part.rows, part.keep)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if set.Rows > 0 {
			e.report.Sets[part.name] = set
		}
	}
	return e.rests()
}

// rests decides which set the verdict is based on, and counts the new sources that keep the FP rate limit.
func (e *evaluation) rests() error {
	e.report.Rests()
	if s := e.report.Sets[e.report.Basis]; s == nil || s.Benign.Rows == 0 || s.Malicious.Rows == 0 {
		return errors.New("test: both benign and malicious rows are needed to measure false positives and recall")
	}
	e.report.Kept = stats.Keeps(e.flags, e.limit())
	return nil
}

// limit returns the FP rate that each source must keep.
func (e *evaluation) limit() float64 {
	if p := e.report.Promise; p != nil {
		return p.Limit
	}
	return 0.01
}

// batch is the number of rows that are scored together. It bounds memory, because texts aren't kept.
const batch = 8192

// resamples is the number of resamples of each bootstrap.
const resamples = 2000

// set measures one set of rows. If keep is true, it also writes their scores.
func (e *evaluation) set(ctx context.Context, name string, rows artifact.Rows, keep bool) (*stats.Set, error) {
	set, data := stats.NewSet(), blake3.New()
	buf := make([]artifact.Row, 0, batch)
	flush := func() error {
		texts := make([]string, len(buf))
		for i, r := range buf {
			texts[i] = r.Text
		}
		scores, err := e.scorer.Score(ctx, texts)
		if err != nil {
			return err
		}
		languages, others := make([]string, len(texts)), [][]float64(nil)
		if keep { // of the pool only the FP rate is used
			if languages, err = languagesOf(ctx, e.env.Memo(), texts); err != nil {
				return err
			}
			if others, err = e.seeds.score(ctx, name, buf, texts); err != nil {
				return err
			}
		}
		for i, r := range buf {
			set.Cut.Add(e.scorer.Cut(r.Text), e.scorer.CutUnit())
			row := artifact.Scored{ID: r.ID, Set: name, Label: r.Label, Category: r.Category, Source: r.Source, Score: float64(scores[i].Threat), Text: r.Text,
				Role: r.Role, Channel: r.Channel}
			e.take(set, data, row, languages[i], e.scorer.Threshold(), e.choice.OwnTraffic)
			if keep {
				row.Family, row.Seeds = family(e.scorer.Classes(), scores[i].Probs), others[i]
				if err := e.out.Write(row); err != nil {
					return err
				}
			}
		}
		buf = buf[:0]
		return nil
	}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		if e.leaked[name][r.ID] {
			e.scored(1 + len(e.seeds)) // rows that are left out count as done
			continue
		}
		if buf = append(buf, r); len(buf) == batch {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	set.Finish(e.config.BaseRate, resamples, uint64(e.config.Seed))
	set.Data = hex.EncodeToString(data.Sum(nil))
	return set, nil
}

// take counts a scored row twice: at its model's threshold, and at the threshold that all validation rows together would choose.
func (e *evaluation) take(set *stats.Set, data hash.Hash, r artifact.Scored, language string, at, pooled float64) {
	set.Add(observe(r, language, r.Score >= at))
	fmt.Fprintf(data, "%d %s %d %s %s\n", len(r.ID), r.ID, len(r.Text), r.Text, r.Label)
	if r.Set != stats.NewSources || r.Label == artifact.Malicious {
		return
	}
	if e.flags == nil {
		e.flags = map[string]*stats.Flags{}
	}
	f := e.flags[r.Source]
	if f == nil {
		f = &stats.Flags{}
		e.flags[r.Source] = f
	}
	f.Rows++
	if r.Score >= at {
		f.At++
	}
	if r.Score >= pooled {
		f.Pooled++
	}
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
