package augment

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sort"

	"rein/cache"
)

// ring is a set of texts, sorted by their hashes. A random position chooses the next text on the ring. When a text is added or removed,
// only the positions just before it choose differently. That is why the work on unchanged rows can be remembered.
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

// first returns the first n texts on the ring. It is a sample that hardly changes when texts are added or removed.
func (r *ring) first(n int) []string { return r.texts[:min(n, len(r.texts))] }

// pick returns the text at a position, or "" if the ring is empty.
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

// The names of a family's rings in lookups.
const (
	attackRing   = "attacks"
	templateRing = "templates"
	fillerRing   = "fill "
)

// lookup records a choice among a family's texts. Remembered candidates are valid only while all their lookups still give the same text.
type lookup struct {
	Ring string `json:"r"`
	At   uint64 `json:"a,string"`
	Sum  uint64 `json:"s,string"` // hash of the text that was chosen
}

// reader chooses among a family's texts and records its lookups.
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

// holds tells whether all lookups would still give the same texts.
func (f *family) holds(lookups []lookup) bool {
	for _, l := range lookups {
		if f == nil || hash64(f.ring(l.Ring).pick(l.At)) != l.Sum {
			return false
		}
	}
	return true
}
