package dag

import (
	"container/heap"
	"slices"
)

type simulation struct {
	deps   func(v int) []int
	weight func(v int) float64
	slots  int
}

// run simulates the events: the ready vertex of the lowest rank starts, the running one of the earliest end time ends.
func (s *simulation) run(order []int) float64 {
	rank := make([]int, len(order))
	missing := make([]int, len(order))
	users := make([][]int, len(order))
	for i, v := range order {
		rank[v] = i
	}
	ready := &byRank{rank: rank}
	for _, v := range order {
		ds := slices.Clone(s.deps(v))
		slices.Sort(ds)
		ds = slices.Compact(ds)
		missing[v] = len(ds)
		for _, d := range ds {
			users[d] = append(users[d], v)
		}
		if len(ds) == 0 {
			heap.Push(ready, v)
		}
	}
	running := &byEnd{}
	now := 0.0
	for ready.Len() > 0 || running.Len() > 0 {
		for ready.Len() > 0 && running.Len() < max(s.slots, 1) {
			v := heap.Pop(ready).(int)
			heap.Push(running, ending{v, now + s.weight(v)})
		}
		e := heap.Pop(running).(ending)
		now = e.at
		for _, u := range users[e.v] {
			if missing[u]--; missing[u] == 0 {
				heap.Push(ready, u)
			}
		}
	}
	return now
}

type byRank struct {
	rank []int
	vs   []int
}

func (h *byRank) Len() int           { return len(h.vs) }
func (h *byRank) Less(i, j int) bool { return h.rank[h.vs[i]] < h.rank[h.vs[j]] }
func (h *byRank) Swap(i, j int)      { h.vs[i], h.vs[j] = h.vs[j], h.vs[i] }
func (h *byRank) Push(x any)         { h.vs = append(h.vs, x.(int)) }
func (h *byRank) Pop() any {
	v := h.vs[len(h.vs)-1]
	h.vs = h.vs[:len(h.vs)-1]
	return v
}

type ending struct {
	v  int
	at float64
}

type byEnd []ending

func (h byEnd) Len() int           { return len(h) }
func (h byEnd) Less(i, j int) bool { return h[i].at < h[j].at }
func (h byEnd) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byEnd) Push(x any)        { *h = append(*h, x.(ending)) }
func (h *byEnd) Pop() any {
	e := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return e
}
