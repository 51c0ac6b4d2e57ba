package mlx

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"rein/steps/internal/ngram"
)

// hostAdam updates an encoder's weights in Go, in one pass over all weights, on all cores. ONNX Runtime would need about twenty passes,
// each limited by the speed of memory. XLA merges the passes, so there Adam is part of the graph.
type hostAdam struct {
	m, v [][]float32 // moments of the trained weights
}

// piece is a part of one weight, which one core updates at a time. The division into pieces is fixed, so that sums are the same on any
// number of cores.
type piece struct{ weight, from, to int }

const pieceSize = 1 << 16

func pieces(weights [][]float32) []piece {
	var out []piece
	for i, w := range weights {
		for from := 0; from < len(w); from += pieceSize {
			out = append(out, piece{i, from, min(from+pieceSize, len(w))})
		}
	}
	return out
}

// step updates weights with grads. decay is each weight's decay, clip the largest norm of all gradients together (0: no limit).
func (a *hostAdam) step(weights, grads [][]float32, decay []float64, clip float64, knobs []float32) {
	work := pieces(weights)
	scale := float32(1)
	if clip > 0 {
		squares := make([]float64, len(work))
		ngram.Parallel(len(work), func() func(int) {
			return func(p int) {
				sum := 0.0
				for _, g := range grads[work[p].weight][work[p].from:work[p].to] {
					sum += float64(g) * float64(g)
				}
				squares[p] = sum
			}
		})
		total := 0.0
		for _, s := range squares {
			total += s
		}
		scale = float32(min(1, clip/(math.Sqrt(total)+1e-6)))
	}
	ngram.Parallel(len(work), func() func(int) {
		return func(p int) {
			i, from, to := work[p].weight, work[p].from, work[p].to
			update(weights[i][from:to], grads[i][from:to], a.m[i][from:to], a.v[i][from:to], scale, float32(decay[i]), knobs)
		}
	})
}

// update is Adam on one piece. knobs are the learning rate and the two bias corrections.
func update(w, g, m, v []float32, scale, decay float32, knobs []float32) {
	const b1, b2, eps = float32(beta1), float32(beta2), float32(epsilon)
	rate, c1, c2 := knobs[0], knobs[1], knobs[2]
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		x := g[i] * scale
		m[i] = b1*m[i] + (1-b1)*x
		v[i] = b2*v[i] + (1-b2)*x*x
		root := float32(math.Sqrt(float64(v[i] * c2)))
		w[i] -= rate * (m[i]*c1/(root+eps) + decay*w[i])
	}
}

// flat returns the tensors' values, and frees the tensors.
func flat(list []*tensors.Tensor) [][]float32 {
	out := make([][]float32, len(list))
	for i, x := range list {
		out[i] = tensors.MustCopyFlatData[float32](x)
		x.MustFinalizeAll()
	}
	return out
}

// copies returns copies of the moments: the first moments of all weights, then the second ones.
func (a *hostAdam) copies() [][]float32 {
	var out [][]float32
	for _, x := range slices.Concat(a.m, a.v) {
		out = append(out, slices.Clone(x))
	}
	return out
}

func (a *hostAdam) restore(moments [][]float32) {
	for i := range a.m {
		copy(a.m[i], moments[i])
		copy(a.v[i], moments[len(a.m)+i])
	}
}
