package mlx

import (
	"errors"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/attention"
)

// flash is flash attention, which never writes the scores of all pairs of tokens to memory. cuDNN has it, only in bfloat16.
type flash struct {
	try   func(size int) error // tries a head size; nil if the device has no flash attention
	mu    sync.Mutex
	works map[int]bool // by head size that was tried
}

// flashes tells whether the device has flash attention for a head size. The first call tries it, because older GPUs and older versions of
// cuDNN lack it.
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

// tryFlash runs a small attention and its gradient.
func (b *Backend) tryFlash(size int) error {
	if size%8 != 0 {
		return errors.New("flash attention needs a head size that is a multiple of 8")
	}
	exec, err := newExec(b, func(in []*g.Node) []*g.Node {
		x := g.Ones(in[0].Graph(), shapes.Make(dtypes.BFloat16, 1, 2*lengthStep, 1, size))
		y := asFloat32(flashAttention(x, x, x, in[0]))
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

// flashAttention takes queries, keys and values [rows, length, heads, size] and returns the same shape. Only the first lengths [rows]
// tokens of each row count; the result is 0 for the others.
func flashAttention(q, k, v, lengths *g.Node) *g.Node {
	out, _ := attention.Core(q, k, v, attention.LayoutBSHD, attention.CoreOptions{QuerySeqLen: lengths, KVSeqLen: lengths})
	d := q.Shape().Dimensions
	counts := g.LessThan(g.Iota(q.Graph(), shapes.Make(dtypes.Int32, d[0], d[1], 1, 1), 1), g.Reshape(lengths, -1, 1, 1, 1))
	return g.Where(g.BroadcastToShape(counts, out.Shape()), out, g.ZerosLike(out)) // cuDNN leaves arbitrary values behind a row's end
}

// lengthsOf returns the number of tokens [rows] of each row of a mask [rows, length]: up to the last token, and at least 1.
func lengthsOf(mask *g.Node) *g.Node {
	at := g.Iota(mask.Graph(), mask.Shape(), 1)
	return g.ConvertDType(g.ReduceMax(g.MaxScalar(g.Mul(mask, g.AddScalar(at, 1)), 1), 1), dtypes.Int32)
}
