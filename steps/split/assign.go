package split

import "fmt"

// plan says which set each cluster goes to.
type plan struct {
	of     []set
	counts [sets][2]int // rows by label
	notes  []string
}

// assign gives each cluster its set.
func assign(c Config, g *groups) (*plan, error) {
	for l, n := range g.total {
		if n == 0 {
			return nil, fmt.Errorf("none of the %d rows is %s: every set needs both labels", len(g.of), labelNames[l])
		}
	}
	p := &plan{of: make([]set, len(g.all))}
	var err error
	if g.by == "source" {
		err = p.bySource(c, g)
	} else {
		err = p.byCluster(c, g)
	}
	if err != nil {
		return nil, err
	}
	for i := range g.all {
		for l, n := range g.all[i].n {
			p.counts[p.of[i]][l] += int(n)
		}
	}
	p.say(c, g)
	return p, nil
}

// Zones of sources: some train, some are held out, some nobody sees.
const (
	zoneTrain = iota
	zoneHeldOut
	zoneUnseen
)

// large is the share of a label's rows from which a source is too large to be anything but training data.
const large = 0.3

// bySource divides the sources into zones. Within the held-out zone, clusters are divided among validation, pool and
// test: none of them has a source that trains, and what chooses a threshold is like what is reported on. The unseen
// zone's sources are in no other set: there a model must prove itself.
func (p *plan) bySource(c Config, g *groups) error {
	z := pack(g.sources, c.zones(g), func(m *member) int {
		for l, n := range m.n {
			if float64(n) > large*float64(g.total[l]) {
				return zoneTrain
			}
		}
		return c.zone(m)
	})
	for _, to := range []int{zoneHeldOut, zoneTrain, zoneUnseen} {
		for l := range labelNames {
			if !z.fill(to, l) && to != zoneUnseen {
				return fmt.Errorf("too few sources: none with %s rows is left for %s (by = %q)", labelNames[l], z.bins[to].name, "source")
			}
		}
	}
	if n := z.counts[zoneUnseen]; n[benign] == 0 || n[malicious] == 0 {
		for i, zone := range z.of {
			if zone == zoneUnseen {
				z.move(i, zoneHeldOut)
			}
		}
	}
	var inside []int // clusters of the held-out zone
	for i := range g.all {
		m := &g.all[i]
		zone := c.zone(m) // of a row without a source
		if g.names[m.source] != "" {
			zone = z.of[m.source]
		}
		switch zone {
		case zoneTrain:
			p.of[i] = train
		case zoneUnseen:
			p.of[i] = unseen
		default:
			inside = append(inside, i)
		}
	}
	return p.heldOut(c, g, inside)
}

// zones are the bins of sources. Malicious rows have no pool: what it takes of the benign ones trains.
func (c *Config) zones(g *groups) []bin {
	out := []bin{{name: "training"}, {name: "validation, pool and test"}, {name: "unseen"}}
	u, reported := c.share(unseen), c.share(unseen)+c.share(test)+c.share(validation)
	held := reported + c.share(pool)
	shares := [3][2]float64{{1 - held, 1 - reported}, {held - u, reported - u}, {u, u}}
	for l := range labelNames {
		with := 0
		for i := range g.sources {
			if g.sources[i].n[l] > 0 {
				with++
			}
		}
		for z := range out {
			out[z].target[l] = shares[z][l] * float64(g.total[l])
			out[z].few[l] = max(1, min(4, with/4)) // one or two sources say little about others
		}
	}
	out[zoneUnseen].high = u
	out[zoneHeldOut].low, out[zoneHeldOut].high = u, held
	out[zoneTrain].low, out[zoneTrain].high = held, 1
	return out
}

func (c *Config) zone(m *member) int {
	reported := c.share(unseen) + c.share(test) + c.share(validation)
	switch {
	case m.u < c.share(unseen):
		return zoneUnseen
	case m.u < reported, m.n[benign] > 0 && m.u < reported+c.share(pool):
		return zoneHeldOut
	}
	return zoneTrain
}

// heldOut divides clusters among test, validation and pool. Clusters with malicious rows don't go to the pool.
func (p *plan) heldOut(c Config, g *groups, inside []int) error {
	bins, sides := make([]bin, 3), []set{test, validation, pool}
	members := make([]member, len(inside))
	var total [2]int
	for i, at := range inside {
		members[i] = g.all[at]
		total[0], total[1] = total[0]+int(members[i].n[0]), total[1]+int(members[i].n[1])
	}
	whole, low := c.share(test)+c.share(validation)+c.share(pool), 0.0
	reported := c.share(test) + c.share(validation)
	for i, s := range sides {
		high := low + c.share(s)/whole
		bins[i] = bin{name: s.String(), low: low, high: high, few: [2]int{1, 1}}
		bins[i].target[benign] = (high - low) * float64(total[benign])
		if s != pool {
			bins[i].target[malicious] = c.share(s) / reported * float64(total[malicious])
		}
		low = high
	}
	bins[2].takes = func(m *member) bool { return m.n[malicious] == 0 }
	q := pack(members, bins, func(m *member) int {
		u := m.u
		if m.n[malicious] > 0 {
			u *= reported / whole
		}
		for i := range bins {
			if u < bins[i].high {
				return i
			}
		}
		return 0
	})
	if err := q.fillAll(labelNames); err != nil {
		return fmt.Errorf("%w (by = %q)", err, g.by)
	}
	for i, at := range inside {
		p.of[at] = sides[q.of[i]]
	}
	return nil
}

// fillAll fills every bin, in their order.
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

// say notes what a reader of the results must know.
func (p *plan) say(c Config, g *groups) {
	if p.counts[unseen][benign]+p.counts[unseen][malicious] == 0 && c.share(unseen) > 0 {
		p.notes = append(p.notes, "unseen is empty: too few sources to hold some out")
	}
	if g.by == "cluster" && c.By == "auto" {
		p.notes = append(p.notes, "too few sources to hold whole ones out of training: near-duplicates stay together instead, so the figures say less about other sources")
	}
	if g.moved > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%d rows go with a copy or near-duplicate of theirs from another source", g.moved))
	}
}
