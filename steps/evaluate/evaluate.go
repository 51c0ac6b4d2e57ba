// Package evaluate measures a model on rows that nothing was chosen on.
package evaluate

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/zeebo/blake3"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/scorer"
	"rein/steps/stats"
)

// Config says what else to measure.
type Config struct {
	BaseRate float64 `hcl:"base_rate,optional" default:"0.01" doc:"Share of malicious prompts in daily traffic, for the precision there."`
	OnLeak   string  `hcl:"on_leak,optional" default:"stop" enum:"stop,exclude,record" doc:"Rows of test or unseen that the model was made with (same origin, same text, near-duplicates) stop the run with a verdict, are left out of the figures, or are noted."`
	Chance   float64 `hcl:"leak_tolerance,optional" default:"0.005" doc:"Share of a set that augmented rows of other origin may resemble by chance without a verdict; a note says how many."`
	Seed     int     `hcl:"seed,optional" default:"1" doc:"Of the bootstrap."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if !(c.BaseRate > 0 && c.BaseRate < 1) {
		return fmt.Errorf("base_rate: %v is not between 0 and 1", c.BaseRate)
	}
	if !(c.Chance >= 0 && c.Chance <= 1) {
		return fmt.Errorf("leak_tolerance: %v is not between 0 and 1", c.Chance)
	}
	return nil
}

// AdjustTraits implements steps.TraitsAdjuster: where rows that the model was made with are left out or noted, a pipeline that has
// such rows is not refused.
func (c Config) AdjustTraits(t *engine.Traits) {
	if c.OnLeak != "stop" {
		t.HeldOut = nil
	}
}

// In is what the step reads.
type In struct {
	Model  artifact.Model `port:"model" doc:"the model to measure"`
	Test   artifact.Rows  `port:"test" doc:"rows to report on: never trained on, never chosen from"`
	Unseen artifact.Rows  `port:"unseen,optional" doc:"rows from sources or families that training never uses"`
	Pool   artifact.Rows  `port:"pool,optional" doc:"the mined pool; reported as seen"`
	// Rows that a threshold was chosen on may set a temperature too: no decision depends on it.
	Validation artifact.Rows `port:"validation,optional" doc:"rows to fit the temperature of the scores on; nothing is reported on them"`
}

// Out is what the step makes.
type Out struct {
	Report artifact.Report `port:"report" doc:"all figures, with intervals"`
	Scores artifact.Scores `port:"scores" doc:"the model's answer for each row of test and unseen"`
}

// Step is the "evaluate" step type.
var Step = steps.New("evaluate", 6, "Measure a model on held-out rows: FP rate, recall, F1 macro, ROC-AUC, with intervals.", run,
	steps.Stage(steps.Validation), steps.Measures, steps.HeldOut("test", "unseen"), steps.Isolated, steps.Example(`step "evaluate" "test" {
  model  = step.export.model
  test   = step.corpus.test
  unseen = step.corpus.unseen
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	leaked, err := leak.Guard(ctx, env, in.Model, leak.Rule{OnLeak: c.OnLeak, Tolerance: c.Chance},
		leak.Set{Name: "test", Rows: in.Test}, leak.Set{Name: "unseen", Rows: in.Unseen})
	if err != nil {
		return Out{}, err
	}
	s, err := scorer.Open(ctx, in.Model, scorer.Options{Memo: env.Memo()})
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w, err := artifact.NewWriter[artifact.Scored](env.Out("scores"))
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	e := &evaluation{config: c, env: env, scorer: s, out: w, leaked: leaked}
	if e.seeds, err = openSeeds(ctx, env, in.Model); err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, e.seeds.close()) }()
	report := &stats.Report{Threshold: s.Threshold(), BaseRate: c.BaseRate, Sets: map[string]*stats.Set{}}
	if e.total, err = count(in.Test, in.Unseen, in.Pool); err != nil {
		return Out{}, err
	}
	if err := e.sets(ctx, in, report); err != nil {
		return Out{}, err
	}
	if err := e.temperature(ctx, in.Validation, report); err != nil {
		return Out{}, fmt.Errorf("validation: %w", err)
	}
	metrics(env, report)
	if err := e.seeds.finish(env, in.Model, report); err != nil {
		return Out{}, err
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return Out{}, err
	}
	return Out{artifact.Report{Path: env.Out("report")}, artifact.Scores{Path: env.Out("scores")}}, os.WriteFile(env.Out("report"), append(b, '\n'), 0o644)
}

// evaluation is the state of one run.
type evaluation struct {
	config Config
	env    *steps.Env
	scorer *scorer.Scorer
	out    *artifact.Writer[artifact.Scored]
	seeds  seedSet                    // the training's further seeds
	leaked map[string]map[string]bool // ids to leave out, by set
	done   int64
	total  int64 // rows of all sets
}

// sets measures each set of rows that is there.
func (e *evaluation) sets(ctx context.Context, in In, report *stats.Report) error {
	for _, part := range []struct {
		name string
		rows artifact.Rows
		keep bool
	}{{"test", in.Test, true}, {"unseen", in.Unseen, true}, {"pool", in.Pool, false}} {
		if part.rows.Path == "" {
			continue
		}
		set, err := e.set(ctx, part.name, part.rows, part.keep)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if set.Rows > 0 {
			report.Sets[part.name] = set
		}
	}
	test := report.Sets["test"]
	if test == nil || test.Benign.Rows == 0 || test.Malicious.Rows == 0 {
		return errors.New("test: both benign and malicious rows are needed to measure false positives and recall")
	}
	return nil
}

// count adds up the rows of the sets that are there.
func count(sets ...artifact.Rows) (total int64, err error) {
	for _, s := range sets {
		if s.Path == "" {
			continue
		}
		n, err := s.Count()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// batch is how many rows are scored at a time: texts are not kept.
const batch = 8192

// resamples of the bootstrap.
const resamples = 2000

// set measures one set of rows; keep writes their scores.
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
		if keep { // of the pool nobody asks for more than its FP rate
			if languages, err = languagesOf(ctx, e.env.Memo(), texts); err != nil {
				return err
			}
			if others, err = e.seeds.score(ctx, name, buf, texts); err != nil {
				return err
			}
		}
		for i, r := range buf {
			threat := float64(scores[i].Threat)
			set.Add(observe(r, languages[i], threat, threat >= e.scorer.Threshold()))
			fmt.Fprintf(data, "%d %s %d %s %s\n", len(r.ID), r.ID, len(r.Text), r.Text, r.Label)
			if keep {
				err := e.out.Write(artifact.Scored{ID: r.ID, Set: name, Label: r.Label, Category: r.Category, Source: r.Source,
					Score: threat, Family: family(e.scorer.Classes(), scores[i].Probs), Text: r.Text, Seeds: others[i]})
				if err != nil {
					return err
				}
			}
		}
		e.done += int64(len(buf))
		e.env.Progress(e.done, e.total, "rows")
		buf = buf[:0]
		return nil
	}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		if e.leaked[name][r.ID] {
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
