package mine

import (
	"cmp"
	"container/heap"
	"errors"
	"math"
	"slices"

	"rein/steps/artifact"
)

// mostReserve is the largest number of rows in the reserve. It bounds memory.
const mostReserve = 20_000

// miss is a benign row that the model rightly lets pass, with its index in the pool.
type miss struct {
	row artifact.Row
	at  int
}

// reserve keeps the misses with the highest scores. It is a heap with the lowest score on top, which is replaced first. Of equal scores,
// the later row is replaced first.
type reserve struct {
	most int
	rows []miss
}

func newReserve(share float64, pool int64) *reserve {
	return &reserve{most: min(mostReserve, int(math.Ceil(share*float64(pool))))}
}

func (r *reserve) Len() int      { return len(r.rows) }
func (r *reserve) Swap(i, j int) { r.rows[i], r.rows[j] = r.rows[j], r.rows[i] }
func (r *reserve) Push(x any)    { r.rows = append(r.rows, x.(miss)) }
func (r *reserve) Pop() any {
	last := r.rows[len(r.rows)-1]
	r.rows = r.rows[:len(r.rows)-1]
	return last
}
func (r *reserve) Less(i, j int) bool { return rank(r.rows[i], r.rows[j]) > 0 }

// rank compares misses: the higher score comes first, then the earlier row.
func rank(a, b miss) int {
	return cmp.Or(cmp.Compare(b.row.Score, a.row.Score), cmp.Compare(a.at, b.at))
}

// offer keeps a miss if it is among the best so far.
func (r *reserve) offer(m miss) {
	switch {
	case len(r.rows) < r.most:
		heap.Push(r, m)
	case r.most > 0 && rank(m, r.rows[0]) < 0:
		r.rows[0] = m
		heap.Fix(r, 0)
	}
}

// write writes at most most of the best misses, in the pool's order.
func (r *reserve) write(path string, most int) (n int, err error) {
	slices.SortFunc(r.rows, rank)
	r.rows = r.rows[:min(len(r.rows), most)]
	slices.SortFunc(r.rows, func(a, b miss) int { return cmp.Compare(a.at, b.at) })
	w, err := artifact.NewWriter[artifact.Row](path)
	if err != nil {
		return 0, err
	}
	for _, m := range r.rows {
		if err := w.Write(m.row); err != nil {
			return 0, errors.Join(err, w.Close())
		}
	}
	return len(r.rows), w.Close()
}
