package calibrate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/bundle"
	"rein/steps/internal/scorer"
	"rein/steps/internal/threshold"
	"rein/steps/stats"
)

// Line says what the traffic shows about a threshold if at most the given share of it is attacks.
type Line struct {
	threshold.Calibrated
	Share  float64  `json:"attack_share"`
	Recall *float64 `json:"recall"` // on the rows of the evaluation's report; null without a report
}

// Result is the result of a calibration.
type Result struct {
	Config   Config    `json:"-"`
	Rule     string    `json:"rule"`
	Rows     int       `json:"rows"`     // number of rows of the traffic
	Distinct int       `json:"distinct"` // number of different texts among them
	Attacks  int       `json:"attacks"`  // number of labelled attacks
	Own      Line      `json:"own"`      // for the model's own threshold
	Chosen   Line      `json:"chosen"`
	Cap      *float64  `json:"cap"`     // largest threshold that may be chosen; null: no limit
	Flooded  Line      `json:"flooded"` // for the case that an attacker planted the highest scores, as many as attack_share allows
	Owned    int       `json:"owned"`   // number of planted rows with which an attacker would control the threshold
	Table    []Line    `json:"table"`
	Cut      stats.Cut `json:"cut"` // rows of the traffic that the model doesn't read whole
	Notes    []string  `json:"notes"`
}

// shares lists the shares of attacks in the table.
var shares = []float64{0, 0.001, 0.005, 0.01, 0.02, 0.05}

// traffic returns the rule for choosing a threshold with a share of attacks.
func (c Config) traffic(share float64) threshold.Traffic {
	return threshold.Traffic{Limit: c.Limit, Share: share, Least: min(c.Least, share), Sure: c.Confidence}
}

// Package calibrates the model or package at path, which is a folder or an archive. attacks may be nil.
func Package(ctx context.Context, path string, c Config, traffic, attacks iter.Seq2[string, error]) (*Result, error) {
	dir, done, err := bundle.Folder(path)
	if err != nil {
		return nil, err
	}
	defer done()
	s, err := scorer.Open(ctx, artifact.Model{Path: dir}, scorer.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer s.Close()
	var set *stats.Set
	reports, _ := fs.Glob(os.DirFS(dir), "report-*.json") // the pattern is valid, so there is no error
	for _, r := range reports {
		if set == nil {
			set = testSet(filepath.Join(dir, r))
		}
	}
	return c.choose(ctx, s, traffic, attacks, set)
}

// Keep writes a result into a package as a profile. It fails if the name of the profile is invalid.
func Keep(path, profile string, r *Result) error {
	return bundle.WriteProfile(path, bundle.Profile{Name: profile, Threshold: r.Chosen.Threshold, Rule: r.Rule})
}

// CheckProfile returns an error if name can't be the name of a profile.
func CheckProfile(name string) error { return bundle.CheckProfile(name) }

// testSet returns the set of an evaluation's report from which a threshold's recall follows. It returns nil for other reports.
func testSet(path string) *stats.Set {
	b, err := os.ReadFile(path)
	var r stats.Report
	if err != nil || json.Unmarshal(b, &r) != nil { // the report of another step
		return nil
	}
	if s := r.Sets[cmp.Or(r.Basis, stats.OwnTraffic)]; s != nil && len(s.Quantiles) > 0 {
		return s
	}
	return nil
}

// choose scores the traffic and the attacks and computes the result.
func (c Config) choose(ctx context.Context, s *scorer.Scorer, traffic, attacks iter.Seq2[string, error], set *stats.Set) (*Result, error) {
	r := &Result{Config: c}
	scores, distinct, err := scoreAll(ctx, s, traffic, &r.Cut)
	if err != nil {
		return nil, err
	}
	if len(scores) == 0 {
		return nil, fmt.Errorf("there is no traffic: no row has a text; %d rows are the least that can show an FP rate of %v", c.traffic(c.Share).Need(), c.Limit)
	}
	var caught []float32
	if attacks != nil {
		if caught, _, err = scoreAll(ctx, s, attacks, nil); err != nil {
			return nil, err
		}
	}
	if attacks != nil && len(caught) == 0 {
		return nil, errors.New("attacks: no row of them is labelled malicious, so they show no recall; leave them out, or give labelled attacks")
	}
	r.Rows, r.Distinct, r.Attacks = len(scores), distinct, len(caught)
	c.fill(r, scores, caught, s.Threshold(), set)
	return r, nil
}

// fill computes the result from the scores, which are sorted, highest first.
func (c Config) fill(r *Result, scores, attacks []float32, own float64, set *stats.Set) {
	line := func(share float64, of func(threshold.Traffic) threshold.Calibrated) Line {
		t := c.traffic(share)
		t.Attacks = attacks
		l := Line{Calibrated: of(t), Share: share}
		if l.Need == 0 && set != nil {
			recall := set.RecallOver(l.Threshold)
			l.Recall = &recall
		}
		return l
	}
	choose := func(t threshold.Traffic) threshold.Calibrated { return t.Choose(scores) }
	r.Own = line(c.Share, func(t threshold.Traffic) threshold.Calibrated { return t.At(own, scores) })
	r.Chosen = line(c.Share, choose)
	r.Flooded = line(c.Share, func(t threshold.Traffic) threshold.Calibrated { return t.Flooded(scores) })
	r.Owned = c.traffic(c.Share).Owned(len(scores))
	for _, share := range shares {
		r.Table = append(r.Table, line(share, choose))
	}
	r.Rule = fmt.Sprintf("lowest threshold that shows an FP rate of at most %v with %v confidence on %d rows of traffic, of which at most %v are attacks", c.Limit, c.Confidence, r.Rows, c.Share)
	c.limit(r, own, set)
	c.notes(r, set)
}

// limit computes the cap on the threshold.
func (c Config) limit(r *Result, own float64, set *stats.Set) {
	top := c.Cap
	if top == 0 && set != nil {
		half := int(math.Ceil(set.RecallOver(own) / 2 * float64(len(set.Quantiles))))
		if half > 0 {
			top = max(own, set.Quantiles[len(set.Quantiles)-half])
		}
	}
	if top > 0 {
		r.Cap = &top
	}
}

func (c Config) notes(r *Result, set *stats.Set) {
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if set == nil {
		note("The package has no report of labelled rows with the scores of attacks, so the recall that a threshold gives up is not known: give its package step the report of evaluate.")
	}
	if r.Cap == nil {
		note("No cap: somebody who floods the traffic with attacks can move the threshold at will. --cap sets one.")
	}
	if share := float64(r.Own.Flagged) / float64(r.Rows); c.Share > share {
		note("The model's own threshold flags %.2f%% of the traffic, less than the attack share of %.2f%%: if so many are attacks, the model misses most of them. A share that is too high costs recall for nothing.", 100*share, 100*c.Share)
	}
	if c.Share >= c.Limit && !(c.Least > 0 && r.Attacks > 0) {
		note("Attacks may be as frequent as the limit: attacks that are caught count as false positives here, so the threshold is higher than it has to be. Labelled attacks and a least attack share make it tighter.")
	}
	if r.Cut.Rows > 0 {
		note("Of the traffic, %s.", r.Cut)
	}
	if r.Distinct < r.Rows*9/10 {
		note("Only %d of the %d texts differ: repeated texts say less about other traffic than as many different ones, so the confidence is lower than stated.", r.Distinct, r.Rows)
	}
}

// Verdict returns why the result has no threshold that can be used, or nil if it has one.
func (r *Result) Verdict() error {
	switch c := r.Config; {
	case r.Chosen.Need > 0:
		return steps.Verdictf("%d rows of traffic can't show an FP rate of at most %.4g%% with %.4g%% confidence where %.4g%% of them may be attacks: need %d", r.Rows, 100*c.Limit, 100*c.Confidence, 100*c.Share, r.Chosen.Need)
	case r.Chosen.Threshold > 1:
		return steps.Verdictf("no threshold keeps the limit: more of the traffic than it allows has the highest score that there is; look at those rows (rein score --json), or allow a higher limit")
	case r.Cap != nil && r.Chosen.Threshold > *r.Cap:
		return steps.Verdictf("the traffic asks for a threshold of %.6f, over the cap of %.6f: either it holds more attacks than %.4g%%, or the model doesn't fit it. Look at the rows with the highest scores; --cap %.6f takes the threshold all the same",
			r.Chosen.Threshold, *r.Cap, 100*c.Share, min(1, math.Ceil(1e6*r.Chosen.Threshold)/1e6))
	}
	return nil
}

// batch is the number of texts that are scored together. The texts of a long log need not fit into memory.
const batch = 4096

// scoreAll scores texts and returns the scores, sorted, highest first. It counts the texts that are too long for the model.
func scoreAll(ctx context.Context, s *scorer.Scorer, texts iter.Seq2[string, error], cut *stats.Cut) (scores []float32, distinct int, err error) {
	seed, seen := maphash.MakeSeed(), map[uint64]bool{}
	var waiting []string
	flush := func() error {
		answers, err := s.Score(ctx, waiting)
		for _, a := range answers {
			scores = append(scores, a.Threat)
		}
		waiting = waiting[:0]
		return err
	}
	for t, err := range texts {
		if err != nil {
			return nil, 0, err
		}
		seen[maphash.String(seed, t)] = true
		if cut != nil {
			cut.Add(s.Cut(t), s.CutUnit())
		}
		if waiting = append(waiting, t); len(waiting) == batch {
			if err := flush(); err != nil {
				return nil, 0, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(scores, func(a, b float32) int { return cmp.Compare(b, a) })
	return scores, len(seen), nil
}
