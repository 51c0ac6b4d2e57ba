package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// simulated is a design with known effects: two variables, of which the first changes the rate by effect a level and the second
// doesn't; rows are drawn once and shared by all points, as a test set is.
func simulated(r *rand.Rand, rows int, effect float64, clusters int) design {
	d := design{levels: [][]string{{"4", "6", "8"}, {"0.4", "0.6"}}}
	hard := make([]float64, rows)
	if clusters > 0 {
		d.clusters = make([]int, rows)
	}
	shift := make([]float64, max(clusters, 1))
	for i := range shift {
		shift[i] = 0.05 * r.NormFloat64()
	}
	for i := range hard {
		hard[i] = r.Float64()
		if clusters > 0 {
			d.clusters[i] = i % clusters
		}
	}
	for a := range 3 {
		for b := range 2 {
			out := make([]float64, rows)
			for i, h := range hard {
				rate := 0.5 + effect*float64(a)
				if clusters > 0 {
					rate += shift[d.clusters[i]] * float64(a)
				}
				if h+0.05*r.NormFloat64() < rate {
					out[i] = 1
				}
			}
			d.points, d.outcomes = append(d.points, []int{a, b}), append(d.outcomes, out)
		}
	}
	return d
}

// The intervals cover what is true, and a value is called worse where it isn't in at most one of twenty sweeps.
func TestSweepIntervalsCover(t *testing.T) {
	for name, c := range map[string]struct{ clusters, rows int }{"rows": {0, 1500}, "sources": {25, 1500}} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			const trials = 400
			covered, wrong, found := 0, 0, 0
			for range trials {
				d := simulated(r, c.rows, 0.04, c.clusters)
				// The true difference of the first level from the last is twice the effect.
				f := d.estimate(minus(d.mean(func(p []int) bool { return p[0] == 0 }), d.mean(func(p []int) bool { return p[0] == 2 })), 1)
				if *f.Low <= -0.08 && -0.08 <= *f.High {
					covered++
				}
				e := d.effect(0, "variations", Decisive)
				if e.Levels[0].Conclusion == Worse {
					found++
				}
				if e := d.effect(1, "coverage", Decisive); e.Levels[0].Conclusion == Worse || e.Levels[1].Conclusion == Worse {
					wrong++
				}
			}
			if share := float64(covered) / trials; share < 0.92 {
				t.Errorf("the interval covers the difference in %.1f%% of %d sweeps", 100*share, trials)
			}
			if share := float64(wrong) / trials; share > 0.05+2*math.Sqrt(0.05*0.95/trials) {
				t.Errorf("a value without effect is called worse in %.1f%% of %d sweeps", 100*share, trials)
			}
			if found < trials/2 {
				t.Errorf("an effect of 8 points is shown in %d of %d sweeps only", found, trials)
			}
		})
	}
}

// Of values that are all alike, one is the best by chance; another one is called worse in at most one of twenty sweeps all the same,
// also where each point is measured with several seeds.
func TestEqualValuesAreRarelyCalledWorse(t *testing.T) {
	for name, c := range map[string]struct{ clusters, seeds int }{"rows": {0, 1}, "sources": {20, 1}, "rows and seeds": {0, 4}} {
		r := rand.New(rand.NewPCG(31, 32))
		const trials, values, rows = 400, 5, 400
		wrong := 0
		for range trials {
			d := design{levels: [][]string{{"1", "2", "3", "4", "5"}}}
			for v := range values {
				d.points, d.outcomes = append(d.points, []int{v}), append(d.outcomes, nil)
			}
			for seed := range c.seeds {
				var shift [values]float64 // of a seed's model
				for v := range shift {
					if c.seeds > 1 {
						shift[v] = 0.03 * r.NormFloat64()
					}
				}
				for row := range rows {
					hard := r.Float64()
					for v := range values {
						out := 0.0
						if hard+0.2*r.NormFloat64() < 0.5+shift[v] {
							out = 1
						}
						d.outcomes[v] = append(d.outcomes[v], out)
					}
					if c.clusters > 0 {
						d.clusters = append(d.clusters, row%c.clusters)
					}
					if c.seeds > 1 {
						d.seeds = append(d.seeds, seed)
					}
				}
			}
			for _, l := range d.effect(0, "n", Decisive).Levels {
				if l.Conclusion == Worse {
					wrong++
					break
				}
			}
		}
		if share := float64(wrong) / trials; share > 0.05+2*math.Sqrt(0.05*0.95/trials) {
			t.Errorf("%s: of five equal values one is called worse in %.1f%% of %d sweeps", name, 100*share, trials)
		}
	}
}

func TestSweepInteractions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	d := simulated(r, 4000, 0.05, 0)
	if f, ok := d.interaction(0, 1, 1); !ok || *f.Low > 0 || *f.High < 0 {
		t.Errorf("there is no interaction, and %+v is said", f)
	}
	for i, p := range d.points { // the second variable takes the first one's effect back
		if p[1] == 1 {
			j := slices.IndexFunc(d.points, func(q []int) bool { return q[0] == 0 && q[1] == 1 })
			d.outcomes[i] = d.outcomes[j]
		}
	}
	if f, ok := d.interaction(0, 1, 1); !ok || *f.High >= 0 {
		t.Errorf("the effect is gone at the second's last value, and %+v is said", f)
	}
	d.points = d.points[:len(d.points)-1] // a design without the last corner
	d.outcomes = d.outcomes[:len(d.points)]
	if _, ok := d.interaction(0, 1, 1); ok {
		t.Error("an interaction is told without the points for it")
	}
}

func TestSweepDropsWhatIsWorse(t *testing.T) {
	s := Sweep{Of: "hybrid", Variables: []string{"variations", "coverage"}, Points: map[string][]string{}}
	d := simulated(rand.New(rand.NewPCG(5, 6)), 4000, 0.05, 0)
	for _, p := range d.points {
		v := []string{d.levels[0][p[0]], d.levels[1][p[1]]}
		s.Points["variations="+v[0]+" coverage="+v[1]] = v
	}
	s.effects(d, "own_"+Decisive)
	s.dropWorse("own_" + Decisive)
	if len(s.Effects) != 2 || s.Effects[0].Best != "8" || len(s.Dropped) != 4 {
		t.Errorf("%+v, dropped %q", s.Effects, s.Dropped)
	}
}

func TestSweepSeparatesClusters(t *testing.T) {
	d := simulated(rand.New(rand.NewPCG(7, 8)), 3000, 0, 12)
	over := d.estimate(minus(d.outcomes[4], d.outcomes[0]), 1)
	d.clusters = nil
	rows := d.estimate(minus(d.outcomes[4], d.outcomes[0]), 1)
	if *over.High-*over.Low <= *rows.High-*rows.Low {
		t.Errorf("sources differ, and the interval over them, %+v, is no wider than that over rows, %+v", over, rows)
	}
}

// A value of a single point has the figure of that point's column, interval and all; one of several points has their mean.
func TestAValueOfOnePointHasItsFigure(t *testing.T) {
	own := Figure{Value: 0.288, Low: limit(0.085), High: limit(0.341)}
	mean := Figure{Value: 0.288, Low: limit(0.242), High: limit(0.333)}
	strategy := func(name string) *Strategy {
		return &Strategy{Name: name, Measured: map[string]Figure{"own_fp_rate": own}}
	}
	r := &Result{Strategies: []*Strategy{strategy("a"), strategy("b"), strategy("c")}}
	s := &Sweep{Variables: []string{"n", "m"}, Points: map[string][]string{"a": {"2", "x"}, "b": {"4", "x"}, "c": {"4", "x"}},
		Effects: []Effect{{Variable: "n", Metric: "own_fp_rate", Levels: []Level{{Value: "2", Figure: mean}, {Value: "4", Figure: mean}}}}}
	r.asMeasured(s)
	if one, two := s.Effects[0].Levels[0].Figure, s.Effects[0].Levels[1].Figure; *one.Low != 0.085 || *two.Low != 0.242 {
		t.Errorf("%v of one point, %v of two", *one.Low, *two.Low)
	}
}
