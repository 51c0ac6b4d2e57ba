package split

import "math"

// packing puts members into bins. At first, a member's place on a line decides its bin, which depends on nothing else. If chance gives a
// bin too few rows of a label, packing then moves as few members as possible, the nearest ones first.
type packing struct {
	members []member
	of      []int // bin of each member
	bins    []bin
	counts  [][2]int // rows of each bin by label
	groups  [][2]int // number of members of each bin that have rows of a label
}

// bin is a set or zone that members are put into.
type bin struct {
	name   string
	target [2]float64 // number of rows by label that it should have; 0: none
	few    [2]int     // smallest number of members with rows of a label
	low    float64    // its part of the line is from low to high
	high   float64
	takes  func(m *member) bool // tells whether the bin may take a member; nil: any
}

// enough returns half of the rows that a bin should have, and at least 1. If a bin has fewer, members are moved into it.
func (b *bin) enough(l int) int {
	if b.target[l] == 0 {
		return 0
	}
	return max(1, int(b.target[l]/2))
}

// pack puts each member into the bin that natural gives for its place on the line.
func pack(members []member, bins []bin, natural func(*member) int) *packing {
	p := &packing{members: members, of: make([]int, len(members)), bins: bins, counts: make([][2]int, len(bins)), groups: make([][2]int, len(bins))}
	for i := range members {
		p.of[i] = natural(&members[i])
		p.count(i, 1)
	}
	return p
}

func (p *packing) count(i, sign int) {
	for l, n := range p.members[i].n {
		if n > 0 {
			p.counts[p.of[i]][l] += sign * int(n)
			p.groups[p.of[i]][l] += sign
		}
	}
}

func (p *packing) move(i, to int) {
	p.count(i, -1)
	p.of[i] = to
	p.count(i, 1)
}

// fill moves members into a bin until it has enough rows and enough members of a label. It prefers members whose bins keep enough. It
// returns false if the bin should have rows of the label and still has none.
func (p *packing) fill(to, l int) bool {
	b := &p.bins[to]
	for b.target[l] > 0 && (p.counts[to][l] < b.enough(l) || p.groups[to][l] < b.few[l]) {
		at := p.donor(to, l, true)
		if at < 0 && p.counts[to][l] < b.enough(l) {
			at = p.donor(to, l, false)
		}
		if at < 0 {
			break
		}
		p.move(at, to)
	}
	return b.target[l] == 0 || p.counts[to][l] > 0
}

// donor returns the member with rows of a label that is nearest to the bin's part of the line and may leave its own bin, or -1 if there is
// none. If careful, the other bin must keep enough, and this one must not be overfilled. Otherwise the other bin must only keep one row.
func (p *packing) donor(to, l int, careful bool) int {
	b := &p.bins[to]
	best, nearest := -1, math.Inf(1)
	for i := range p.members {
		m := &p.members[i]
		if m.n[l] == 0 || p.of[i] == to || b.takes != nil && !b.takes(m) || !p.mayLeave(i, careful) {
			continue
		}
		if careful && float64(p.counts[to][l]+int(m.n[l])) > 2*b.target[l] {
			continue
		}
		if d := max(b.low-m.u, m.u-b.high, 0); d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

func (p *packing) mayLeave(i int, careful bool) bool {
	from := p.of[i]
	b := &p.bins[from]
	for l, n := range p.members[i].n {
		if n == 0 {
			continue
		}
		keep := 1
		if careful {
			keep = b.enough(l)
			if p.groups[from][l] <= b.few[l] {
				return false
			}
		}
		if p.counts[from][l]-int(n) < keep {
			return false
		}
	}
	return true
}
