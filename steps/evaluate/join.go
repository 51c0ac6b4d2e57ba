package evaluate

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/zeebo/blake3"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// fold is the result of one fold's evaluation.
type fold struct {
	report stats.Report
	scores artifact.Scores
	own    []float64 // own thresholds of its new sources, from the scores of a model that hasn't seen them
	at     float64   // the threshold that decides its rows
}

// join reports on the rows of all folds together. Every source is a new one in exactly one fold. A fold's threshold for new sources is
// chosen on the new sources of the other folds, each scored by the model that hasn't seen it. These are more sources than the fold's own
// validation rows have, and none of them is reported on in this fold.
func (e *evaluation) join(ctx context.Context, in In) error {
	folds, err := openFolds(in)
	if err != nil {
		return err
	}
	limit, share := 0.0, 0.0
	for _, f := range folds {
		if p := f.report.Promise; p != nil {
			limit, share = p.Limit, p.Wanted
		}
		e.report.Threshold += f.report.Threshold / float64(len(folds))
	}
	for _, f := range folds {
		if f.at = f.report.Threshold; limit > 0 {
			if f.own, err = ownThresholds(f.scores, limit); err != nil {
				return err
			}
		}
	}
	if limit > 0 {
		e.decide(folds, limit, share)
	}
	e.report.Folds = len(folds)
	for _, name := range []string{stats.OwnTraffic, stats.NewSources} {
		if err := e.joinSet(ctx, name, folds); err != nil {
			return err
		}
	}
	if err := e.rests(); err != nil {
		return err
	}
	e.env.Metric("folds", float64(len(folds)))
	e.metrics()
	return nil
}

func openFolds(in In) ([]*fold, error) {
	var out []*fold
	for i, scores := range in.Scores {
		f := &fold{scores: scores}
		b, err := os.ReadFile(in.Reports[i].Path)
		if err == nil {
			err = json.Unmarshal(b, &f.report)
		}
		if err != nil {
			return nil, fmt.Errorf("the report of fold %d: %w", i+1, err)
		}
		out = append(out, f)
	}
	return out, nil
}

// ownThresholds returns the own thresholds of a fold's new sources that have enough rows.
func ownThresholds(scores artifact.Scores, limit float64) ([]float64, error) {
	benign := map[string][]float64{}
	for r, err := range scores.All() {
		if err != nil {
			return nil, err
		}
		if r.Set == stats.NewSources && r.Label == artifact.Benign {
			benign[r.Source] = append(benign[r.Source], r.Score)
		}
	}
	var own []float64
	for _, list := range benign {
		if at, ok := stats.SourceThreshold(list, limit); ok {
			own = append(own, at)
		}
	}
	return own, nil
}

// decide gives each fold the threshold that is chosen on the other folds' sources. It keeps the weakest of the folds' promises.
func (e *evaluation) decide(folds []*fold, limit, share float64) {
	e.report.Threshold = 0
	for i, f := range folds {
		var others []float64
		for j, o := range folds {
			if j != i {
				others = append(others, o.own...)
			}
		}
		at, p, ok := stats.OverSources(others, limit, share)
		if ok {
			f.at = at
		}
		if e.report.Promise == nil || p.Probability < e.report.Promise.Probability {
			e.report.Promise = &p
		}
		e.report.Threshold += f.at / float64(len(folds))
	}
}

// joinSet reports on one set with the rows of all folds.
func (e *evaluation) joinSet(ctx context.Context, name string, folds []*fold) error {
	set, data := stats.NewSet(), blake3.New()
	for i, f := range folds {
		if s := f.report.Sets[name]; s != nil && s.Cut.Rows > 0 {
			set.Cut = stats.Cut{Rows: set.Cut.Rows + s.Cut.Rows, Units: set.Cut.Units + s.Cut.Units, Unit: s.Cut.Unit}
		}
		var rows []artifact.Scored
		var texts []string
		for r, err := range f.scores.All() {
			if err != nil {
				return fmt.Errorf("the scores of fold %d: %w", i+1, err)
			}
			if r.Set == name {
				r.Threshold, r.Seeds = f.at, nil
				rows, texts = append(rows, r), append(texts, r.Text)
			}
		}
		languages, err := languagesOf(ctx, e.env.Memo(), texts)
		if err != nil {
			return err
		}
		pooled := f.report.Threshold
		if f.report.Pooled > 0 {
			pooled = f.report.Pooled
		}
		for n, r := range rows {
			e.take(set, data, r, languages[n], f.at, pooled)
			if err := e.out.Write(r); err != nil {
				return err
			}
		}
		e.env.Progress(int64(i+1), int64(len(folds)), "folds")
	}
	if set.Rows == 0 {
		return nil
	}
	set.Finish(e.config.BaseRate, resamples, uint64(e.config.Seed))
	set.Data = hex.EncodeToString(data.Sum(nil))
	e.report.Sets[name] = set
	return nil
}
