package split

import (
	"fmt"
	"math"
)

// assignment says which set each cluster goes to.
type assignment struct {
	of     []set
	zones  []int        // zone of each source; nil if the rows are divided whatever their sources
	noTest bool         // there is no test set: the rows to report on come from elsewhere
	counts [sets][2]int // rows of each set by label
	notes  []string
}

// assign decides the set of each cluster. It fails if a set would lack rows of a label that it needs.
func assign(c Config, g *groups) (*assignment, error) {
	for l, n := range g.total {
		if n == 0 {
			return nil, fmt.Errorf("none of the %d rows is %s: every set needs both labels", len(g.of), labelNames[l])
		}
	}
	p := &assignment{of: make([]set, len(g.all)), noTest: c.share(test) == 0}
	var err error
	switch {
	case c.Folds > 0:
		err = p.byFold(c, g)
	case g.by == "source":
		err = p.bySource(c, g)
	default:
		err = p.byCluster(c, g)
	}
	if err != nil {
		return nil, err
	}
	p.divideGiven(c, g)
	for i := range g.all {
		for l, n := range g.all[i].n {
			p.counts[p.of[i]][l] += int(n)
		}
	}
	p.say(c, g)
	return p, nil
}

// The zones of sources. Each source is in exactly one zone, so no two roles share a source.
const (
	zoneTrain      = iota
	zoneValidation // decides the number of epochs and the threshold
	zonePool       // mined; the rows held out of it are own traffic
	zoneUnseen     // new sources, which are in no other set
)

// zoneOf returns the zone that a set belongs to.
func zoneOf(s set) int {
	return [...]int{train: zoneTrain, validation: zoneValidation, pool: zonePool, test: zonePool, unseen: zoneUnseen}[s]
}

// large is the share of a label's rows above which a source is used only for training.
const large = 0.3

// bySource divides the sources into zones, one for each role. Within the pool's zone it divides the clusters between pool and test.
func (p *assignment) bySource(c Config, g *groups) error {
	z := pack(g.sources, c.zones(g), func(m *member) int {
		if g.inPool(m.source) {
			return zoneTrain
		}
		for l, n := range m.n {
			if float64(n) > large*float64(g.total[l]) {
				return zoneTrain
			}
		}
		return c.zone(m)
	})
	for _, to := range []int{zonePool, zoneTrain, zoneValidation, zoneUnseen} {
		for l := range labelNames {
			if !z.fill(to, l) && to != zoneUnseen {
				return fmt.Errorf("too few sources: none with %s rows is left for %s (by = %q)", labelNames[l], z.bins[to].name, "source")
			}
		}
	}
	if n := z.counts[zoneUnseen]; n[benign] == 0 || n[malicious] == 0 {
		for i, zone := range z.of {
			if zone == zoneUnseen {
				z.move(i, zoneValidation)
			}
		}
	}
	return p.inZones(c, g, z.of)
}

// inZones puts each cluster into the zone of its source. A cluster without a source goes where its place on the line is.
func (p *assignment) inZones(c Config, g *groups, zones []int) error {
	p.zones = zones
	var inside []int // clusters of the pool's zone
	for i := range g.all {
		m := &g.all[i]
		zone := zoneTrain
		if g.names[m.source] != "" {
			zone = zones[m.source]
		} else if c.zone(m) == zonePool {
			zone = zonePool // rows without a source can't be new sources, nor choose a threshold for them
		}
		switch zone {
		case zoneTrain:
			p.of[i] = train
		case zoneValidation:
			p.of[i] = validation
		case zoneUnseen:
			p.of[i] = unseen
		default:
			inside = append(inside, i)
		}
	}
	return p.heldOut(c, g, inside)
}

// The numbers of sources that the roles should have if there are enough. With fewer than 6 new sources, no test over sources can show
// anything.
const (
	validationSources = 9 // the number that the fraction of validation is meant for
	unseenSources     = 6
	poolSources       = 4
)

// zones returns one bin for each zone. The pool takes no malicious rows, so the share of them that it would get is used for training.
func (c *Config) zones(g *groups) []bin {
	out := []bin{{name: "training"}, {name: "validation"}, {name: "pool and test"}, {name: "unseen"}}
	u, v, t, pl := c.share(unseen), c.choosing(), c.share(test), c.share(pool)
	shares := [4][2]float64{{1 - u - v - t - pl, 1 - u - v - t}, {v, v}, {pl + t, t}, {u, u}}
	if g.given { // the pool is another file; its held-out rows are own traffic, with attacks held out of the training rows
		shares[zoneTrain], shares[zonePool] = [2]float64{1 - u - v, 1 - u - v}, [2]float64{}
	}
	for l := range labelNames {
		with := 0
		for i := range g.sources {
			if g.sources[i].n[l] > 0 {
				with++
			}
		}
		for z := range out {
			out[z].target[l] = shares[z][l] * float64(g.total[l])
			out[z].few[l] = 1
		}
		if l == benign {
			out[zoneValidation].few[l] = max(1, min(c.Choosing, with*3/8))
		} else {
			out[zoneValidation].few[l] = max(1, min(poolSources, with/4))
		}
		out[zoneUnseen].few[l] = max(1, min(unseenSources, with/4))
		out[zonePool].few[l] = max(1, min(poolSources, with/6))
		out[zoneTrain].few[l] = max(1, min(4, with/4))
	}
	for _, z := range []int{zoneValidation, zonePool, zoneUnseen} {
		out[z].takes = func(m *member) bool { return !g.inPool(m.source) }
	}
	out[zoneUnseen].high = u
	out[zoneValidation].low, out[zoneValidation].high = u, u+v
	out[zonePool].low, out[zonePool].high = u+v, u+v+t+pl
	out[zoneTrain].low, out[zoneTrain].high = u+v+t+pl, 1
	return out
}

func (c *Config) zone(m *member) int {
	u, v, t, pl := c.share(unseen), c.choosing(), c.share(test), c.share(pool)
	switch {
	case m.u < u:
		return zoneUnseen
	case m.u < u+v:
		return zoneValidation
	case m.u < u+v+t, m.n[benign] > 0 && m.u < u+v+t+pl:
		return zonePool
	}
	return zoneTrain
}

// heldOut divides clusters between test and pool. Clusters with malicious rows don't go to the pool.
func (p *assignment) heldOut(c Config, g *groups, inside []int) error {
	if len(inside) == 0 {
		return nil
	}
	bins, sides := make([]bin, 2), []set{test, pool}
	members := make([]member, len(inside))
	var total [2]int
	for i, at := range inside {
		members[i] = g.all[at]
		total[0], total[1] = total[0]+int(members[i].n[0]), total[1]+int(members[i].n[1])
	}
	reported := 1.0
	if whole := c.share(test) + c.share(pool); whole > 0 {
		reported = c.share(test) / whole
	}
	bins[0] = bin{name: test.String(), high: reported, few: [2]int{1, 1}, target: [2]float64{reported * float64(total[0]), reported * float64(total[1])}}
	bins[1] = bin{name: pool.String(), low: reported, high: 1, few: [2]int{1, 1}, target: [2]float64{(1 - reported) * float64(total[0]), 0},
		takes: func(m *member) bool { return m.n[malicious] == 0 }}
	q := pack(members, bins, func(m *member) int {
		if m.n[malicious] > 0 || g.inside(m.u) < reported {
			return 0
		}
		return 1
	})
	if err := q.fillAll(labelNames); err != nil {
		return fmt.Errorf("%w (by = %q)", err, g.by)
	}
	for i, at := range inside {
		p.of[at] = sides[q.of[i]]
	}
	return nil
}

// inside returns a second random number for a cluster with place u. A cluster without a source is in the pool's zone because of u itself,
// so u can't also decide between test and pool.
func (g *groups) inside(u float64) float64 {
	_, frac := math.Modf(u * 1e6)
	return frac
}

// divideGiven divides a pool that is another file between pool and test. The same share of attacks is moved from training to test, because
// the pool itself has none to hold out.
func (p *assignment) divideGiven(c Config, g *groups) {
	if !g.given {
		return
	}
	for i := range g.all {
		m, held := &g.all[i], g.inside(g.all[i].u) < c.share(test)
		switch {
		case m.fromPool && (held && m.n[malicious] == 0 || m.n[malicious] > 0):
			p.of[i] = test
		case m.fromPool:
			p.of[i] = pool
		case p.of[i] == train && m.n[benign] == 0 && held:
			p.of[i] = test
		}
	}
}

// fillAll fills every bin, in order.
func (p *packing) fillAll(labels [2]string) error {
	for to := range p.bins {
		for l, name := range labels {
			if !p.fill(to, l) {
				return fmt.Errorf("%s gets no %s row: there are too few to have some in each set", p.bins[to].name, name)
			}
		}
	}
	return nil
}

// say adds the notes that readers of the results need.
func (p *assignment) say(c Config, g *groups) {
	if p.counts[unseen][benign]+p.counts[unseen][malicious] == 0 && c.share(unseen) > 0 {
		p.notes = append(p.notes, "unseen is empty: too few sources to hold some out")
	}
	if g.by == "cluster" && c.By == "auto" {
		p.notes = append(p.notes, "too few sources to hold whole ones out of training: near-duplicates stay together instead, so the figures say less about other sources")
	}
	if g.moved > 0 && p.zones == nil {
		p.notes = append(p.notes, fmt.Sprintf("%d rows go with a copy or near-duplicate of theirs from another source", g.moved))
	}
}
