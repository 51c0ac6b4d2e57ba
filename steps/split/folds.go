package split

import (
	"cmp"
	"fmt"
	"slices"
)

// fewestFolds is the smallest number of groups of sources. One group is reported on, one chooses the threshold, one is mined, and the rest
// train.
const fewestFolds = 4

// byFold deals the sources into as many groups as there are folds. The fold decides each group's role. Over all folds, each source is a new
// source exactly once.
func (p *assignment) byFold(c Config, g *groups) error {
	of, err := deal(c, g)
	if err != nil {
		return err
	}
	zones := make([]int, len(g.sources))
	for i := range zones {
		if of[i] < 0 {
			continue // the source is in the given pool, so it trains
		}
		switch role := (of[i] - (c.Fold - 1) + c.Folds) % c.Folds; {
		case role == 0:
			zones[i] = zoneUnseen
		case role == 1:
			zones[i] = zoneValidation
		case role == 2 && !g.given:
			zones[i] = zonePool
		}
	}
	return p.inZones(c, g, zones)
}

// deal returns the group of each source, or -1 if the source has none. It gives the groups about equal numbers of sources and of rows of
// each label. The largest sources come first; each goes to the group with the fewest rows among those that have room.
func deal(c Config, g *groups) ([]int, error) {
	of, order := make([]int, len(g.sources)), []int{}
	share := func(i, l int) float64 { return float64(g.sources[i].n[l]) / float64(g.total[l]) }
	kind := func(i int) int { // the label of which the source has the larger share
		if share(i, malicious) > share(i, benign) {
			return malicious
		}
		return benign
	}
	var have, kinds [2]int // sources that have rows of a label; sources by kind
	for i := range g.sources {
		of[i] = -1
		if m := &g.sources[i]; g.names[m.source] == "" || g.inPool(m.source) || m.size() == 0 {
			continue
		}
		order = append(order, i)
		kinds[kind(i)]++
		for l, n := range g.sources[i].n {
			if n > 0 {
				have[l]++
			}
		}
	}
	if least := min(have[0], have[1]); least < c.Folds {
		return nil, fmt.Errorf("too few sources for folds = %d: %d have benign rows and %d malicious ones, and each fold reports on sources of its own with both; %s",
			c.Folds, have[0], have[1], instead(least))
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(share(b, kind(b)), share(a, kind(a))), cmp.Compare(g.sources[a].u, g.sources[b].u))
	})
	rows, room := make([][2]float64, c.Folds), make([][2]int, c.Folds)
	for _, i := range order {
		k, best := kind(i), -1
		lacks := func(f int) (n int) { // number of labels that the group would get first from this source
			for l := range labelNames {
				if rows[f][l] == 0 && share(i, l) > 0 {
					n++
				}
			}
			return n
		}
		for f := range rows {
			full := room[f][k] >= (kinds[k]+c.Folds-1)/c.Folds
			if !full && (best < 0 || lacks(f) > lacks(best) || lacks(f) == lacks(best) && rows[f][k] < rows[best][k]) {
				best = f
			}
		}
		of[i] = best
		room[best][k]++
		for l := range labelNames {
			rows[best][l] += share(i, l)
		}
	}
	for f := range rows {
		for l, n := range rows[f] {
			if n == 0 {
				return nil, fmt.Errorf("too few sources for folds = %d: group %d has none with %s rows; %s", c.Folds, f+1, labelNames[l], instead(c.Folds-1))
			}
		}
	}
	return of, nil
}

// instead returns advice for when there are too few sources. most is the largest possible number of folds.
func instead(most int) string {
	if most < fewestFolds {
		return fmt.Sprintf("folds need at least %d of each: use folds = 0, or give more sources", fewestFolds)
	}
	return fmt.Sprintf("use folds = %d at most, or give more sources", most)
}
