package train

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"rein/steps/stats"
)

// grid holds FP rates that thresholds are chosen for on validation rows; one of them is 1%.
var grid = func() (out []float64) {
	for i := -60; i <= 42; i++ {
		out = append(out, 0.01*math.Pow(1.05, float64(i)))
	}
	return out
}()

const onePercent = 60 // in the grid

// outcome is a model on sources that it wasn't trained on.
type outcome struct {
	auc     []float64 // by fold
	sources map[string]*tally
}

// tally is a source's rows by label (0: benign), and those that are flagged at the thresholds of the grid, and at each fold's own 1%.
type tally struct {
	rows, own [2]int
	flagged   [2][]int
}

func (o *outcome) add(f foldRows, scores, validation []float32) {
	if o.sources == nil {
		o.sources = map[string]*tally{}
	}
	o.auc = append(o.auc, auc(scores, f.test.benign))
	cuts := cutsFor(validation, f.validation.benign, grid)
	own := cutsFor(scores, f.test.benign, []float64{0.01})[0]
	for i, s := range scores {
		label := 1
		if f.test.benign(i) {
			label = 0
		}
		c := o.sources[f.rows[i].Source]
		if c == nil {
			c = &tally{flagged: [2][]int{make([]int, len(grid)), make([]int, len(grid))}}
			o.sources[f.rows[i].Source] = c
		}
		c.rows[label]++
		if float64(s) >= own {
			c.own[label]++
		}
		for q, cut := range cuts {
			if float64(s) >= cut {
				c.flagged[label][q]++
			}
		}
	}
}

// cutsFor returns the thresholds that flag at most the given shares of the benign rows.
func cutsFor(scores []float32, benign func(int) bool, rates []float64) (cuts []float64) {
	var all []float64
	for i, s := range scores {
		if benign(i) {
			all = append(all, float64(s))
		}
	}
	slices.Sort(all)
	for _, r := range rates {
		cuts = append(cuts, stats.ThresholdFor(all, r))
	}
	return cuts
}

// share is the share of a label's rows that are flagged, over sources of which each counts as often as weights say.
func (o *outcome) share(label int, flagged func(*tally) int, weights map[string]int) float64 {
	var n, hits int
	for source, t := range o.sources {
		n, hits = n+weights[source]*t.rows[label], hits+weights[source]*flagged(t)
	}
	return float64(hits) / float64(n)
}

// at is the FP rate and the recall at thresholds of the grid.
func (o *outcome) at(q int, weights map[string]int) (fp, recall float64) {
	return o.share(0, func(t *tally) int { return t.flagged[0][q] }, weights), o.share(1, func(t *tally) int { return t.flagged[1][q] }, weights)
}

// recall returns the recall at the threshold of the grid that has the given FP rate on the unseen sources.
func (o *outcome) recall(rate float64, weights map[string]int) float64 {
	q := sort.Search(len(grid), func(q int) bool { fp, _ := o.at(q, weights); return fp > rate })
	_, tp := o.at(max(q-1, 0), weights)
	return tp
}

func (o *outcome) own(weights map[string]int) float64 {
	return o.share(1, func(t *tally) int { return t.own[1] }, weights)
}

// once counts each source once.
func (o *outcome) once() map[string]int {
	w := map[string]int{}
	for s := range o.sources {
		w[s] = 1
	}
	return w
}

// rates are the FP rates on unseen sources that models are compared at.
var rates = []float64{0.005, 0.01, 0.02, 0.03}

// over is a figure's mean over a model's trainings, and its range.
func over(all []outcome, figure func(*outcome) float64) string {
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	for i := range all {
		v := 100 * figure(&all[i])
		low, high, sum = min(low, v), max(high, v), sum+v
	}
	if len(all) == 1 {
		return fmt.Sprintf("%.1f%%", sum)
	}
	return fmt.Sprintf("%.1f%% (%.1f-%.1f)", sum/float64(len(all)), low, high)
}

// report logs a model's figures.
func report(t *testing.T, name string, all []outcome) {
	t.Helper()
	once := all[0].once()
	t.Logf("%s: mean AUC %s; with 1%% FP rate on validation rows: FP rate %s, recall %s; recall at 1%% of each fold's own benign rows %s", name,
		over(all, func(o *outcome) float64 { return mean(o.auc) }),
		over(all, func(o *outcome) float64 { fp, _ := o.at(onePercent, once); return fp }),
		over(all, func(o *outcome) float64 { _, tp := o.at(onePercent, once); return tp }),
		over(all, func(o *outcome) float64 { return o.own(once) }))
	for _, r := range rates {
		t.Logf("%s: recall at %.1f%% FP rate, thresholds from validation rows: %s", name, 100*r, over(all, func(o *outcome) float64 { return o.recall(r, once) }))
	}
}

func mean(v []float64) (m float64) {
	for _, x := range v {
		m += x / float64(len(v))
	}
	return m
}

// contrast logs the difference of two models' recall, each the mean over its trainings, with an interval from drawing sources again.
func contrast(t *testing.T, name string, a, b []outcome) {
	t.Helper()
	figures := map[string]func(*outcome, map[string]int) float64{"1% of each fold's own benign rows": (*outcome).own}
	for _, r := range rates {
		figures[fmt.Sprintf("%.1f%% FP rate", 100*r)] = func(o *outcome, w map[string]int) float64 { return o.recall(r, w) }
	}
	names := slices.Sorted(maps.Keys(a[0].sources))
	for at, figure := range figures {
		difference := func(w map[string]int) (d float64) {
			for i := range a {
				d += 100 * figure(&a[i], w) / float64(len(a))
			}
			for i := range b {
				d -= 100 * figure(&b[i], w) / float64(len(b))
			}
			return d
		}
		rng := rand.New(rand.NewPCG(1, 1))
		draws := make([]float64, 2000)
		for i := range draws {
			w := map[string]int{}
			for range names {
				w[names[rng.IntN(len(names))]]++
			}
			draws[i] = difference(w)
		}
		slices.Sort(draws)
		t.Logf("recall at %s: %s %+.1f points (95%% interval over sources %+.1f to %+.1f)", at, name, difference(a[0].once()), draws[49], draws[1949])
	}
}
