package train

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// figures are what arms are compared by.
type figures struct{ auc, half, one, two float64 }

// ranked is an arm's rows by falling logit, for figures over sources that count several times.
type ranked struct {
	*arm
	order []int
}

func (a *arm) ranked() ranked {
	r := ranked{a, make([]int, len(a.logits))}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortStableFunc(r.order, func(i, j int) int { return cmp.Compare(a.logits[j], a.logits[i]) })
	return r
}

// figures are the AUC over all rows, and recall where 0.5, 1 and 2% of the benign ones are flagged; sources count as weights say.
func (r ranked) figures(weights map[string]float64) figures {
	var n, over [2]float64
	for i, source := range r.source {
		n[kindOf(r.benign[i])] += weights[source]
	}
	var f figures
	var area float64
	for at := 0; at < len(r.order); {
		var tied [2]float64 // rows of one logit are flagged together
		for v := r.logits[r.order[at]]; at < len(r.order) && r.logits[r.order[at]] == v; at++ {
			i := r.order[at]
			tied[kindOf(r.benign[i])] += weights[r.source[i]]
		}
		area += tied[0] * (over[1] + tied[1]/2)
		over[0], over[1] = over[0]+tied[0], over[1]+tied[1]
		for _, to := range []struct {
			rate   float64
			recall *float64
		}{{0.005, &f.half}, {0.01, &f.one}, {0.02, &f.two}} {
			if over[0] <= to.rate*n[0]+1e-9 {
				*to.recall = over[1] / n[1]
			}
		}
	}
	f.auc = area / n[0] / n[1]
	return f
}

// weights count each source of some halves once.
func (x *transfer) weights(halves ...int) map[string]float64 {
	out := map[string]float64{}
	for source, h := range x.half {
		if slices.Contains(halves, h) {
			out[source] = 1
		}
	}
	return out
}

// best is the arm with the highest recall at 1% on the first half of the sources.
func (x *transfer) best(names ...string) string {
	return slices.MaxFunc(names, func(a, b string) int {
		return cmp.Compare(x.arms[a].ranked().figures(x.weights(0)).one, x.arms[b].ranked().figures(x.weights(0)).one)
	})
}

func (x *transfer) report(t *testing.T) {
	t.Helper()
	var mixes []string
	for _, alpha := range alphas {
		mixes = append(mixes, wise(alpha))
	}
	chosen := []string{x.best(mixes...)}
	for _, of := range []string{"probe", "fine-tuned", "LP-FT", chosen[0]} {
		var means []string
		for _, w := range []float64{0.25, 0.5, 0.75} {
			name := fmt.Sprintf("mean of n-grams and %s, %.2f", of, w)
			x.arms[name] = x.arms["n-grams"].mean(x.arms[of], w)
			means = append(means, name)
		}
		chosen = append(chosen, x.best(means...))
	}
	t.Logf("chosen on the first half: %q", chosen)
	for _, name := range slices.Sorted(maps.Keys(x.arms)) {
		mean := 0.0
		for k := range folds {
			mean += x.arms[name].foldAUC(k) / folds
		}
		r := x.arms[name].ranked()
		both, first, second := r.figures(x.weights(0, 1)), r.figures(x.weights(0)), r.figures(x.weights(1))
		t.Logf("%-40s AUC %.3f (mean of folds %.3f), recall at 0.5/1/2%% %.1f / %.1f / %.1f%%; first half AUC %.3f, at 1%% %.1f%%; second half AUC %.3f, at 1%% %.1f%%",
			name, both.auc, mean, 100*both.half, 100*both.one, 100*both.two, first.auc, 100*first.one, second.auc, 100*second.one)
	}
	pairs := [][2]string{{"fine-tuned", "n-grams, same rows"}, {"LP-FT", "n-grams, same rows"}, {"LP-FT", "fine-tuned"}, {chosen[0], "LP-FT"}, {"n-grams, same rows", "n-grams"}}
	for _, name := range append([]string{"probe", "fine-tuned", "LP-FT"}, chosen...) {
		pairs = append(pairs, [2]string{name, "n-grams"})
	}
	for _, p := range pairs {
		for i, halves := range [][]int{{0, 1}, {0}, {1}} {
			area, one := x.difference(x.arms[p[0]].ranked(), x.arms[p[1]].ranked(), halves)
			t.Logf("%s - %s, %s: AUC %s, recall at 1%% %s", p[0], p[1], []string{"both halves", "first half", "second half"}[i], area, one)
		}
	}
}

// difference is a's AUC and recall at 1% against b's, with 95% intervals from drawing sources again.
func (x *transfer) difference(a, b ranked, halves []int) (area, one string) {
	names := slices.Sorted(maps.Keys(x.weights(halves...)))
	of := func(w map[string]float64) (float64, float64) {
		f, g := a.figures(w), b.figures(w)
		return f.auc - g.auc, 100 * (f.one - g.one)
	}
	var draws [2][]float64
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		w := map[string]float64{}
		for range names {
			w[names[rng.IntN(len(names))]]++
		}
		d, e := of(w)
		draws[0], draws[1] = append(draws[0], d), append(draws[1], e)
	}
	for i := range draws {
		slices.Sort(draws[i])
	}
	d, e := of(x.weights(halves...))
	return fmt.Sprintf("%+.3f (%+.3f to %+.3f)", d, draws[0][24], draws[0][974]), fmt.Sprintf("%+.1f (%+.1f to %+.1f)", e, draws[1][24], draws[1][974])
}
