package sample

import (
	"cmp"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// field is what is kept of the rows to choose from.
type field struct {
	c        Config
	rows     int
	scored   bool // a model has seen the rows
	strata   map[string][]candidate
	near     *text.Near
	cluster  []int32 // of each row, where clusters are looked for
	clusters int
}

// candidate is a row that may be chosen.
type candidate struct {
	at     int32 // its position
	chance uint64
	score  float32
	round  int32 // its number in its cluster, in the order of chance
}

// sameCluster is the similarity from which rows are the same mistake in other words.
const sameCluster = 0.5

// mostClustered is the number of rows up to which clusters are looked for without being asked for: beyond, they would
// cost more than all else.
const mostClustered = 50_000

func newField(c Config) *field {
	return &field{c: c, strata: map[string][]candidate{}, near: text.NewNear(sameCluster)}
}

func (f *field) add(r artifact.Row) {
	s := r.Group(f.c.By)
	chance := text.RNG(int64(f.c.Seed), "sample", r.ID, r.Text).Uint64()
	f.strata[s] = append(f.strata[s], candidate{at: int32(f.rows), chance: chance, score: float32(r.Score)})
	f.join(r.Text)
	f.scored = f.scored || r.Score != 0
	f.rows++
}

// join finds the cluster of a row: that of the first row it is near to.
func (f *field) join(s string) {
	if f.near == nil {
		return
	}
	if f.c.Order != "spread" && f.rows == mostClustered {
		f.near, f.cluster, f.clusters = nil, nil, 0
		return
	}
	sig := text.Sign(s)
	first, _, ok := f.near.FindSignature(sig)
	if !ok {
		first = f.clusters
		f.near.AddSignature(first, sig)
		f.clusters++
	}
	f.cluster = append(f.cluster, int32(first))
}

func (f *field) sizes() map[string]int {
	out := map[string]int{}
	for s, members := range f.strata {
		out[s] = len(members)
	}
	return out
}

// choose takes each stratum's part, and returns the positions in rising order.
func (f *field) choose(quota map[string]int) []int32 {
	var chosen []int32
	for _, s := range sorted(f.strata) {
		members := f.strata[s]
		f.order(members)
		for _, m := range members[:quota[s]] {
			chosen = append(chosen, m.at)
		}
	}
	slices.Sort(chosen)
	return chosen
}

// order puts a stratum's rows into the order in which they are taken. Only the rows themselves decide, not their places.
func (f *field) order(members []candidate) {
	slices.SortFunc(members, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.chance, b.chance), cmp.Compare(a.at, b.at)) })
	switch f.c.Order {
	case "score":
		slices.SortStableFunc(members, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	case "spread":
		size := map[int32]int32{}
		for i := range members {
			c := f.cluster[members[i].at]
			members[i].round = size[c]
			size[c]++
		}
		slices.SortStableFunc(members, func(a, b candidate) int { return cmp.Compare(a.round, b.round) })
	}
}
