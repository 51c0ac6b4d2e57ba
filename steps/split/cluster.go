package split

import (
	"cmp"
	"fmt"
	"slices"
)

// byCluster divides clusters among all sets, whatever their sources. When rows are split by time, the clusters' places on the line already
// follow the time of their oldest rows.
func (p *assignment) byCluster(c Config, g *groups) error {
	held := map[int32]bool{}
	if g.by == "cluster" && c.share(unseen) > 0 {
		held = c.holdOut(g)
	}
	var rest []int
	for i := range g.all {
		if g.all[i].fromPool {
			continue
		}
		if held[g.all[i].source] && !g.inPool(g.all[i].source) {
			p.of[i] = unseen
		} else {
			rest = append(rest, i)
		}
	}
	return p.divide(c, g, rest)
}

// onLine returns the set for a place on the line if no source is held out. From 0, the sets are test, validation, pool and train.
func (c *Config) onLine(u float64) set {
	for _, s := range []set{test, validation, pool} {
		if u < c.share(s) {
			return s
		}
		u -= c.share(s)
	}
	return train
}

// divide puts each cluster into the set at its place on the line. It then moves some to sets that have too few rows of a label. Clusters
// with malicious rows in the pool's part of the line go to train.
func (p *assignment) divide(c Config, g *groups, rest []int) error {
	order := []set{test, validation, train, pool}
	if g.given {
		order = order[:3]
	}
	var members []member
	var at []int
	var total [2]int
	for _, i := range rest {
		m := g.all[i]
		total[0], total[1] = total[0]+int(m.n[0]), total[1]+int(m.n[1])
		members, at = append(members, m), append(at, i)
	}
	bins := make([]bin, len(order))
	low := 0.0
	for b, s := range order {
		share := c.share(s)
		switch {
		case g.given && s == train:
			share = 1 - c.share(validation)
		case g.given && s == test:
			share = 0
		case s == train:
			share = 1 - c.share(test) - c.share(validation) - c.share(pool)
		}
		bins[b] = bin{name: s.String(), low: low, high: low + share, few: [2]int{1, 1}}
		bins[b].target = [2]float64{share * float64(total[0]), share * float64(total[1])}
		low += share
		if s == pool {
			bins[b].target[malicious] = 0
			bins[b].takes = func(m *member) bool { return m.n[malicious] == 0 }
		}
	}
	q := pack(members, bins, func(m *member) int {
		s := c.onLine(m.u)
		if s == pool && (m.n[malicious] > 0 || g.given) || s == test && g.given {
			s = train
		}
		return slices.Index(order, s)
	})
	if err := q.fillAll(labelNames); err != nil {
		return fmt.Errorf("%w (by = %q)", err, g.by)
	}
	for i, b := range q.of {
		p.of[at[i]] = order[b]
	}
	return nil
}

// fewSources is the smallest number of sources of a label from which one can be held out.
const fewSources = 4

// holdOut chooses whole sources for unseen when clusters are divided and there are a few sources. It takes the sources in unseen's part of
// the line, and the next one if a label is missing.
func (c *Config) holdOut(g *groups) map[int32]bool {
	sources := slices.Clone(g.sources)
	slices.SortFunc(sources, func(a, b member) int { return cmp.Compare(a.u, b.u) })
	chosen, got := map[int32]bool{}, [2]int32{}
	for _, missing := range []bool{false, true} {
		for l := range labelNames {
			n := 0
			for _, s := range sources {
				if s.n[l] == 0 || g.names[s.source] == "" {
					continue
				}
				n++
				wanted := s.u < c.share(unseen) || missing && got[l] == 0
				small := float64(s.n[0]) <= large*float64(g.total[0]) && float64(s.n[1]) <= large*float64(g.total[1])
				if wanted && small && !chosen[s.source] {
					chosen[s.source] = true
					got[0], got[1] = got[0]+s.n[0], got[1]+s.n[1]
				}
			}
			if n < fewSources {
				return nil
			}
		}
	}
	if got[0] == 0 || got[1] == 0 {
		return nil
	}
	return chosen
}
