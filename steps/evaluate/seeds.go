package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/seeds"
	"rein/steps/stats"
)

// seed is another model of the same training, which differs only in its seed.
type seed struct {
	seed   int
	scorer *scorer.Scorer
	counts map[string]*seedCounts // by set
}

// seedCounts holds the counts and scores from which a seed's figures on one set are computed.
type seedCounts struct {
	confusion         stats.Confusion
	benign, malicious []float64
}

type seedSet []*seed

// openSeeds loads the models of the further seeds. There are none if the training had a single seed.
func openSeeds(ctx context.Context, env *steps.Env, m artifact.Model, done func(texts int)) (seedSet, error) {
	list, err := seeds.Of(m)
	if err != nil {
		return nil, err
	}
	var out seedSet
	for _, s := range list {
		opened, err := scorer.Open(ctx, s.Model, scorer.Options{Memo: env.Memo(), Done: done})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("seed %d: %w", s.Seed, err), out.close())
		}
		out = append(out, &seed{s.Seed, opened, map[string]*seedCounts{}})
	}
	return out, nil
}

func (s seedSet) close() error {
	var errs []error
	for _, x := range s {
		errs = append(errs, x.scorer.Close())
	}
	return errors.Join(errs...)
}

// score returns the threat score of each row by each seed.
func (s seedSet) score(ctx context.Context, set string, rows []artifact.Row, texts []string) ([][]float64, error) {
	out := make([][]float64, len(rows))
	for _, x := range s {
		scores, err := x.scorer.Score(ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", x.seed, err)
		}
		c := x.counts[set]
		if c == nil {
			c = &seedCounts{}
			x.counts[set] = c
		}
		for i, r := range rows {
			threat := float64(scores[i].Threat)
			out[i] = append(out[i], threat)
			if r.Label == artifact.Malicious {
				c.malicious = append(c.malicious, threat)
			} else {
				c.benign = append(c.benign, threat)
			}
			c.confusion.Add(r.Label == artifact.Malicious, threat >= x.scorer.Threshold())
		}
	}
	return out, nil
}

// finish writes the seeds into the report. It records the mean and the standard deviation of each figure over the seeds.
func (s seedSet) finish(env *steps.Env, m artifact.Model, report *stats.Report) error {
	if len(s) == 0 {
		return nil
	}
	info, err := m.Info()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(info.Training["seed"])
	if err != nil {
		return fmt.Errorf("the model doesn't say its own seed: %w", err)
	}
	kept := stats.SeedFigures{Seed: n, Threshold: report.Threshold, Sets: map[string]map[string]float64{}}
	for name, set := range report.Sets {
		if c := s[0].counts[name]; c != nil && set.AUC != nil {
			kept.Sets[name] = figures(set.Confusion, set.AUC.Value)
		}
	}
	report.Seeds = append(report.Seeds, kept)
	for _, x := range s {
		f := stats.SeedFigures{Seed: x.seed, Threshold: x.scorer.Threshold(), Sets: map[string]map[string]float64{}}
		for name := range kept.Sets {
			c := x.counts[name]
			f.Sets[name] = figures(c.confusion, stats.AUC(c.malicious, c.benign))
		}
		report.Seeds = append(report.Seeds, f)
	}
	env.Metric("seeds", float64(len(report.Seeds)))
	for prefix, name := range map[string]string{"own_": stats.OwnTraffic, "new_": stats.NewSources, "": report.Basis} {
		for metric := range kept.Sets[name] {
			mean, spread := over(report.Seeds, name, metric)
			env.Metric(prefix+metric+"_mean", mean)
			env.Metric(prefix+metric+"_spread", spread)
		}
	}
	return nil
}

func figures(c stats.Confusion, auc float64) map[string]float64 {
	_, _, f1 := c.F1()
	return map[string]float64{"fp_rate": c.FPRate().Value, "tp_rate": c.Recall().Value, "f1_macro": f1, "roc_auc": auc}
}

// over returns the mean and the standard deviation of a figure over the seeds.
func over(list []stats.SeedFigures, set, metric string) (mean, spread float64) {
	n := float64(len(list))
	for _, f := range list {
		mean += f.Sets[set][metric] / n
	}
	for _, f := range list {
		d := f.Sets[set][metric] - mean
		spread += d * d / (n - 1)
	}
	return mean, math.Sqrt(spread)
}
