package leak

import (
	"context"
	"iter"
	"runtime"
	"sync"

	"rein/steps/artifact"
)

// chunk is how many rows are prepared at a time: signatures are most of the work and need no other row.
const chunk = 2048

// AddAll adds rows in their order and calls each with every row's number; each may be nil.
func (c *Clusters) AddAll(ctx context.Context, rows iter.Seq2[artifact.Row, error], each func(n int, r artifact.Row)) error {
	workers := runtime.GOMAXPROCS(0)
	buf := make([]artifact.Row, 0, chunk*workers)
	flush := func() error {
		for i, p := range prepareAll(buf, workers, c.near > 0) {
			if n := c.add(p); each != nil {
				each(n, buf[i])
			}
		}
		buf = buf[:0]
		return ctx.Err()
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		if buf = append(buf, r); len(buf) == cap(buf) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func prepareAll(rows []artifact.Row, workers int, near bool) []prepared {
	out := make([]prepared, len(rows))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(rows); i += workers {
				out[i] = prepare(rows[i], near)
			}
		})
	}
	wg.Wait()
	return out
}
