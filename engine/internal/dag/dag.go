// Package dag orders the vertices of a directed acyclic graph. Vertices are 0..n-1; nothing here recurses, so a
// chain of a million vertices is no problem.
package dag

// Order returns the vertices in an order in which each comes after those that it depends on. It goes depth first and visits vertices and
// dependencies in the order given, so that what is declared first is also finished first. If there is a cycle, order is nil and cycle lists
// its vertices, each depending on the next and the last on the first.
func Order(n int, deps func(v int) []int) (order, cycle []int) {
	const (
		white = iota // not seen
		grey         // on the path
		black        // done
	)
	type frame struct{ v, next int }
	colour := make([]uint8, n)
	order = make([]int, 0, n)
	var path []frame
	for root := range n {
		if colour[root] != white {
			continue
		}
		colour[root] = grey
		path = append(path[:0], frame{v: root})
		for len(path) > 0 {
			top := &path[len(path)-1]
			ds := deps(top.v)
			if top.next == len(ds) {
				colour[top.v] = black
				order = append(order, top.v)
				path = path[:len(path)-1]
				continue
			}
			d := ds[top.next]
			top.next++
			switch colour[d] {
			case white:
				colour[d] = grey
				path = append(path, frame{v: d})
			case grey:
				for i := range path {
					if path[i].v == d {
						for _, f := range path[i:] {
							cycle = append(cycle, f.v)
						}
						return nil, cycle
					}
				}
			}
		}
	}
	return order, nil
}

// LongestPath returns the largest sum of weights along a path, and that path from its first vertex to its last.
// order is what Order returned.
func LongestPath(order []int, deps func(v int) []int, weight func(v int) float64) (float64, []int) {
	sum := make([]float64, len(order))
	from := make([]int, len(order))
	end := -1
	for _, v := range order {
		from[v] = -1
		for _, d := range deps(v) {
			if from[v] < 0 || sum[d] > sum[from[v]] {
				from[v] = d
			}
		}
		sum[v] = weight(v)
		if from[v] >= 0 {
			sum[v] += sum[from[v]]
		}
		if end < 0 || sum[v] > sum[end] {
			end = v
		}
	}
	if end < 0 {
		return 0, nil
	}
	var path []int
	for v := end; v >= 0; v = from[v] {
		path = append(path, v)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return sum[end], path
}

// Makespan is the time at which everything is done if at most slots vertices run at a time, and each free slot takes the first ready vertex
// of order.
func Makespan(order []int, deps func(v int) []int, weight func(v int) float64, slots int) float64 {
	return (&simulation{deps: deps, weight: weight, slots: slots}).run(order)
}
