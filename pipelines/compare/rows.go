package compare

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"rein/steps/artifact"
)

// Row is a test row as a column answered it, and as another one did.
type Row struct {
	artifact.Scored
	Flagged bool
	Before  float64 // the other column's score; 0 where there is none to compare with
	Was     bool    // the other column flagged it
	Cluster string  // of false positives: the word that tells it best from other benign rows; "": it is in no cluster
}

// Flipped tells whether the columns decide the row differently.
func (r Row) Flipped() bool { return r.Flagged != r.Was }

// Attack tells whether the row is malicious.
func (r Row) Attack() bool { return r.Label == artifact.Malicious }

// Rows are all rows of one set that a column was tested on.
type Rows struct {
	Column, Against, Set string
	Threshold            float64
	Sets                 []string // that there are
	Compared             bool     // the other column answered the same rows
	Rows                 []Row    // in the order of the test
	Clusters             []Cluster
}

// Rows reads the rows of a set (stats.OwnTraffic, stats.NewSources; "": the one that the verdict rests on) that a column was tested on.
// Where the column against was tested on the same rows, its answers stand beside.
func (r *Result) Rows(ctx context.Context, column, against, set string) (*Rows, error) {
	d, err := r.scored(column)
	if err != nil {
		return nil, err
	}
	out := &Rows{Column: column, Against: against, Set: cmp.Or(set, d.basis()), Threshold: d.report.Threshold, Sets: slices.Sorted(maps.Keys(d.report.Sets))}
	base := r.detail[against]
	before, err := answersOn(ctx, base, d, out.Set)
	if err != nil {
		return nil, err
	}
	out.Compared = before != nil
	v := newVocabulary()
	var wrong []seen
	err = eachSeen(ctx, d, base, out.Set, before, func(s seen) {
		x := Row{Scored: s.Scored, Flagged: s.now, Before: s.before, Was: s.of}
		out.Rows = append(out.Rows, x)
		if x.Flagged && !x.Attack() {
			s.tokens = tokens(s.Text)
			v.propose(s.tokens)
			wrong = append(wrong, s)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(wrong) >= leastInGroup {
		for _, x := range out.Rows {
			v.count(seen{Scored: x.Scored, now: x.Flagged, of: x.Was})
		}
		out.Clusters = v.clusters(wrong)
		out.assign(wrong)
	}
	return out, nil
}

// assign gives false positives the first cluster whose word they have: in this order the clusters took them.
func (r *Rows) assign(wrong []seen) {
	of := map[string]string{}
	for _, s := range wrong {
		for _, c := range r.Clusters {
			if _, has := slices.BinarySearch(s.tokens, c.Token); has {
				of[s.ID] = c.Token
				break
			}
		}
	}
	for i := range r.Rows {
		if x := &r.Rows[i]; x.Flagged && !x.Attack() {
			x.Cluster = of[x.ID]
		}
	}
}

// Causes are the parts of a text that a column's model raises its alarm for, found by leaving them out. There are none where
// the model can't be opened.
func (r *Result) Causes(ctx context.Context, column, text string, score float64) ([]Cause, error) {
	d := r.detail[column]
	if d == nil || d.report == nil {
		return nil, fmt.Errorf("there is no column %s", column)
	}
	model, err := r.model(ctx, column)
	if err != nil || model == nil {
		return nil, err
	}
	defer model.Close()
	f := &Flip{Score: score, full: text}
	err = explainRows(ctx, model, d.report.Threshold, []*Flip{f})
	return f.Causes, err
}
