package draw

import (
	"cmp"
	"slices"
)

// The layout is the usual one for directed graphs: layers by longest path, bends for edges that cross layers, an
// order within each layer with few crossings, then places that keep edges straight.

const (
	nodeHeight = 46.0
	layerGap   = 46.0
	nodeGap    = 22.0
	bendGap    = 12.0
	sweeps     = 12
	// Beyond this many nodes only one sweep is made: nobody looks for crossings there.
	manyNodes = 3000
)

// layout places every node; nodes are w wide already. It returns the size of the whole.
func (p *picture) layout() (width, height float64) {
	if len(p.nodes) == 0 {
		return 0, 0
	}
	p.assignLayers()
	layers := p.addBends()
	rounds := sweeps
	if len(p.nodes) > manyNodes {
		rounds = 1
	}
	up, down := p.neighbours()
	orderLayers(layers, up, down, rounds)
	align(layers, up, down, rounds)
	left, right := layers[0][0].x, layers[0][0].x
	for i, l := range layers {
		for _, n := range l {
			n.y = nodeHeight/2 + float64(i)*(nodeHeight+layerGap)
			left, right = min(left, n.x-n.w/2), max(right, n.x+n.w/2)
		}
	}
	for _, l := range layers {
		for _, n := range l {
			n.x -= left
		}
	}
	return right - left, float64(len(layers))*(nodeHeight+layerGap) - layerGap
}

// assignLayers puts every node below all it needs, and what needs nothing just above its first user.
func (p *picture) assignLayers() {
	in := map[*node]int{}
	out := map[*node][]*node{}
	for _, e := range p.edges {
		in[e.to]++
		out[e.from] = append(out[e.from], e.to)
	}
	sources := map[*node]bool{}
	var ready []*node
	for _, n := range p.nodes {
		if in[n] == 0 {
			sources[n] = true
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		for _, m := range out[n] {
			m.layer = max(m.layer, n.layer+1)
			if in[m]--; in[m] == 0 {
				ready = append(ready, m)
			}
		}
	}
	for n := range sources {
		if len(out[n]) > 0 {
			n.layer = slices.MinFunc(out[n], func(a, b *node) int { return cmp.Compare(a.layer, b.layer) }).layer - 1
		}
	}
}

// addBends gives every layer that an edge passes a node of no width, and returns the layers.
func (p *picture) addBends() [][]*node {
	last := 0
	for _, n := range p.nodes {
		last = max(last, n.layer)
	}
	layers := make([][]*node, last+1)
	for _, n := range p.nodes {
		layers[n.layer] = append(layers[n.layer], n)
	}
	for _, e := range p.edges {
		for l := e.from.layer + 1; l < e.to.layer; l++ {
			b := &node{dummy: true, layer: l}
			e.bends = append(e.bends, b)
			layers[l] = append(layers[l], b)
		}
	}
	return slices.DeleteFunc(layers, func(l []*node) bool { return len(l) == 0 })
}

// neighbours lists what each node is joined to in the layer above and below.
func (p *picture) neighbours() (up, down map[*node][]*node) {
	up, down = map[*node][]*node{}, map[*node][]*node{}
	for _, e := range p.edges {
		prev := e.from
		for _, n := range append(slices.Clone(e.bends), e.to) {
			down[prev] = append(down[prev], n)
			up[n] = append(up[n], prev)
			prev = n
		}
	}
	return up, down
}

// orderLayers sorts each layer by the mean place of its neighbours, down and up in turn, and keeps the best order.
func orderLayers(layers [][]*node, up, down map[*node][]*node, rounds int) {
	number := func() {
		for _, l := range layers {
			for i, n := range l {
				n.order = i
			}
		}
	}
	number()
	best, fewest := snapshot(layers), crossings(layers, down)
	for r := range rounds {
		if fewest == 0 {
			break
		}
		for i := range layers {
			l, near := layers[i], up
			if r%2 == 1 {
				l, near = layers[len(layers)-1-i], down
			}
			sortByMean(l, near)
			for i, n := range l {
				n.order = i
			}
		}
		if c := crossings(layers, down); c < fewest {
			best, fewest = snapshot(layers), c
		}
	}
	for i := range layers {
		copy(layers[i], best[i])
	}
	number()
}

func snapshot(layers [][]*node) [][]*node {
	out := make([][]*node, len(layers))
	for i, l := range layers {
		out[i] = slices.Clone(l)
	}
	return out
}

func sortByMean(l []*node, near map[*node][]*node) {
	mean := map[*node]float64{}
	for _, n := range l {
		mean[n] = float64(n.order)
		if m := near[n]; len(m) > 0 {
			sum := 0.0
			for _, x := range m {
				sum += float64(x.order)
			}
			mean[n] = sum / float64(len(m))
		}
	}
	slices.SortStableFunc(l, func(a, b *node) int { return cmp.Compare(mean[a], mean[b]) })
}

// crossings counts pairs of edges between two layers that cross.
func crossings(layers [][]*node, down map[*node][]*node) int {
	total := 0
	for _, l := range layers {
		var ends []int // of edges, by the order of their starts
		for _, n := range l {
			var here []int
			for _, m := range down[n] {
				here = append(here, m.order)
			}
			slices.Sort(here)
			ends = append(ends, here...)
		}
		if len(ends) > manyNodes {
			return 0 // too many to count, and to see
		}
		for i, a := range ends {
			for _, b := range ends[:i] {
				if b > a {
					total++
				}
			}
		}
	}
	return total
}

// align gives each node an x: near the mean of its neighbours, in order, without touching.
func align(layers [][]*node, up, down map[*node][]*node, rounds int) {
	for _, l := range layers {
		x := 0.0
		for i, n := range l {
			if i > 0 {
				x += apart(l[i-1], n)
			}
			n.x = x
		}
		for _, n := range l {
			n.x -= x / 2
		}
	}
	for r := range 2 * rounds {
		for i := range layers {
			l, near := layers[i], up
			if r%2 == 1 {
				l, near = layers[len(layers)-1-i], down
			}
			wish := make([]float64, len(l))
			for j, n := range l {
				wish[j] = n.x
				if m := near[n]; len(m) > 0 {
					sum := 0.0
					for _, x := range m {
						sum += x.x
					}
					wish[j] = sum / float64(len(m))
				}
			}
			spread(l, wish)
		}
	}
}

// apart is the least distance of two neighbours' centres.
func apart(a, b *node) float64 {
	gap := nodeGap
	if a.dummy || b.dummy {
		gap = bendGap
	}
	return a.w/2 + gap + b.w/2
}

// spread finds the places nearest to the wishes (in squares) that keep the order and the distances: neighbours that
// would overlap are pooled, and a pool sits at the mean of its wishes.
func spread(l []*node, wish []float64) {
	type pool struct {
		sum    float64
		n      int
		offset float64 // of its last member from its first
		first  int
	}
	mean := func(p pool) float64 { return p.sum / float64(p.n) }
	var pools []pool
	for i := range l {
		pools = append(pools, pool{sum: wish[i], n: 1, first: i})
		for len(pools) > 1 {
			a, b := pools[len(pools)-2], pools[len(pools)-1]
			step := a.offset + apart(l[b.first-1], l[b.first])
			if mean(a)+step <= mean(b) {
				break
			}
			pools = pools[:len(pools)-2]
			pools = append(pools, pool{sum: a.sum + b.sum - step*float64(b.n), n: a.n + b.n, offset: step + b.offset, first: a.first})
		}
	}
	for i, p := range pools {
		end := len(l)
		if i+1 < len(pools) {
			end = pools[i+1].first
		}
		x := mean(p)
		for j := p.first; j < end; j++ {
			if j > p.first {
				x += apart(l[j-1], l[j])
			}
			l[j].x = x
		}
	}
}
