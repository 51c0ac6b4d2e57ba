package augment

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sort"

	"rein/cache"
)

// ring is a set of texts in the order of their hashes. A choice by a position falls on the next text, so when a text comes
// or goes, only choices just before it change: that is what lets work on unchanged rows be remembered.
type ring struct {
	at    []uint64
	texts []string
}

func newRing(texts []string) *ring {
	type entry struct {
		at   uint64
		text string
	}
	entries := make([]entry, len(texts))
	for i, s := range texts {
		entries[i] = entry{hash64(s), s}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text)) })
	entries = slices.Compact(entries)
	r := &ring{at: make([]uint64, len(entries)), texts: make([]string, len(entries))}
	for i, e := range entries {
		r.at[i], r.texts[i] = e.at, e.text
	}
	return r
}

// first are the n texts that come first on the ring, a sample that hardly changes when texts come and go.
func (r *ring) first(n int) []string { return r.texts[:min(n, len(r.texts))] }

// pick is the text at a position; "" of an empty ring.
func (r *ring) pick(position uint64) string {
	if r == nil || len(r.texts) == 0 {
		return ""
	}
	return r.texts[sort.Search(len(r.at), func(i int) bool { return r.at[i] >= position })%len(r.at)]
}

func hash64(s string) uint64 {
	sum := cache.Sum([]byte(s))
	return binary.LittleEndian.Uint64(sum[:])
}

// Rings of a family, as lookups name them.
const (
	attackRing   = "attacks"
	templateRing = "templates"
	fillerRing   = "fill "
)

// lookup is a choice that was made from a family's texts: remembered candidates hold only while all their lookups still
// give the same.
type lookup struct {
	Ring string `json:"r"`
	At   uint64 `json:"a,string"`
	Sum  uint64 `json:"s,string"` // hash of what it gave
}

// reader makes choices from a family's texts and remembers them.
type reader struct {
	*family
	lookups []lookup
}

func (r *reader) pick(name string, rng *rand.Rand) string {
	l := lookup{Ring: name, At: rng.Uint64()}
	got := r.ring(name).pick(l.At)
	l.Sum = hash64(got)
	r.lookups = append(r.lookups, l)
	return got
}

// holds tells whether choices made earlier would be made again.
func (f *family) holds(lookups []lookup) bool {
	for _, l := range lookups {
		if f == nil || hash64(f.ring(l.Ring).pick(l.At)) != l.Sum {
			return false
		}
	}
	return true
}
