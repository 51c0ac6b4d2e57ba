package leak

import "rein/steps/artifact"

// Fingerprint is what a text is compared by.
type Fingerprint struct{ p prepared }

// Fingerprints computes the fingerprints of texts, on all cores.
func Fingerprints(texts []string) []Fingerprint {
	rows := make([]artifact.Row, len(texts))
	for i, s := range texts {
		rows[i].Text = s
	}
	out := make([]Fingerprint, len(texts))
	for i, p := range prepareAll(rows, true) {
		out[i].p = p
	}
	return out
}

// Index holds texts and tells whether another text is equal or near to one of them. Steps that make or choose rows use it to avoid texts
// that resemble those a model is trained on. It is not safe for concurrent writes.
type Index struct {
	near    float64
	rows    int32
	texts   map[uint64]int32 // first row of each normal form
	roots   map[uint64]int32 // first row of each root
	buckets []map[uint32]int32
	entries []entry
}

// entry is a signature and a row that has it. older links it, for each band, to the next older entry of its bucket, or none.
type entry struct {
	sig   signature
	row   int32
	older [bands]int32
}

const none = -1

// NewIndex makes an empty index. near is the similarity at and above which texts are near-duplicates.
func NewIndex(near float64) *Index {
	x := &Index{near: near, texts: map[uint64]int32{}, roots: map[uint64]int32{}}
	for range bands {
		x.buckets = append(x.buckets, map[uint32]int32{})
	}
	return x
}

// Add adds a text to the index.
func (x *Index) Add(f Fingerprint) { x.add(f.p) }

// Knows tells whether a text of the index is equal or near to this one.
func (x *Index) Knows(f Fingerprint) bool {
	if _, ok := x.texts[f.p.text]; ok {
		return true
	}
	for b := range bands {
		at, ok := x.buckets[b][f.p.sig.band(b)]
		for ok && at != none {
			e := &x.entries[at]
			if e.sig.similarity(&f.p.sig) >= x.near {
				return true
			}
			at = e.older[b]
		}
	}
	return false
}

// KnowsAll calls Knows for many texts, on all cores.
func (x *Index) KnowsAll(prints []Fingerprint) []bool {
	out := make([]bool, len(prints))
	parallel(len(prints), func(i int) { out[i] = x.Knows(prints[i]) })
	return out
}

func (x *Index) add(p prepared) {
	n := x.rows
	x.rows++
	if _, ok := x.roots[p.root]; !ok && p.root != 0 {
		x.roots[p.root] = n
	}
	if _, ok := x.texts[p.text]; !ok {
		x.texts[p.text] = n
	}
	if !p.signed {
		return
	}
	at := int32(len(x.entries))
	e := entry{sig: p.sig, row: n}
	for b := range bands {
		key := p.sig.band(b)
		older, ok := x.buckets[b][key]
		if !ok {
			older = none
		}
		e.older[b] = older
		x.buckets[b][key] = at
	}
	x.entries = append(x.entries, e)
}

// lookup finds the row that a new row is related to for the surest reason. It prefers real rows to those that are marked in made; a nil
// made marks none.
func (x *Index) lookup(p prepared, made []bool) (row int32, kind Kind, similarity float64, ok bool) {
	if row, ok = x.roots[p.root]; ok && p.root != 0 {
		return row, Root, 1, true
	}
	real := func(row int32) bool { return made == nil || !made[row] }
	best := 0.0 // similarity, plus 1 for a real row, so that real rows win
	if row, ok = x.texts[p.text]; ok {
		if real(row) {
			return row, Text, 1, true
		}
		kind, similarity, best = Text, 1, 1
	}
	for b := range bands {
		at, some := x.buckets[b][p.sig.band(b)]
		for some && at != none {
			e := &x.entries[at]
			at = e.older[b]
			s := e.sig.similarity(&p.sig)
			score := s
			if real(e.row) {
				score++
			}
			if s >= x.near && score > best {
				row, kind, similarity, best, ok = e.row, Near, s, score, true
			}
		}
	}
	return row, kind, similarity, ok
}
