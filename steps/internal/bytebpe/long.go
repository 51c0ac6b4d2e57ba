package bytebpe

import "container/heap"

// candidate is a pair that may be merged. It is out of date if one of its sides was merged in the meantime.
type candidate struct {
	merge
	at          int32 // position of the left side
	left, right int32
}

// pairs is a priority queue of candidates: lowest rank first, of equal ones the leftmost.
type pairs []candidate

func (p pairs) Len() int { return len(p) }

func (p pairs) Less(i, j int) bool {
	if p[i].rank != p[j].rank {
		return p[i].rank < p[j].rank
	}
	return p[i].at < p[j].at
}

func (p pairs) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push implements heap.Interface.
func (p *pairs) Push(x any) { *p = append(*p, x.(candidate)) }

// Pop implements heap.Interface.
func (p *pairs) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// joinLong returns what join does, in O(n log n) time. The right side of a merged pair becomes -1.
func (e *encoder) joinLong(w []int32) []int32 {
	n := int32(len(w))
	if cap(e.next) < 2*len(w) {
		e.next = make([]int32, 2*len(w))
	}
	next, prev := e.next[:n], e.next[n:2*n]
	e.heap = e.heap[:0]
	add := func(a, b int32) {
		if m, ok := e.t.merges[pairOf(w[a], w[b])]; ok {
			heap.Push(&e.heap, candidate{m, a, w[a], w[b]})
		}
	}
	for i := range n {
		next[i], prev[i] = i+1, i-1
		if i+1 < n {
			add(i, i+1)
		}
	}
	for len(e.heap) > 0 {
		c := heap.Pop(&e.heap).(candidate)
		if w[c.at] != c.left || next[c.at] == n || w[next[c.at]] != c.right {
			continue
		}
		gone := next[c.at]
		w[c.at], w[gone] = c.id, -1
		if next[c.at] = next[gone]; next[c.at] < n {
			prev[next[c.at]] = c.at
			add(c.at, next[c.at])
		}
		if p := prev[c.at]; p >= 0 {
			add(p, c.at)
		}
	}
	out := w[:0]
	for i := int32(0); i < n; i = next[i] {
		out = append(out, w[i])
	}
	return out
}
