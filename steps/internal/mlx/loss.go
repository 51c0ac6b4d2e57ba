package mlx

import g "github.com/gomlx/gomlx/core/graph"

// Loss is softmax cross-entropy with options. Class 0 is the benign one; malicious rows have one of the others.
type Loss struct {
	Focal float64 // gamma of the focal loss, which looks at the label's probability only; 0: plain cross-entropy
	// Energy is the factor of a penalty on benign rows whose logits are large: max(0, logsumexp(logits) - Margin)^2.
	Energy, Margin float64
}

// tiniest keeps logarithms and square roots away from 0: of a class's share, and of the accumulator of a word that never came.
const tiniest = 1e-30

// graph is the mean of the rows' losses times their weights, from logits and targets [Batch, Classes] and weights [Batch]. A row's targets
// say how much the log-probability of each class counts. If they add up to less than 1, the rest goes to the log-probability of all
// malicious classes together.
func (l Loss) graph(logits, targets, weights *g.Node) *g.Node {
	column := func(x *g.Node) *g.Node { return g.Reshape(g.Slice(x, g.AxisRange(), g.AxisRange(0, 1)), -1) }
	logp := g.LogSoftmax(logits)
	malicious := g.Log(g.AddScalar(g.ReduceSum(g.Slice(g.Exp(logp), g.AxisRange(), g.AxisRange(1)), -1), tiniest))
	rest := g.OneMinus(g.ReduceSum(targets, -1))
	row := g.Neg(g.Add(g.ReduceSum(g.Mul(targets, logp), -1), g.Mul(rest, malicious)))
	if l.Focal > 0 {
		label := g.Add(g.Mul(column(targets), column(logp)), g.Mul(g.OneMinus(column(targets)), malicious))
		row = g.Mul(row, g.PowScalar(g.MaxScalar(g.OneMinus(g.Exp(label)), 1e-6), l.Focal))
	}
	if l.Energy > 0 {
		// log softmax = logits - logsumexp, so the difference is the same in every column
		over := g.MaxScalar(g.AddScalar(column(g.Sub(logits, logp)), -l.Margin), 0)
		benign := g.ConvertDType(g.GreaterThan(column(targets), g.Scalar(targets.Graph(), targets.DType(), 0.5)), targets.DType())
		row = g.Add(row, g.MulScalar(g.Mul(g.Mul(over, over), benign), l.Energy))
	}
	return g.DivScalar(g.ReduceAllSum(g.Mul(row, weights)), float64(weights.Shape().Dimensions[0]))
}
