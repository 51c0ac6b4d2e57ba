package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Report is the result of an evaluation.
type Report struct {
	Threshold float64 `json:"threshold"`                       // the model's, which is chosen on validation rows, never on these; for folds, the mean of theirs
	Pooled    float64 `json:"own_traffic_threshold,omitempty"` // threshold that all validation rows together would choose
	BaseRate  float64 `json:"base_rate"`                       // assumed share of malicious prompts, for the precision
	// Temperature was fitted on validation rows. It is 0 if there were none, or if no temperature is best.
	Temperature float64 `json:"temperature,omitempty"`
	// Seeds lists all trainings of the model; the first is the one that is used. It is empty if there was only one.
	Seeds []SeedFigures   `json:"seeds,omitempty"`
	Sets  map[string]*Set `json:"sets"` // OwnTraffic, NewSources, and "pool" for the mined rows, which the model has seen

	Basis     string   `json:"basis"`                // name of the set that verdicts are based on
	OwnCounts bool     `json:"own_counts,omitempty"` // a gain on own traffic counts, too
	Promise   *Promise `json:"promise,omitempty"`    // what the threshold promises for new sources
	Kept      *Kept    `json:"kept,omitempty"`       // how many new sources keep the FP rate limit
	Folds     int      `json:"folds,omitempty"`      // number of models that scored the rows: with folds, each scores the rows of its own fold
}

// The names of the sets that answer the two questions: how good is the model on the user's own traffic, and how good on new sources?
const (
	OwnTraffic = "test"   // held-out rows of the sources that were mined
	NewSources = "unseen" // rows of sources that contributed no row to training, mining or any choice
)

// Rests decides which set verdicts are based on: new sources if there are rows of both labels, else own traffic.
func (r *Report) Rests() {
	r.Basis = OwnTraffic
	if s := r.Sets[NewSources]; s != nil && s.Benign.Rows > 0 && s.Malicious.Rows > 0 {
		r.Basis = NewSources
	}
}

// SeedFigures is what the model of one seed measured, by set and metric ("fp_rate", "tp_rate", "f1_macro", "roc_auc").
type SeedFigures struct {
	Seed      int                           `json:"seed"`
	Threshold float64                       `json:"threshold"` // chosen on this seed's scores of the validation rows
	Sets      map[string]map[string]float64 `json:"sets"`
}

// Set is what was measured on one set of rows. A figure is null if it needs a class that has no rows.
type Set struct {
	Rows      int                        `json:"rows"`
	Data      string                     `json:"data"` // digest of the ids, labels and texts of the rows, in order
	Benign    Group                      `json:"benign"`
	Malicious Group                      `json:"malicious"`
	Confusion Confusion                  `json:"confusion"`
	FPRate    *Interval                  `json:"fp_rate"`
	Recall    *Interval                  `json:"tp_rate"`
	Precision *Interval                  `json:"precision"` // at these rows' own share of malicious rows
	AtBase    *float64                   `json:"precision_at_base_rate"`
	F1        map[string]float64         `json:"f1"` // keys "benign" and "malicious"
	F1Macro   *Interval                  `json:"f1_macro"`
	AUC       *Interval                  `json:"roc_auc"`
	PRAUC     *Interval                  `json:"pr_auc"`            // average precision
	RecallAt  map[string]*Interval       `json:"recall_at_fp_rate"` // at the threshold that has this FP rate on these rows
	Brier     float64                    `json:"brier"`
	ECE       float64                    `json:"ece"`       // expected calibration error, with 15 bins of equal width
	Intervals map[string]*Interval       `json:"intervals"` // 95% intervals of "ece", "brier", "f1_benign", "f1_malicious", "precision_at_base_rate"
	Bins      []Bin                      `json:"reliability"`
	Scaled    *Scaled                    `json:"scaled,omitempty"` // calibration at the report's temperature
	ROC       [][2]float64               `json:"roc"`              // points of FP rate and recall
	PR        [][2]float64               `json:"pr"`               // points of recall and precision
	Worst     *Slice                     `json:"worst_slice,omitempty"`
	WorstBy   map[string]*Slice          `json:"worst_slices,omitempty"` // by "fp_rate_by_language", "tp_rate_by_role", ...
	Cut       Cut                        `json:"cut"`
	Slices    map[string]map[string]Pair `json:"slices"`                        // "source", "length", "language", "role", "channel" -> value
	Histogram map[string][]int           `json:"histogram"`                     // numbers of benign and malicious rows by threat score, 50 bins
	Quantiles []float64                  `json:"malicious_quantiles,omitempty"` // evenly spaced quantiles of the malicious rows' threat scores, lowest first

	Draws *Draws `json:"draws,omitempty"` // nil unless the set has rows of both labels

	benign, malicious []float64
	ranked            [2][]ranked
	sources           map[string]int32
}

// Cut counts rows that are longer than what the model reads, so that it read only a part of them.
type Cut struct {
	Rows  int    `json:"rows"`
	Units int64  `json:"units"`          // total number of units that were not read
	Unit  string `json:"unit,omitempty"` // "tokens" or "bytes"
}

// Add counts a row of which the given number of units was not read.
func (c *Cut) Add(units int, unit string) {
	if units > 0 {
		c.Rows, c.Units, c.Unit = c.Rows+1, c.Units+int64(units), unit
	}
}

// String describes what was not read.
func (c Cut) String() string {
	if c.Rows == 0 {
		return "all rows are read whole"
	}
	if c.Rows == 1 {
		return fmt.Sprintf("1 row is longer than the model reads: %d %s of it are not read", c.Units, c.Unit)
	}
	return fmt.Sprintf("%d rows are longer than the model reads: %d %s of them are not read", c.Rows, c.Units, c.Unit)
}

// Scaled is the calibration of the scores after temperature scaling.
type Scaled struct {
	Brier float64 `json:"brier"`
	ECE   float64 `json:"ece"`
	Bins  []Bin   `json:"reliability"`
}

// Group counts the rows of one label, or a part of them, and how many of these were flagged.
type Group struct {
	Rows       int               `json:"rows"`
	Flagged    int               `json:"flagged"`
	Rate       *Interval         `json:"rate"` // FP rate of benign rows, or recall of malicious rows
	Categories map[string]*Group `json:"categories,omitempty"`
}

// Pair holds the benign and the malicious rows of a slice.
type Pair struct {
	Benign    *Group `json:"benign"`
	Malicious *Group `json:"malicious"`
}

// Bin is one bin of the reliability diagram: the mean score and the share of malicious rows.
type Bin struct {
	Rows  int     `json:"rows"`
	Score float64 `json:"score"`
	Share float64 `json:"share"`
}

// Observation is one scored row.
type Observation struct {
	Malicious bool
	Flagged   bool
	Threat    float64
	Category  string
	Slices    map[string]string // "source", "length", ... -> value
}

const (
	calibrationBins = 15
	histogramBins   = 50
	curvePoints     = 400 // largest number of points of a curve
	none            = "(none)"
)

// The keys of Set.Histogram and Set.F1.
const (
	BenignKey    = "benign"
	MaliciousKey = "malicious"
)

// OperatingPoints lists the FP rates, in percent, at which recall is reported.
var OperatingPoints = []struct {
	Name string
	Rate float64
}{{"0.1", 0.001}, {"0.5", 0.005}, {"1", 0.01}, {"2", 0.02}}

// NewSet returns an empty set. Call Add for each row, then Finish.
func NewSet() *Set {
	return &Set{sources: map[string]int32{}, Benign: Group{Categories: map[string]*Group{}}, Malicious: Group{Categories: map[string]*Group{}}, Slices: map[string]map[string]Pair{},
		Bins: make([]Bin, calibrationBins), RecallAt: map[string]*Interval{}, F1: map[string]float64{},
		Histogram: map[string][]int{BenignKey: make([]int, histogramBins), MaliciousKey: make([]int, histogramBins)}}
}

// Add counts a row.
func (s *Set) Add(o Observation) {
	s.Rows++
	s.Confusion.Add(o.Malicious, o.Flagged)
	group, target, key, label := &s.Benign, 0.0, BenignKey, 0
	if o.Malicious {
		group, target, key, label = &s.Malicious, 1, MaliciousKey, 1
		s.malicious = append(s.malicious, o.Threat)
	} else {
		s.benign = append(s.benign, o.Threat)
	}
	s.ranked[label] = append(s.ranked[label], ranked{o.Threat, s.source(o.Slices["source"]), int32(len(s.ranked[label])), o.Flagged})
	group.add(o.Flagged)
	category := cmp.Or(o.Category, none)
	if group.Categories[category] == nil {
		group.Categories[category] = &Group{}
	}
	group.Categories[category].add(o.Flagged)
	for by, value := range o.Slices {
		s.slice(by, cmp.Or(value, none), o.Malicious).add(o.Flagged)
	}
	s.Brier += (o.Threat - target) * (o.Threat - target)
	b := &s.Bins[calibrationBin(o.Threat)]
	b.Rows, b.Score, b.Share = b.Rows+1, b.Score+o.Threat, b.Share+target
	s.Histogram[key][min(int(o.Threat*histogramBins), histogramBins-1)]++
}

// source returns the number of a source. New sources get the next number.
func (s *Set) source(name string) int32 {
	n, ok := s.sources[name]
	if !ok {
		n = int32(len(s.sources))
		s.sources[name] = n
	}
	return n
}

// calibrationBin returns the bin of a score. As in scikit-learn, a bin includes its upper edge.
func calibrationBin(v float64) int {
	const width = 1.0 / calibrationBins
	i := 0
	for i < calibrationBins-1 && v > float64(i+1)*width {
		i++
	}
	return i
}

func (s *Set) slice(by, value string, malicious bool) *Group {
	if s.Slices[by] == nil {
		s.Slices[by] = map[string]Pair{}
	}
	p, ok := s.Slices[by][value]
	if !ok {
		p = Pair{&Group{}, &Group{}}
		s.Slices[by][value] = p
	}
	if malicious {
		return p.Malicious
	}
	return p.Benign
}

func (g *Group) add(flagged bool) {
	if g.Rows++; flagged {
		g.Flagged++
	}
}

// Finish computes the figures from the rows. The bootstrap uses seed.
func (s *Set) Finish(baseRate float64, resamples int, seed uint64) {
	if s.Rows == 0 {
		return
	}
	c := s.Confusion
	s.FPRate, s.Recall, s.Precision = finite(c.FPRate()), finite(c.Recall()), finite(c.Precision())
	s.calibrate()
	for _, g := range []*Group{&s.Benign, &s.Malicious} {
		g.rate()
		for _, sub := range g.Categories {
			sub.rate()
		}
	}
	for _, values := range s.Slices {
		for _, p := range values {
			p.Benign.rate()
			p.Malicious.rate()
		}
	}
	if len(s.benign) == 0 || len(s.malicious) == 0 {
		return
	}
	s.F1[MaliciousKey], s.F1[BenignKey], _ = c.F1()
	s.F1Macro = finite(c.F1Macro(resamples, seed))
	s.AUC = finite(AUCInterval(s.malicious, s.benign))
	slices.Sort(s.benign)
	slices.Sort(s.malicious)
	s.Quantiles = quantiles(s.malicious)
	s.PRAUC = finite(AveragePrecisionInterval(s.malicious, s.benign, resamples, seed))
	if p := c.PrecisionAt(baseRate); !math.IsNaN(p) {
		s.AtBase = &p
	}
	s.intervals(baseRate, resamples, seed)
	for _, p := range OperatingPoints {
		s.RecallAt[p.Name] = finite(RecallAt(s.malicious, s.benign, p.Rate))
	}
	s.ROC, s.PR = curves(s.benign, s.malicious)
	s.Draws = newDrawer(s.ranked, len(s.sources), seed).all()
}

// intervals computes the intervals for which there is no formula.
func (s *Set) intervals(baseRate float64, resamples int, seed uint64) {
	brier, ece := calibrationIntervals(s.benign, s.malicious, s.Brier, s.ECE, resamples, seed)
	malicious, benign, precision := s.Confusion.decisionIntervals(baseRate, resamples, seed)
	s.Intervals = map[string]*Interval{"brier": finite(brier), "ece": finite(ece), "f1_malicious": finite(malicious), "f1_benign": finite(benign)}
	if s.AtBase != nil {
		s.Intervals["precision_at_base_rate"] = finite(precision)
	}
}

// Rescale computes the calibration at temperature t. The decisions stay the same.
func (s *Set) Rescale(t float64) {
	if s.Rows == 0 {
		return
	}
	at := NewSet()
	for _, v := range s.malicious {
		at.Add(Observation{Malicious: true, Threat: Scale(v, t)})
	}
	for _, v := range s.benign {
		at.Add(Observation{Threat: Scale(v, t)})
	}
	at.calibrate()
	s.Scaled = &Scaled{at.Brier, at.ECE, at.Bins}
}

func (s *Set) calibrate() {
	s.Brier /= float64(s.Rows)
	for i := range s.Bins {
		if b := &s.Bins[i]; b.Rows > 0 {
			n := float64(b.Rows)
			b.Score, b.Share = b.Score/n, b.Share/n
			s.ECE += n / float64(s.Rows) * math.Abs(b.Score-b.Share)
		}
	}
}

func (g *Group) rate() { g.Rate = finite(Wilson(g.Flagged, g.Rows)) }

// finite returns nil for an interval with a NaN, because JSON can't express NaN.
func finite(i Interval) *Interval {
	if math.IsNaN(i.Value) || math.IsNaN(i.Low) || math.IsNaN(i.High) {
		return nil
	}
	return &i
}

// quantilePoints is the number of steps between the quantiles that a set keeps.
const quantilePoints = 400

// quantiles picks evenly spaced values from sorted values, including the first and the last.
func quantiles(sorted []float64) []float64 {
	n := min(quantilePoints, len(sorted)-1)
	if n < 1 {
		return slices.Clone(sorted)
	}
	out := make([]float64, n+1)
	for i := range out {
		out[i] = sorted[i*(len(sorted)-1)/n]
	}
	return out
}

// RecallOver returns the recall at a threshold, as precisely as the set's quantiles allow. It is NaN if the set has none.
func (s *Set) RecallOver(threshold float64) float64 {
	if len(s.Quantiles) == 0 {
		return math.NaN()
	}
	under, _ := slices.BinarySearch(s.Quantiles, threshold)
	return float64(len(s.Quantiles)-under) / float64(len(s.Quantiles))
}
