package ngram

import (
	"context"
	"math"
	"math/rand/v2"
)

// Linear is the model's linear part: it scores the same weighted ids as the network, without a layer between.
type Linear struct {
	Weights []float32 // [Buckets], each times its id's weight; the padding's is 0
	Bias    []float32 // [1]
}

// NewLinear is a part that says nothing of any row.
func NewLinear(cfg Config) Linear {
	return Linear{make([]float32, cfg.Buckets), []float32{0}}
}

// scaled is the part with its scores times x.
func (l Linear) scaled(x float32) Linear {
	out := Linear{make([]float32, len(l.Weights)), []float32{l.Bias[0] * x}}
	for i, w := range l.Weights {
		out.Weights[i] = w * x
	}
	return out
}

// Fit says how a linear part is fitted.
type Fit struct {
	Malicious func(row int) bool
	Weights   []float32 // by row: what its loss counts
	Scale     float32   // of the fitted scores in the model; 0: no linear part
	Seed      int64     // of the order of rows
}

const (
	// linearCost is what a row's loss counts beside the regularisation, half the square of the weights' change.
	linearCost = 6
	// Passes end when one moves the rows' variables by less than a share of their range, on average.
	linearPasses, linearShare = 30, 1e-3
)

// FitLinear fits the linear part: logistic regression of malicious rows against benign ones, on the rows' weighted ids over their norm. L2
// regularisation keeps it near to what it was. It errs otherwise than the network does, so that both together are better than
// either. Results don't depend on the number of cores.
//
// It is coordinate descent in the dual (Yu, Huang, Lin: Dual coordinate descent methods for logistic regression and maximum entropy
// models, 2011). A row's variable alpha, between 0 and its cost, is put where the dual is lowest with the others as they are:
// at alpha = cost*sigmoid(t), with t the zero of t + size*(alpha - old) + margin, which rises with t.
func (m *Model) FitLinear(ctx context.Context, c *Corpus, f Fit) error {
	if f.Scale == 0 {
		m.Linear = NewLinear(m.Config)
		return nil
	}
	m.Linear = m.Linear.scaled(1 / f.Scale)
	table := m.linearTable() // one line of the cache has all there is of an id
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
				table[id][linearAt] += float32(add * table[id][squareAt]) // rounded: no processor may fuse it
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

// squareAt and linearAt are columns of the table that both the fit and the graph look ids up in.
const squareAt, linearAt = 0, 1

// linearTable has the square of each id's weight, and its weight in the linear part. The padding has neither.
func (m *Model) linearTable() [][2]float32 {
	t := make([][2]float32, m.Buckets)
	for i := 1; i < m.Buckets; i++ {
		t[i] = [2]float32{m.IDF[i] * m.IDF[i], m.Linear.Weights[i]}
	}
	return t
}

// normOf is the norm of a row's weights; of a row without any it is such that the row scores nothing.
func normOf(table [][2]float32, ids []int32) float32 {
	sum := float32(0)
	for _, id := range ids {
		sum += table[id][squareAt]
	}
	return float32(math.Sqrt(float64(max(sum, tiny))))
}

// scoreOf adds up what the ids weigh in the linear part, in four sums, so that one needn't wait for the other.
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
	sign, cost float64 // -1 of a benign row, 1 of a malicious one; what alpha stays below
	alpha, t   float64
	norm       float32
}

// move puts alpha where the dual is lowest, for the row's score as it is, and returns what that adds to the score's weights.
func (r *dualRow) move(score float64) float64 {
	if r.cost <= 0 {
		return 0
	}
	const size = 2 // the square of the row's norm, with the bias's 1
	margin := r.sign * score
	low, high := size*(r.alpha-r.cost)-margin, size*r.alpha-margin
	t := r.t
	if t <= low || t >= high {
		t = (low + high) / 2
	}
	var s float64
	for range 60 { // Newton's steps; where one leaves the bracket, its middle
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
