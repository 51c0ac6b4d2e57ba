package balance

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"rein/steps/artifact"
)

// Limit bounds the share that each group of a grouping may have.
type Limit struct {
	By    string   `hcl:"by" doc:"What rows are grouped by; length is short (under 40 characters), medium (under 200) or long." enum:"category,source,method,role,channel,length"`
	Label string   `hcl:"label,optional" doc:"Label of the rows that are counted." enum:"benign,malicious"`
	Most  float64  `hcl:"most,optional" default:"1" doc:"Largest share that a group may have."`
	Least float64  `hcl:"least,optional" default:"0" doc:"Smallest share that a group must have."`
	Of    []string `hcl:"of,optional" doc:"Groups that are judged, even if they have no row. Empty: all groups that have rows."`
}

func (l Limit) validate() error {
	if !(0 <= l.Least && l.Least <= l.Most && l.Most <= 1) {
		return fmt.Errorf("want 0 <= least %v <= most %v <= 1", l.Least, l.Most)
	}
	if l.Least == 0 && l.Most == 1 {
		return errors.New("asks for nothing: want most or least")
	}
	return nil
}

// counts holds the number of rows by label, and by group for each limit.
type counts struct {
	limits        []Limit
	groups        []map[string]int
	of            []int // number of rows that each limit applies to
	benign, total int
}

func newCounts(limits []Limit) *counts {
	n := &counts{limits: limits, of: make([]int, len(limits))}
	for range limits {
		n.groups = append(n.groups, map[string]int{})
	}
	return n
}

func (n *counts) add(r artifact.Row) {
	n.total++
	if r.Label == artifact.Benign {
		n.benign++
	}
	for i, l := range n.limits {
		if l.Label == "" || l.Label == r.Label {
			n.groups[i][r.Group(l.By)]++
			n.of[i]++
		}
	}
}

// breaches describes each group that is outside its limit.
func (n *counts) breaches() []string {
	var out []string
	for i, l := range n.limits {
		what := "rows"
		if l.Label != "" {
			what = l.Label + " rows"
		}
		if n.of[i] == 0 {
			out = append(out, fmt.Sprintf("by %s: there are no %s to judge", l.By, what))
			continue
		}
		names := slices.Sorted(maps.Keys(n.groups[i]))
		if len(l.Of) > 0 {
			names = slices.Sorted(slices.Values(l.Of))
		}
		for _, g := range names {
			share := float64(n.groups[i][g]) / float64(n.of[i])
			switch {
			case share > l.Most:
				out = append(out, fmt.Sprintf("%s %q has %.1f%% of %d %s, more than %g%%", l.By, g, 100*share, n.of[i], what, 100*l.Most))
			case share < l.Least:
				out = append(out, fmt.Sprintf("%s %q has %.1f%% of %d %s, less than %g%%", l.By, g, 100*share, n.of[i], what, 100*l.Least))
			}
		}
	}
	return out
}
