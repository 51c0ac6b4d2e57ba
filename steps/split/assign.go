package split

import (
	"fmt"
	"math"
	"slices"
)

// plan says which set each group goes to.
type plan struct {
	of     []set
	counts [sets][2]int // rows by label
	groups [sets][2]int // groups with rows of a label
	few    [2]int       // how many of them a set should have at least
	notes  []string
	c      *Config
	g      *groups
	unseen bool
}

// set is where a group's rows of a label go.
func (p *plan) set(group int32, label string) set { return p.side(p.of[group], labelOf(label)) }

func (p *plan) side(s set, label int) set {
	if s == pool && label == malicious {
		return train
	}
	return s
}

// assign gives each group the set in whose interval it lies. Chance may leave a set without enough rows of a label where
// groups are few and large: then the groups nearest to its interval are moved there.
func assign(c Config, g *groups) (*plan, error) {
	for l, n := range g.total {
		if n == 0 {
			return nil, fmt.Errorf("none of the %d rows is %s: every set needs both labels", len(g.of), labelNames[l])
		}
	}
	p := &plan{of: make([]set, len(g.all)), c: &c, g: g, unseen: g.by == "source" && c.share(unseen) > 0}
	for l := range p.few { // one or two sources say little about others
		p.few[l] = max(1, min(fewest, p.withLabel(l)/(2*int(sets))+1))
	}
	for i := range g.all {
		p.put(i, p.natural(i))
	}
	if g.by == "cluster" && c.share(unseen) > 0 {
		p.holdOut()
	}
	for _, s := range []set{test, validation, train, pool, unseen} {
		if s == unseen && g.by != "source" || p.target(s, benign) == 0 {
			continue
		}
		for l := range labelNames {
			if err := p.fill(s, l); err != nil {
				return nil, err
			}
		}
	}
	p.say()
	return p, nil
}

// fewest is how many groups a set should have at least where there are enough.
const fewest = 3

// large is the share of a label's rows from which a source is too large to be anything but training data.
const large = 0.3

func (p *plan) natural(i int) set {
	m := &p.g.all[i]
	if p.g.by != "time" && m.name != "" && p.g.by == "source" {
		for l, n := range m.n {
			if float64(n) > large*float64(p.g.total[l]) {
				return train
			}
		}
	}
	for s := range sets {
		if low, high := p.c.interval(s, p.unseen); m.u >= low && m.u < high {
			return s
		}
	}
	return train
}

func (p *plan) put(i int, s set) {
	p.of[i] = s
	p.count(i, 1)
}

func (p *plan) move(i int, to set) {
	p.count(i, -1)
	p.put(i, to)
}

func (p *plan) count(i, sign int) {
	for l, n := range p.g.all[i].n {
		if s := p.side(p.of[i], l); n > 0 {
			p.counts[s][l] += sign * n
			p.groups[s][l] += sign
		}
	}
}

// target is how many rows of a label a set should have.
func (p *plan) target(s set, l int) float64 {
	low, high := p.c.interval(s, p.unseen)
	if s == pool && l == malicious {
		return 0
	}
	return (high - low) * float64(p.g.total[l])
}

// enough is half of what a set should have, and at least one row: with less, groups are moved in.
func (p *plan) enough(s set, l int) int {
	t := p.target(s, l)
	if t == 0 {
		return 0
	}
	return max(1, int(t/2))
}

func (p *plan) short(s set, l int) bool {
	return p.counts[s][l] < p.enough(s, l) || p.enough(s, l) > 0 && p.groups[s][l] < p.few[l]
}

// fill moves groups into a set until it has enough rows of a label. It prefers groups that leave enough behind.
func (p *plan) fill(s set, l int) error {
	for p.short(s, l) {
		at := p.donor(s, l, true)
		if at < 0 && p.counts[s][l] >= p.enough(s, l) {
			return nil // more sources would be nice, but none can be spared
		}
		if at < 0 {
			at = p.donor(s, l, false)
		}
		switch {
		case at >= 0:
			p.move(at, s)
		case p.counts[s][l] > 0:
			return nil // fewer than wished; report says how many
		case s == unseen:
			p.dissolve()
			return nil
		default:
			return fmt.Errorf("%s gets no %s row: %d of them are in %s, too few to have some in each set (by = %q)",
				s, labelNames[l], p.g.total[l], plural(p.withLabel(l), "group"), p.g.by)
		}
	}
	return nil
}

// donor is the group nearest to a set's interval that has rows of a label and may leave the set it is in; -1: none.
// careful keeps enough in the other set and doesn't overfill this one; otherwise one row must stay behind.
func (p *plan) donor(s set, l int, careful bool) int {
	low, high := p.c.interval(s, p.unseen)
	best, nearest := -1, math.Inf(1)
	for i := range p.g.all {
		m := &p.g.all[i]
		if m.n[l] == 0 || p.side(p.of[i], l) == s || !p.mayLeave(i, s, careful) {
			continue
		}
		if careful && float64(p.counts[s][l]+m.n[l]) > 2*p.target(s, l) {
			continue
		}
		if d := max(low-m.u, m.u-high, 0); d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

func (p *plan) mayLeave(i int, to set, careful bool) bool {
	for l, n := range p.g.all[i].n {
		from := p.side(p.of[i], l)
		if n == 0 || from == p.side(to, l) {
			continue
		}
		keep := 1
		if careful {
			keep = p.enough(from, l)
			if p.groups[from][l] <= p.few[l] {
				return false
			}
		}
		if from == unseen && !careful {
			keep = 0
		}
		if p.counts[from][l]-n < keep {
			return false
		}
	}
	return true
}

func (p *plan) withLabel(l int) int {
	n := 0
	for i := range p.g.all {
		if p.g.all[i].n[l] > 0 {
			n++
		}
	}
	return n
}

// dissolve gives up the unseen set: its groups go where they lie without it.
func (p *plan) dissolve() {
	p.unseen = false
	for i := range p.of {
		if p.of[i] == unseen {
			p.move(i, p.natural(i))
		}
	}
}

// heldOut is how many sources of a label there must be, so that one can be held out of clusters' sets.
const heldOut = 4

// holdOut moves whole sources to unseen where groups are clusters and there are a few sources: those in unseen's part of
// the line, and the next one where a label would be missing.
func (p *plan) holdOut() {
	sources := p.sources()
	chosen, got := map[string]bool{}, [2]int{}
	for _, missing := range []bool{false, true} {
		for l := range labelNames {
			n := 0
			for _, s := range sources {
				if s.n[l] == 0 {
					continue
				}
				n++
				wanted := s.u < p.c.share(unseen) || missing && got[l] == 0
				small := float64(s.n[0]) <= large*float64(p.g.total[0]) && float64(s.n[1]) <= large*float64(p.g.total[1])
				if wanted && small && !chosen[s.name] {
					chosen[s.name] = true
					got[0], got[1] = got[0]+s.n[0], got[1]+s.n[1]
				}
			}
			if n < heldOut {
				return
			}
		}
	}
	if got[0] == 0 || got[1] == 0 {
		return
	}
	for i := range p.g.all {
		if chosen[p.g.all[i].name] {
			p.move(i, unseen)
		}
	}
}

// sources sums the groups by their source, in the order of their places on the line.
func (p *plan) sources() []member {
	index := map[string]int{}
	var out []member
	for i := range p.g.all {
		m := &p.g.all[i]
		if m.name == "" {
			continue
		}
		at, ok := index[m.name]
		if !ok {
			at = len(out)
			index[m.name] = at
			out = append(out, member{name: m.name, u: place(*p.c, "source", m.name)})
		}
		out[at].n[0], out[at].n[1] = out[at].n[0]+m.n[0], out[at].n[1]+m.n[1]
	}
	slices.SortFunc(out, func(a, b member) int {
		if a.u < b.u {
			return -1
		}
		return 1
	})
	return out
}

// say notes what a reader of the results must know.
func (p *plan) say() {
	if p.counts[unseen][benign]+p.counts[unseen][malicious] == 0 && p.c.share(unseen) > 0 {
		p.notes = append(p.notes, "unseen is empty: too few sources to hold some out")
	}
	if p.g.by == "cluster" && p.c.By == "auto" {
		p.notes = append(p.notes, "too few sources to give whole ones to each set: near-duplicates stay together instead, so the figures say less about other sources")
	}
	if p.g.moved > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%d rows go with a copy or near-duplicate of theirs from another source", p.g.moved))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
