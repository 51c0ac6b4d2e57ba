package train

import (
	"context"
	"fmt"

	"rein/steps"
	"rein/steps/internal/threshold"
	"rein/steps/internal/windows"
	"rein/steps/stats"
)

// sets holds the rows of a training.
type sets struct {
	rows, validation *dataset
	further          *dataset // rows of the port threshold_rows; nil if the threshold doesn't use them
}

// newSources tells whether the threshold is chosen for new sources.
func (c Config) newSources() bool { return c.rule().For == threshold.NewSources }

// further reads the port threshold_rows if the threshold uses it.
func further(ctx context.Context, c Config, in Inputs) (*dataset, error) {
	if in.Threshold.Path == "" || !c.newSources() {
		return nil, nil
	}
	return read(ctx, in.Threshold, "threshold_rows", nil)
}

// overSources chooses the threshold of a finished training again, from more sources: those of threshold_rows and those of the training
// rows.
//
// A model's scores for a source that it was trained on say nothing about a new source. So the training sources are dealt into groups. For
// each group a model is trained without it, with the same number of epochs as the finished one, and that model scores the group's rows.
func (s sets) overSources(ctx context.Context, env *steps.Env, c Config, in Inputs, r *result, d dealt) (*result, error) {
	if d.n == 0 && s.further == nil {
		return r, nil
	}
	seen := scoresBySource{}
	if err := seen.add(r.loop, s.further.ready(r.loop.net).of(func(source string) bool { return s.rows.sources[source] == 0 }, c.AtMost)); err != nil {
		return nil, err
	}
	for g := range d.n {
		mine := func(source string) bool { at, ok := d.bySource[source]; return ok && at == g }
		more := s.further.of(mine, c.AtMost)
		held := s.rows.of(func(source string) bool { return mine(source) && !s.further.has(source) }, c.AtMost)
		if len(more.class)+len(held.class) == 0 {
			continue
		}
		var train []int
		for i, of := range d.byRow {
			if of != g {
				train = append(train, i)
			}
		}
		l, err := fit(ctx, env, c, in, s.rows.pick(train), nil, part{fmt.Sprintf("without%d_", g+1), r.loop.state.BestAt, r.loop.part.at + g + 1, r.loop.part.of})
		if err != nil {
			return nil, err
		}
		l.windows = r.loop.windows
		for _, rows := range []*dataset{held, more} {
			if err == nil {
				err = seen.add(l, rows)
			}
		}
		l.net.close()
		if err != nil {
			return nil, err
		}
		env.Logf("for the threshold: %d sources scored by a model that was trained without them, %d of %d", len(held.sources)+len(more.sources), g+1, d.n)
	}
	return r.loop.decide(r.validation, seen), nil
}

// scoresBySource holds threat scores of benign rows, by source.
type scoresBySource map[string][]float64

// add scores the rows of d and adds the scores. It reads long rows in windows, as the finished model does.
func (s scoresBySource) add(l *loop, d *dataset) error {
	if len(d.class) == 0 {
		return nil
	}
	m, err := l.net.measure(d)
	if err != nil {
		return err
	}
	if l.windows != nil && len(d.long) > 0 {
		each, err := l.windowScores(d.long)
		if err != nil {
			return err
		}
		for i, r := range d.long {
			m.scores[r.row] = windows.Threat(l.windows.Rule, each[i])
		}
	}
	for i, source := range d.source {
		s[source] = append(s[source], float64(m.scores[i]))
	}
	return nil
}

// dealt says which group each row and each source is in.
type dealt struct {
	n        int
	byRow    []int
	bySource map[string]int
}

// leftOut deals the training sources into the groups that overSources leaves out in turn.
func (s sets) leftOut(c Config) dealt {
	if !c.newSources() {
		return dealt{}
	}
	return s.rows.groupsFor(c.ThresholdFolds)
}

// groupsFor deals the sources into n groups, or fewer if there are fewer sources. With fewer than two sources there is no group.
func (d *dataset) groupsFor(n int) dealt {
	for ; n > 1; n-- {
		if byRow, err := d.deal(n); err == nil {
			return dealt{n, byRow, d.bySource(byRow)}
		}
	}
	return dealt{}
}

// bySource returns the group of each source, given the group of each row.
func (d *dataset) bySource(group []int) map[string]int {
	of := map[string]int{}
	for i, source := range d.source {
		if source != "" {
			of[source] = group[i]
		}
	}
	return of
}

// of returns the collected benign rows of the sources for which some is true. It leaves out sources that have too few rows for the FP rate
// limit.
func (d *dataset) of(some func(source string) bool, limit float64) *dataset {
	if d == nil {
		return &dataset{}
	}
	count := func(i int) bool { return d.benign(i) && !d.made[i] && d.source[i] != "" }
	n := map[string]int{}
	for i, source := range d.source {
		if count(i) {
			n[source]++
		}
	}
	var rows []int
	for i, source := range d.source {
		if count(i) && n[source] >= stats.RowsOfSource(limit) && some(source) {
			rows = append(rows, i)
		}
	}
	return d.pick(rows)
}

// has tells whether d has rows of a source.
func (d *dataset) has(source string) bool { return d != nil && d.sources[source] > 0 }

// ready encodes the texts if that hasn't been done yet.
func (d *dataset) ready(net learner) *dataset {
	if d != nil && d.corpus == nil {
		d.long = longRows(net, d.texts)
		d.corpus, d.texts = net.encode(d.texts), nil
	}
	return d
}

// readsAgain tells whether training rows will also be scored, so that long ones need to be read in windows.
func (c Config) readsAgain() bool { return c.CrossFit == 0 && c.ThresholdFolds > 0 && c.newSources() }
