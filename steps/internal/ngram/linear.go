package ngram

import (
	"context"
	"math"
	"math/rand/v2"
)

// Linear is the model's linear part. It scores the same weighted ids as the network, without a layer between.
type Linear struct {
	Weights []float32 // [Buckets], already multiplied by the ids' weights; 0 for padding
	Bias    []float32 // [1]
}

// NewLinear returns a linear part that scores every row 0.
func NewLinear(cfg Config) Linear {
	return Linear{make([]float32, cfg.Buckets), []float32{0}}
}

// scaled returns the part with its scores multiplied by x.
func (l Linear) scaled(x float32) Linear {
	out := Linear{make([]float32, len(l.Weights)), []float32{l.Bias[0] * x}}
	for i, w := range l.Weights {
		out.Weights[i] = w * x
	}
	return out
}

// Fit says how to fit a linear part.
type Fit struct {
	Malicious func(row int) bool
	Weights   []float32 // by row: factor of its loss
	Scale     float32   // factor of the fitted scores in the model; 0 means no linear part
	Seed      int64     // decides the order of the rows
}

const (
	// linearCost is the factor of a row's loss against the regularisation, which is half the square of the weights' change.
	linearCost = 6
	// Fitting makes at most linearPasses passes. It stops after one that moves the rows' variables by less than linearShare of their range,
	// on average.
	linearPasses, linearShare = 30, 1e-3
)

// FitLinear fits the linear part by logistic regression of malicious rows against benign ones, on the rows' weighted ids divided by their
// norm. L2 regularisation keeps the weights near their old values. The linear part makes other mistakes than the network, so the two
// together are better than either. Results don't depend on the number of cores. The only error is ctx's.
//
// The method is coordinate descent in the dual (Yu, Huang, Lin: Dual coordinate descent methods for logistic regression and maximum entropy
// models, 2011). Each row has a variable alpha between 0 and its cost. A step moves one alpha to where the dual is lowest while the others
// stay: to alpha = cost*sigmoid(t), where t is the zero of t + size*(alpha - old) + margin, which rises with t.
func (m *Model) FitLinear(ctx context.Context, c *Corpus, f Fit) error {
	if f.Scale == 0 {
		m.Linear = NewLinear(m.Config)
		return nil
	}
	m.Linear = m.Linear.scaled(1 / f.Scale)
	table := m.linearTable() // both values of an id share a cache line
	bias := float64(m.Linear.Bias[0])
	rows := make([]dualRow, c.Len())
	order := make([]int32, c.Len())
	for i := range rows {
		sign := -1.0
		if f.Malicious(i) {
			sign = 1
		}
		rows[i] = dualRow{sign: sign, cost: linearCost * float64(f.Weights[i]), norm: normOf(table, c.Row(i))}
		order[i] = int32(i)
	}
	rng := rand.New(rand.NewPCG(uint64(f.Seed), 0x6c696e656172))
	for range linearPasses {
		if err := ctx.Err(); err != nil {
			return err
		}
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		moved, whole := 0.0, 0.0
		for _, i := range order {
			r, ids := &rows[i], c.Row(int(i))
			step := r.move(float64(scoreOf(table, ids)/r.norm) + bias)
			bias += step
			add := float32(step) / r.norm
			for _, id := range ids {
				table[id][linearAt] += float32(add * table[id][squareAt]) // the conversion rounds, so that no processor fuses the two operations
			}
			moved, whole = moved+math.Abs(step), whole+r.cost
		}
		if moved <= linearShare*whole {
			break
		}
	}
	m.Linear.Bias[0] = float32(bias)
	for i := range table {
		m.Linear.Weights[i] = table[i][linearAt]
	}
	m.Linear = m.Linear.scaled(f.Scale)
	return nil
}

// squareAt and linearAt are the columns of linearTable, which the fit and the graph share.
const squareAt, linearAt = 0, 1

// linearTable is [Buckets, 2]: the square of each id's weight, and its weight in the linear part. The padding has zeros.
func (m *Model) linearTable() [][2]float32 {
	t := make([][2]float32, m.Buckets)
	for i := 1; i < m.Buckets; i++ {
		t[i] = [2]float32{m.IDF[i] * m.IDF[i], m.Linear.Weights[i]}
	}
	return t
}

// normOf returns the norm of a row's weights. For a row without any weight it is a tiny value, which is safe to divide by.
func normOf(table [][2]float32, ids []int32) float32 {
	sum := float32(0)
	for _, id := range ids {
		sum += table[id][squareAt]
	}
	return float32(math.Sqrt(float64(max(sum, tiny))))
}

// scoreOf adds up the ids' weights in the linear part. Four independent sums let the processor work on them at once.
func scoreOf(table [][2]float32, ids []int32) float32 {
	var a, b, c, d float32
	for ; len(ids) >= 4; ids = ids[4:] {
		a += table[ids[0]][linearAt]
		b += table[ids[1]][linearAt]
		c += table[ids[2]][linearAt]
		d += table[ids[3]][linearAt]
	}
	for _, id := range ids {
		a += table[id][linearAt]
	}
	return (a + b) + (c + d)
}

// dualRow is a row in the dual problem.
type dualRow struct {
	sign, cost float64 // 1 for a malicious row, -1 for a benign one; the upper limit of alpha
	alpha, t   float64
	norm       float32
}

// move sets alpha to where the dual is lowest, given the row's current score. It returns by how much the row's part of the weights changes.
func (r *dualRow) move(score float64) float64 {
	if r.cost <= 0 {
		return 0
	}
	const size = 2 // square of the row's norm, which is 1, plus the bias's 1
	margin := r.sign * score
	low, high := size*(r.alpha-r.cost)-margin, size*r.alpha-margin
	t := r.t
	if t <= low || t >= high {
		t = (low + high) / 2
	}
	var s float64
	for range 60 { // Newton's method; a step that leaves the bracket is replaced by a bisection
		s = 1 / (1 + math.Exp(-t))
		over := t + size*(r.cost*s-r.alpha) + margin
		if math.Abs(over) < 1e-6 {
			break
		}
		if over > 0 {
			high = t
		} else {
			low = t
		}
		if t -= over / (1 + size*r.cost*s*(1-s)); t <= low || t >= high {
			t = (low + high) / 2
		}
	}
	step := r.cost*s - r.alpha
	r.alpha, r.t = r.alpha+step, t
	return r.sign * step
}
