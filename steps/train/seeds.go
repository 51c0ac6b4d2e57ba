package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/seeds"
	"rein/steps/internal/threshold"
)

// result is a finished training. The learner holds the weights of the best epoch.
type result struct {
	loop       *loop
	validation measured
	choice     threshold.Choice
	fp, tp     float64 // false and true positive rate on the validation rows
	auc        float64
}

// trainSeeds trains once with each seed and returns the training with the best watched value. The other models are saved beside it: with
// them an evaluation measures how much depends on the seed.
func trainSeeds(ctx context.Context, env *steps.Env, c Config, in Inputs, s sets, kept artifact.Model) (*result, error) {
	var best *result
	var all []*result
	groups := s.leftOut(c)
	for i := range c.Seeds {
		cs := c
		cs.Seed += i
		r, err := trainOne(ctx, env, cs, in, s.rows, s.validation, part{at: i*(1+groups.n) + 1, of: c.Seeds * (1 + groups.n)})
		if err != nil {
			return nil, err
		}
		if r, err = s.overSources(ctx, env, cs, in, r, groups); err != nil {
			return nil, err
		}
		all = append(all, r)
		if best == nil || r.loop.state.BestIs < best.loop.state.BestIs {
			best, r = r, best
		}
		if r != nil {
			err := r.save(seeds.Dir(kept, r.loop.cfg.Seed))
			r.loop.net.close()
			if err != nil {
				return nil, err
			}
		}
	}
	if len(all) > 1 {
		spread(env, all)
	}
	return best, nil
}

// part identifies one of several trainings in a step.
type part struct {
	name   string // prefix of the names of its curves and checkpoint
	epochs int    // fixed number of epochs; 0: keep the epoch that is best on validation rows
	at, of int    // number of this training, from 1, and of all
}

// rows returns the unit of the progress. With several trainings it says which one is running.
func (p part) rows() string {
	if p.of < 2 {
		return "rows"
	}
	return fmt.Sprintf("rows, model %d of %d", p.at, p.of)
}

// trainOne trains a model and chooses its threshold on the validation rows.
func trainOne(ctx context.Context, env *steps.Env, c Config, in Inputs, rows, validation *dataset, p part) (*result, error) {
	l, err := fit(ctx, env, c, in, rows, validation, p)
	if err != nil {
		return nil, err
	}
	r, err := l.result()
	if err != nil {
		l.net.close()
	}
	return r, err
}

// fit trains a model. If the part has a fixed number of epochs, validation may be nil.
func fit(ctx context.Context, env *steps.Env, c Config, in Inputs, rows, validation *dataset, p part) (_ *loop, err error) {
	net, err := open(env, &c, in)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			net.close()
		}
	}()
	validation.ready(net)
	if rows.corpus == nil && !c.readsAgain() {
		rows.corpus, rows.texts = net.encode(rows.texts), nil
	}
	rows.ready(net)
	if p.epochs > 0 { // the same schedule as in the training that found the number of epochs
		c.Horizon, c.Epochs, c.Patience = c.horizon(), p.epochs, 0
	}
	l := &loop{env: env, cfg: c, net: net, rows: rows, validation: validation, part: p}
	if dir := env.Checkpoint(); dir != "" {
		l.dir = filepath.Join(dir, fmt.Sprintf("%sseed-%d", p.name, c.Seed))
		if err := os.MkdirAll(l.dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := l.start(ctx); err != nil {
		return nil, err
	}
	return l, l.run(ctx)
}

// result loads the weights of the best epoch into the model and chooses the threshold.
func (l *loop) result() (*result, error) {
	if l.state.Best == nil {
		return nil, errors.New("no epoch improved: validation gave no number")
	}
	l.net.restore(l.state.Best, nil, 0)
	v, err := l.net.measure(l.validation)
	if err != nil {
		return nil, err
	}
	if err := l.readLong(&v); err != nil {
		return nil, err
	}
	return l.decide(v, nil), nil
}

// decide chooses the threshold from the scores v of the validation rows. A threshold for new sources also uses others, the scores of benign
// rows of further sources.
func (l *loop) decide(v measured, others scoresBySource) *result {
	rows := l.validation.scored(v.scores)
	rows.Others = others
	if l.cfg.CrossFit == 0 { // only sources that the model hasn't seen count
		rows.Source = func(i int) string {
			if source := l.validation.source[i]; l.rows.sources[source] == 0 {
				return source
			}
			return ""
		}
	}
	r := &result{loop: l, validation: v, choice: l.cfg.rule().Decide(rows), auc: auc(v.scores, l.validation.benign)}
	for source := range others {
		if l.rows.sources[source] > 0 {
			r.choice.LeftOut++
		}
	}
	r.fp, r.tp = threshold.Rates(v.scores, r.choice.Threshold, l.validation.benign)
	return r
}

// spread reports how much depends on the seed: the mean and standard deviation of the figures over the trainings.
func spread(env *steps.Env, all []*result) {
	env.Metric("seeds", float64(len(all)))
	for name, of := range map[string]func(*result) float64{
		"validation_auc":     func(r *result) float64 { return r.auc },
		"validation_fp_rate": func(r *result) float64 { return r.fp },
		"validation_tp_rate": func(r *result) float64 { return r.tp },
		"validation_loss":    func(r *result) float64 { return r.validation.loss },
		"threshold":          func(r *result) float64 { return r.choice.Threshold },
	} {
		n, sum, squares := float64(len(all)), 0.0, 0.0
		for _, r := range all {
			sum += of(r)
		}
		for _, r := range all {
			squares += (of(r) - sum/n) * (of(r) - sum/n)
		}
		env.Metric(name+"_mean", sum/n)
		env.Metric(name+"_spread", math.Sqrt(squares/(n-1)))
	}
}
