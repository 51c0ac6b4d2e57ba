package evaluate

import (
	"cmp"
	"math"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// Report is the step's report.
type Report struct {
	Threshold float64         `json:"threshold"` // the model's: chosen on validation rows, never here
	Sets      map[string]*Set `json:"sets"`      // "test", "unseen", and "pool", which was mined: seen
}

// Set is what was measured on one set of rows. A figure that needs a class which isn't there is null.
type Set struct {
	Rows      int                        `json:"rows"`
	Benign    Group                      `json:"benign"`
	Malicious Group                      `json:"malicious"`
	Confusion stats.Confusion            `json:"confusion"`
	FPRate    *stats.Interval            `json:"fp_rate"`
	Recall    *stats.Interval            `json:"tp_rate"`
	F1Macro   *stats.Interval            `json:"f1_macro"`
	AUC       *stats.Interval            `json:"roc_auc"`
	Precision *float64                   `json:"precision_at_base_rate"`
	RecallAt  map[string]*stats.Interval `json:"recall_at_fp_rate"` // of the threshold that has this FP rate on these rows
	Brier     float64                    `json:"brier"`
	ECE       float64                    `json:"ece"` // expected calibration error, 15 bins of equal width
	Bins      []Bin                      `json:"reliability"`
	ROC       [][2]float64               `json:"roc"` // FP rate, recall
	Sources   map[string]*Group          `json:"sources"`
	Histogram map[string][]int           `json:"histogram"` // threat scores of benign and malicious rows, 50 bins

	benign, malicious []float64
}

// Group is a part of the rows of one label: how many, and how many were flagged.
type Group struct {
	Rows       int               `json:"rows"`
	Flagged    int               `json:"flagged"`
	Rate       *stats.Interval   `json:"rate"` // FP rate of benign rows, recall of malicious ones
	Categories map[string]*Group `json:"categories,omitempty"`
}

// Bin is a bin of the reliability diagram: mean score and share of malicious rows.
type Bin struct {
	Rows  int     `json:"rows"`
	Score float64 `json:"score"`
	Share float64 `json:"share"`
}

const (
	calibrationBins = 15
	histogramBins   = 50
	rocPoints       = 400 // at most
	resamples       = 2000
)

// operatingPoints are the FP rates at which recall is reported.
var operatingPoints = []struct {
	name string
	rate float64
}{{"0.1%", 0.001}, {"0.5%", 0.005}, {"1%", 0.01}, {"2%", 0.02}}

func newSet() *Set {
	return &Set{Benign: Group{Categories: map[string]*Group{}}, Malicious: Group{Categories: map[string]*Group{}}, Sources: map[string]*Group{},
		Bins: make([]Bin, calibrationBins), RecallAt: map[string]*stats.Interval{},
		Histogram: map[string][]int{artifact.Benign: make([]int, histogramBins), artifact.Malicious: make([]int, histogramBins)}}
}

func (g *Group) add(flagged bool) {
	if g.Rows++; flagged {
		g.Flagged++
	}
}

func (s *Set) add(r artifact.Row, threat float64, flagged bool) {
	s.Rows++
	malicious := r.Label == artifact.Malicious
	s.Confusion.Add(malicious, flagged)
	group, target := &s.Benign, 0.0
	if malicious {
		group, target = &s.Malicious, 1
		s.malicious = append(s.malicious, threat)
	} else {
		s.benign = append(s.benign, threat)
	}
	group.add(flagged)
	part(group.Categories, cmp.Or(r.Category, "(none)")).add(flagged)
	part(s.Sources, r.Label+" "+cmp.Or(r.Source, "(none)")).add(flagged)
	s.Brier += (threat - target) * (threat - target)
	b := &s.Bins[min(int(threat*calibrationBins), calibrationBins-1)]
	b.Rows, b.Score, b.Share = b.Rows+1, b.Score+threat, b.Share+target
	s.Histogram[r.Label][min(int(threat*histogramBins), histogramBins-1)]++
}

func part(m map[string]*Group, name string) *Group {
	if m[name] == nil {
		m[name] = &Group{}
	}
	return m[name]
}

// finish turns counts into figures.
func (s *Set) finish(c Config) {
	if s.Rows == 0 {
		return
	}
	s.FPRate, s.Recall = finite(s.Confusion.FPRate()), finite(s.Confusion.Recall())
	s.Brier /= float64(s.Rows)
	for i := range s.Bins {
		if b := &s.Bins[i]; b.Rows > 0 {
			n := float64(b.Rows)
			b.Score, b.Share = b.Score/n, b.Share/n
			s.ECE += n / float64(s.Rows) * math.Abs(b.Score-b.Share)
		}
	}
	for _, g := range []*Group{&s.Benign, &s.Malicious} {
		g.rate()
		for _, sub := range g.Categories {
			sub.rate()
		}
	}
	for _, g := range s.Sources {
		g.rate()
	}
	if len(s.benign) == 0 || len(s.malicious) == 0 {
		return
	}
	s.F1Macro = finite(s.Confusion.F1Macro(resamples, uint64(c.Seed)))
	s.AUC = finite(stats.AUCInterval(s.malicious, s.benign))
	if p := s.Confusion.PrecisionAt(c.BaseRate); !math.IsNaN(p) {
		s.Precision = &p
	}
	slices.Sort(s.benign)
	slices.Sort(s.malicious)
	for _, p := range operatingPoints {
		at := thresholdFor(s.benign, p.rate)
		s.RecallAt[p.name] = finite(stats.Wilson(atOrOver(s.malicious, at), len(s.malicious)))
	}
	s.ROC = roc(s.benign, s.malicious)
}

func (g *Group) rate() { g.Rate = finite(stats.Wilson(g.Flagged, g.Rows)) }

// thresholdFor is the lowest threshold at which at most a share of the sorted benign scores is flagged.
func thresholdFor(benign []float64, rate float64) float64 {
	allowed := int(rate * float64(len(benign)))
	last := benign[len(benign)-1-allowed] // not flagged any more
	return math.Nextafter(last, 2)
}

// atOrOver counts the sorted scores at or over a threshold.
func atOrOver(sorted []float64, threshold float64) int {
	i, _ := slices.BinarySearch(sorted, threshold)
	return len(sorted) - i
}

// roc is the ROC curve of sorted scores, thinned out to a few hundred points, more of them at low FP rates.
func roc(benign, malicious []float64) [][2]float64 {
	out := [][2]float64{{0, 0}}
	for i := 1; i <= rocPoints; i++ {
		share := math.Pow(float64(i)/rocPoints, 3)
		at := thresholdFor(benign, math.Min(share, 1-1/float64(len(benign))))
		p := [2]float64{float64(atOrOver(benign, at)) / float64(len(benign)), float64(atOrOver(malicious, at)) / float64(len(malicious))}
		if p != out[len(out)-1] {
			out = append(out, p)
		}
	}
	return append(out, [2]float64{1, 1})
}

// metrics records the figures that the matrix and the gates use.
func (r *Report) metrics(env *steps.Env) {
	put := func(name string, i *stats.Interval) {
		if i != nil {
			env.Metric(name, i.Value)
			env.Metric(name+"_low", i.Low)
			env.Metric(name+"_high", i.High)
		}
	}
	for _, set := range []struct{ name, prefix string }{{"test", ""}, {"unseen", "unseen_"}} {
		s := r.Sets[set.name]
		if s == nil {
			continue
		}
		put(set.prefix+"fp_rate", s.FPRate)
		put(set.prefix+"tp_rate", s.Recall)
		put(set.prefix+"f1_macro", s.F1Macro)
		put(set.prefix+"roc_auc", s.AUC)
		env.Metric(set.prefix+"fp_count", float64(s.Confusion.FP))
		env.Metric(set.prefix+"ece", s.ECE)
		env.Metric(set.prefix+"benign_rows", float64(s.Benign.Rows))
		env.Metric(set.prefix+"malicious_rows", float64(s.Malicious.Rows))
		for _, p := range operatingPoints {
			put(set.prefix+"recall_at_fp_"+p.name[:len(p.name)-1], s.RecallAt[p.name])
		}
	}
	if s := r.Sets["pool"]; s != nil && s.FPRate != nil {
		put("seen_pool_fp_rate", s.FPRate)
	}
	env.Metric("threshold", r.Threshold)
}
