package mlx

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"

	"rein/steps/internal/encoder"
)

// clip shrinks gradients so that the norm of all of them together is at most limit.
func clip(grads []*g.Node, limit float64) []*g.Node {
	var square *g.Node
	for _, x := range grads {
		if s := g.ReduceAllSum(g.Mul(x, x)); square == nil {
			square = s
		} else {
			square = g.Add(square, s)
		}
	}
	scale := g.MinScalar(g.Div(g.Scalar(square.Graph(), square.DType(), limit), g.AddScalar(g.Sqrt(square), 1e-6)), 1)
	out := make([]*g.Node, len(grads))
	for i, x := range grads {
		out[i] = g.Mul(x, scale)
	}
	return out
}

// forwardOnly builds the logits of a batch, without dropout.
func (e *Encoder) forwardOnly(in []*g.Node) []*g.Node {
	words, values := e.home.inputs(in[:2], in[2:])
	return []*g.Node{e.forward(words, in[1], nil, values)}
}

// forward builds the logits. drop, if it isn't nil, multiplies the pooled vectors.
func (e *Encoder) forward(words, mask, drop *g.Node, w []*g.Node) *g.Node {
	c, linear := e.model.Config, e.linear
	rows, length := words.Shape().Dimensions[0], words.Shape().Dimensions[1]
	norm := func(x *g.Node, at int) *g.Node {
		return normalize(x, w[at], w[at+1], c.Epsilon)
	}
	positions := g.Reshape(g.Slice(w[encoder.Positions], g.AxisRange(0, length)), 1, length, c.Hidden)
	x := norm(g.Add(words, positions), encoder.EmbedGain)
	bias := g.MulScalar(g.OneMinus(g.Reshape(mask, rows, 1, 1, length)), encoder.Masked)
	x = g.Reshape(x, rows*length, c.Hidden)
	var lengths *g.Node
	if e.flash {
		lengths = lengthsOf(mask)
	}
	if c.Buckets > 0 {
		bias = g.Add(bias, relative(c, w[encoder.Relative], length))
	}
	for i := range c.Layers {
		at := c.Layer(i)
		mixed := e.attention(g.Reshape(linear(x, w[at+encoder.QKV], w[at+encoder.QKVBias]), rows, length, 3, c.Heads, c.Hidden/c.Heads), bias, lengths)
		mixed = linear(g.Reshape(mixed, rows*length, c.Hidden), w[at+encoder.Out], w[at+encoder.OutBias])
		x = norm(g.Add(x, asFloat32(mixed)), at+encoder.Norm1)
		up := activation.Gelu(asFloat32(linear(x, w[at+encoder.Up], w[at+encoder.UpBias])))
		x = norm(g.Add(x, asFloat32(linear(up, w[at+encoder.Down], w[at+encoder.DownBias]))), at+encoder.Norm2)
	}
	x = g.Mul(g.Reshape(x, rows, length, c.Hidden), g.Reshape(mask, rows, length, 1))
	tokens := g.Reshape(g.MaxScalar(g.ReduceSum(mask, 1), 1), rows, 1)
	pooled := g.Div(g.ReduceSum(x, 1), tokens)
	if drop != nil {
		pooled = g.Mul(pooled, drop)
	}
	return asFloat32(linear(pooled, w[c.Head()], w[c.Head()+1]))
}

// normalize is layer normalisation. Its gradient is given as a formula, because the automatic one takes a GPU several more passes over x.
// The gradient of x is v - mean(v) - unit * mean(v * unit), where unit is the normalised x, and v is unit's gradient divided by the
// deviation.
func normalize(x, gain, offset *g.Node, epsilon float64) *g.Node {
	still := g.StopGradient(x)
	mean := g.ReduceAndKeep(still, g.ReduceMean, -1)
	variance := g.ReduceAndKeep(g.Square(g.Sub(still, mean)), g.ReduceMean, -1)
	mean, scale := g.StopGradient(mean), g.StopGradient(g.Reciprocal(g.Sqrt(g.AddScalar(variance, epsilon))))
	x = g.IdentityWithCustomGradient(x, func(_, v *g.Node) *g.Node {
		unit := g.Mul(g.Sub(still, mean), scale)
		along := g.ReduceAndKeep(g.Mul(v, unit), g.ReduceMean, -1)
		return g.Sub(v, g.Add(g.ReduceAndKeep(v, g.ReduceMean, -1), g.Mul(unit, along)))
	})
	wide := func(w *g.Node) *g.Node { return g.ExpandLeftToRank(w, x.Rank()) }
	return g.Add(g.Mul(g.Mul(g.Sub(x, mean), scale), wide(gain)), wide(offset))
}

// relative is the relative bias: [1, heads, length, length]. It is a matrix product with one-hot rows, because the gradient of a product is
// added up in a fixed order.
func relative(c encoder.Config, table *g.Node, length int) *g.Node {
	buckets := make([]int32, 0, length*length)
	for i := range length {
		for j := range length {
			buckets = append(buckets, int32(c.Bucket(j-i)))
		}
	}
	picks := g.OneHot(g.Const(table.Graph(), buckets), c.Buckets, table.DType())
	by := g.Reshape(g.MatMul(picks, table), 1, length, length, c.Heads)
	return g.TransposeAllAxes(by, 0, 3, 1, 2)
}

// linear doesn't convert its result back to float32. A GPU spends most of its time on writing and reading activations, which takes half as
// long in bfloat16.
func (e *Encoder) linear(x, matrix, bias *g.Node) *g.Node {
	return g.Add(e.product(x, 1, matrix, 0, false), g.Reshape(e.reduced(bias), 1, bias.Shape().Dimensions[0]))
}

// product is the matrix product of a and b over one axis of each. If the config asks for bfloat16, it multiplies in bfloat16 and adds up in
// float32. batched says that the first axis of both numbers separate products.
func (e *Encoder) product(a *g.Node, overA int, b *g.Node, overB int, batched bool) *g.Node {
	var batch []int
	if batched {
		batch = []int{0}
	}
	by := g.Dot(e.reduced(a), e.reduced(b))
	if e.cfg.BFloat16 {
		// If GoMLX is told the type to add up in, it computes the gradients in that type, too, which is five times as slow.
		by = by.WithAccumulatorDType(dtypes.InvalidDType)
	}
	return by.General([]int{overA}, batch, []int{overB}, batch)
}

// reduced converts x to bfloat16 if the config asks for it.
func (e *Encoder) reduced(x *g.Node) *g.Node {
	if !e.cfg.BFloat16 {
		return x
	}
	return g.ConvertDType(x, dtypes.BFloat16)
}

// asFloat32 converts x to float32.
func asFloat32(x *g.Node) *g.Node { return g.ConvertDType(x, dtypes.Float32) }

// attention takes queries, keys and values [rows, length, 3, heads, size] and returns [rows, length, heads * size]. lengths is nil unless
// the device's flash attention is to be used.
func (e *Encoder) attention(qkv, bias, lengths *g.Node) *g.Node {
	d := qkv.Shape().Dimensions
	rows, length, heads, size := d[0], d[1], d[3], d[4]
	of := func(i int) *g.Node { // [rows, length, heads, size]
		return g.Reshape(g.Slice(qkv, g.AxisRange(), g.AxisRange(), g.AxisRange(i, i+1)), rows, length, heads, size)
	}
	if lengths != nil {
		return g.Reshape(flashAttention(of(0), of(1), of(2), lengths), rows, length, heads*size)
	}
	part := func(i int) *g.Node { // [rows * heads, length, size]
		return g.Reshape(g.TransposeAllAxes(of(i), 0, 2, 1, 3), rows*heads, length, size)
	}
	scores := g.MulScalar(asFloat32(e.product(part(0), 2, part(1), 2, true)), 1/math.Sqrt(float64(size)))
	share := g.Softmax(g.Add(g.Reshape(scores, rows, heads, length, length), bias), -1)
	mixed := e.product(g.Reshape(share, rows*heads, length, length), 2, part(2), 1, true)
	mixed = g.TransposeAllAxes(g.Reshape(mixed, rows, heads, length, size), 0, 2, 1, 3)
	return g.Reshape(mixed, rows, length, heads*size)
}
