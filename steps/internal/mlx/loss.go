package mlx

import g "github.com/gomlx/gomlx/core/graph"

// Loss is softmax cross-entropy with options. Class 0 is the benign one.
type Loss struct {
	Focal float64 // gamma of the focal loss; 0: plain cross-entropy
	// Energy weighs a penalty on benign rows whose logits are sure of themselves beyond Margin:
	// max(0, logsumexp(logits) - Margin)^2.
	Energy, Margin float64
}

// graph is the weighted mean over the batch, of logits and targets [Batch, Classes] and weights [Batch].
func (l Loss) graph(logits, targets, weights *g.Node) *g.Node {
	logp := g.LogSoftmax(logits)
	row := g.Neg(g.ReduceSum(g.Mul(targets, logp), -1))
	if l.Focal > 0 {
		miss := g.MaxScalar(g.OneMinus(g.Exp(g.ReduceSum(g.Mul(targets, logp), -1))), 1e-6)
		row = g.Mul(row, g.PowScalar(miss, l.Focal))
	}
	if l.Energy > 0 {
		// log softmax = logits - logsumexp: any column gives the sum back
		lse := g.Reshape(g.Slice(g.Sub(logits, logp), g.AxisRange(), g.AxisRange(0, 1)), -1)
		over := g.MaxScalar(g.AddScalar(lse, -l.Margin), 0)
		benign := g.Reshape(g.Slice(targets, g.AxisRange(), g.AxisRange(0, 1)), -1)
		row = g.Add(row, g.MulScalar(g.Mul(g.Mul(over, over), benign), l.Energy))
	}
	return g.DivScalar(g.ReduceAllSum(g.Mul(row, weights)), float64(weights.Shape().Dimensions[0]))
}
