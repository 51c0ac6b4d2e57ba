package mlx

import (
	"errors"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/attention"
)

// flash is attention that never writes the scores of all pairs of tokens to memory: cuDNN's, in bfloat16 alone.
type flash struct {
	try   func(size int) error // nil: the device has none
	mu    sync.Mutex
	works map[int]bool // by the size of a head
}

// flashes tells whether the device has flash attention for heads of a size; the first call tries it, as an older GPU, or cuDNN,
// has none.
func (b *Backend) flashes(size int) bool {
	f := &b.flash
	if f.try == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	works, tried := f.works[size]
	if !tried {
		works = f.try(size) == nil
		if f.works == nil {
			f.works = map[int]bool{}
		}
		f.works[size] = works
	}
	return works
}

// tryFlash runs a small one, and its gradient.
func (b *Backend) tryFlash(size int) error {
	if size%8 != 0 {
		return errors.New("flash attention takes heads of a multiple of 8")
	}
	exec, err := newExec(b, func(in []*g.Node) []*g.Node {
		x := g.Ones(in[0].Graph(), shapes.Make(dtypes.BFloat16, 1, 2*lengthStep, 1, size))
		y := whole(flashAttention(x, x, x, in[0]))
		return g.Gradient(g.ReduceAllSum(g.Mul(y, y)), x)
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	out, err := exec.Call([]int32{7})
	finalize(out)
	return err
}

// flashAttention takes queries, keys and values [rows, length, heads, size], of which the first lengths [rows] count, and returns such.
func flashAttention(q, k, v, lengths *g.Node) *g.Node {
	out, _ := attention.Core(q, k, v, attention.LayoutBSHD, attention.CoreOptions{QuerySeqLen: lengths, KVSeqLen: lengths})
	d := q.Shape().Dimensions
	counts := g.LessThan(g.Iota(q.Graph(), shapes.Make(dtypes.Int32, d[0], d[1], 1, 1), 1), g.Reshape(lengths, -1, 1, 1, 1))
	return g.Where(g.BroadcastToShape(counts, out.Shape()), out, g.ZerosLike(out)) // what stands behind a row's end is anything
}

// lengthsOf are how many tokens [rows] a mask [rows, length] leaves: up to the last one that counts, at least one.
func lengthsOf(mask *g.Node) *g.Node {
	at := g.Iota(mask.Graph(), mask.Shape(), 1)
	return g.ConvertDType(g.ReduceMax(g.MaxScalar(g.Mul(mask, g.AddScalar(at, 1)), 1), 1), dtypes.Int32)
}
