package leak

import (
	"context"
	"iter"
	"runtime"
	"sync"

	"rein/steps/artifact"
)

// chunk is how many rows are prepared at a time. Preparing is most of the work, and needs no other row, so all cores can share it.
const chunk = 8192

// AddAll adds rows in their order. It calls each, if that isn't nil, with every row and its number.
func (c *Clusters) AddAll(ctx context.Context, rows iter.Seq2[artifact.Row, error], each func(n int, r artifact.Row)) error {
	return inChunks(ctx, rows, func(buf []artifact.Row) {
		for i, p := range prepareAll(buf, c.near > 0) {
			if n := c.add(p); each != nil {
				each(n, buf[i])
			}
		}
	})
}

// inChunks calls do with the rows in their order, at most chunk at a time.
func inChunks(ctx context.Context, rows iter.Seq2[artifact.Row, error], do func([]artifact.Row)) error {
	buf := make([]artifact.Row, 0, chunk)
	for r, err := range rows {
		if err != nil {
			return err
		}
		if buf = append(buf, r); len(buf) == cap(buf) {
			do(buf)
			buf = buf[:0]
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	do(buf)
	return ctx.Err()
}

// prepareAll prepares rows on all cores.
func prepareAll(rows []artifact.Row, near bool) []prepared {
	out := make([]prepared, len(rows))
	parallel(len(rows), func(i int) { out[i] = prepare(rows[i], near) })
	return out
}

// parallel calls do for 0 to n-1, on all cores.
func parallel(n int, do func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}
