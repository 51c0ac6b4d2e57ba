package sample

import (
	"cmp"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// field holds what is kept of the rows among which the step chooses.
type field struct {
	c        Config
	rows     int
	scored   bool // the rows have scores of a model
	strata   map[string][]candidate
	near     *text.Near
	cluster  []int32 // cluster of each row, if clusters are wanted
	clusters int
}

// candidate is a row that may be chosen.
type candidate struct {
	at     int32 // index of the row
	chance uint64
	score  float32
	round  int32 // number within its cluster, in random order
}

// sameCluster is the similarity from which two rows count as the same mistake in other words.
const sameCluster = 0.5

// mostClustered is the number of rows up to which clusters are found unasked. With more rows, clusters would take longer than everything
// else.
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

// join puts the next row into the cluster of the first row that it is similar to, or into a new one.
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

// choose takes from each stratum as many rows as quota says, and returns their indexes in rising order.
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

// order sorts a stratum's rows into the order in which they are chosen. The order depends only on the rows themselves, not on their places.
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
