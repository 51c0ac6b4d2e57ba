package ngram

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// labelled returns a corpus of random rows. Their ids predict the label, except for some noise.
func labelled(cfg Config, rows int, seed uint64) (*Corpus, Fit) {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := &Corpus{starts: []int64{0}}
	malicious, weights := make([]bool, rows), make([]float32, rows)
	for i := range rows {
		malicious[i], weights[i] = rng.IntN(3) == 0, 0.5+rng.Float32()
		seen := map[int32]bool{}
		for range 2 + rng.IntN(5) {
			id := 1 + rng.Int32N(int32(cfg.Buckets-1))
			if malicious[i] && rng.IntN(2) == 0 {
				id = 1 + id%8
			}
			seen[id] = true
		}
		for id := range int32(cfg.Buckets) {
			if seen[id] {
				c.ids = append(c.ids, id)
			}
		}
		c.starts = append(c.starts, int64(len(c.ids)))
	}
	return c, Fit{Malicious: func(i int) bool { return malicious[i] }, Weights: weights, Scale: 1, Seed: 3}
}

func fitted(t *testing.T, c *Corpus, f Fit, from *Linear) *Model {
	t.Helper()
	m := NewModel(small, 2, 1)
	m.Weigh(c)
	if from != nil {
		m.Linear = from.scaled(1)
	}
	if err := m.FitLinear(t.Context(), c, f); err != nil {
		t.Fatal(err)
	}
	return m
}

// vector returns a row as the regression sees it, with a 1 at the end for the bias.
func (m *Model) vector(c *Corpus, i int) []float64 {
	x, squares := make([]float64, m.Buckets+1), 0.0
	for _, id := range c.Row(i) {
		x[id] = float64(m.IDF[id])
		squares += x[id] * x[id]
	}
	for j := range x {
		x[j] /= math.Sqrt(max(squares, tiny))
	}
	x[m.Buckets] = 1
	return x
}

// solution returns the weights of the linear part, divided by the ids' weights, with the bias at the end.
func (m *Model) solution() []float64 {
	w := make([]float64, m.Buckets+1)
	for id, v := range m.Linear.Weights {
		if m.IDF[id] > 0 {
			w[id] = float64(v / m.IDF[id])
		}
	}
	w[m.Buckets] = float64(m.Linear.Bias[0])
	return w
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// objective is what the regression minimises, for weights w that started at from.
func (m *Model) objective(c *Corpus, f Fit, w, from []float64) (sum float64) {
	for j := range w {
		sum += (w[j] - from[j]) * (w[j] - from[j]) / 2
	}
	for i := range c.Len() {
		margin := dot(w, m.vector(c, i))
		if !f.Malicious(i) {
			margin = -margin
		}
		sum += linearCost * float64(f.Weights[i]) * math.Log1p(math.Exp(-margin))
	}
	return sum
}

// descend finds the best weights by gradient descent.
func (m *Model) descend(c *Corpus, f Fit, from []float64) []float64 {
	w := slices.Clone(from)
	for range 4000 {
		grad := make([]float64, len(w))
		for j := range w {
			grad[j] = w[j] - from[j]
		}
		for i := range c.Len() {
			x, sign := m.vector(c, i), -1.0
			if f.Malicious(i) {
				sign = 1
			}
			g := -sign * linearCost * float64(f.Weights[i]) / (1 + math.Exp(sign*dot(w, x)))
			for j := range grad {
				grad[j] += g * x[j]
			}
		}
		for j := range w {
			w[j] -= 0.01 * grad[j]
		}
	}
	return w
}

func TestLinearPartIsTheBestFit(t *testing.T) {
	c, f := labelled(small, 60, 1)
	start := NewLinear(small)
	for id := range start.Weights {
		start.Weights[id] = float32(id%5) - 2
	}
	start.Weights[0], start.Bias[0] = 0, 1
	for name, from := range map[string]*Linear{"from nothing": nil, "from a model": &start} {
		m := fitted(t, c, f, from)
		begun := make([]float64, small.Buckets+1)
		if from != nil {
			old := &Model{Config: small, IDF: m.IDF, Linear: *from}
			begun = old.solution()
		}
		best := m.descend(c, f, begun)
		got, want, was := m.objective(c, f, m.solution(), begun), m.objective(c, f, best, begun), m.objective(c, f, begun, begun)
		if got > want+1e-3*(was-want) {
			t.Errorf("%s: loss and regularisation come to %v, the least is %v, it began at %v", name, got, want, was)
		}
		if diff := cmp.Diff(best, m.solution(), cmpopts.EquateApprox(0, 0.05)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLinearPartByWeight(t *testing.T) {
	c, f := labelled(small, 60, 2)
	once := fitted(t, c, f, nil)
	if again := fitted(t, c, f, nil); !slices.Equal(once.Linear.Weights, again.Linear.Weights) {
		t.Error("the same fit gave other weights")
	}
	// A row of weight 0 has no influence, except on the ids' weights.
	without := slices.Clone(f.Weights)
	for i := range without {
		without[i] = 0
	}
	f.Weights = without
	if m := fitted(t, c, f, &once.Linear); !slices.Equal(m.Linear.Weights, once.Linear.Weights) || m.Linear.Bias[0] != once.Linear.Bias[0] {
		t.Error("rows that weigh nothing moved it")
	}
}

func TestLinearPartByScale(t *testing.T) {
	c, f := labelled(small, 60, 4)
	whole := fitted(t, c, f, nil)
	f.Scale = 0.5
	half := fitted(t, c, f, nil)
	if diff := cmp.Diff(whole.Linear.scaled(0.5), half.Linear); diff != "" {
		t.Error(diff)
	}
	// A fit without rows leaves a part that was scaled by half as it is.
	f.Weights = make([]float32, 60)
	if diff := cmp.Diff(half.Linear, fitted(t, c, f, &half.Linear).Linear); diff != "" {
		t.Error(diff)
	}
	f.Scale = 0
	if diff := cmp.Diff(NewLinear(small), fitted(t, c, f, &half.Linear).Linear); diff != "" {
		t.Error(diff)
	}
}

func TestLinearPartStops(t *testing.T) {
	c, f := labelled(small, 60, 5)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := NewModel(small, 2, 1)
	m.Weigh(c)
	if err := m.FitLinear(ctx, c, f); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkFitLinear(b *testing.B) {
	const rows = 10_000
	m, c := spread(rows)
	f := Fit{Malicious: func(i int) bool { return i%2 == 0 }, Weights: slices.Repeat([]float32{1}, rows), Scale: 1}
	for b.Loop() {
		m.Linear = NewLinear(m.Config)
		if err := m.FitLinear(b.Context(), c, f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
