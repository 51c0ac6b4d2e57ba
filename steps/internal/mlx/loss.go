package mlx

import g "github.com/gomlx/gomlx/core/graph"

// Loss is softmax cross-entropy with options. Class 0 is the benign one, the others are what malicious rows are.
type Loss struct {
	Focal float64 // gamma of the focal loss, which goes by the label; 0: plain cross-entropy
	// Energy weighs a penalty on benign rows whose logits are sure of themselves beyond Margin:
	// max(0, logsumexp(logits) - Margin)^2.
	Energy, Margin float64
}

// tiniest keeps a word that never came, and a class's share of 0, from what they can't bear.
const tiniest = 1e-30

// graph is the weighted mean over the batch, of logits and targets [Batch, Classes] and weights [Batch]. A row's targets say how much
// each class's log-probability counts, the first one's that of the label; what they lack of 1 is how much that of all
// malicious classes together does.
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
		// log softmax = logits - logsumexp: any column gives the sum back
		over := g.MaxScalar(g.AddScalar(column(g.Sub(logits, logp)), -l.Margin), 0)
		benign := g.ConvertDType(g.GreaterThan(column(targets), g.Scalar(targets.Graph(), targets.DType(), 0.5)), targets.DType())
		row = g.Add(row, g.MulScalar(g.Mul(g.Mul(over, over), benign), l.Energy))
	}
	return g.DivScalar(g.ReduceAllSum(g.Mul(row, weights)), float64(weights.Shape().Dimensions[0]))
}
