// Package leak tells which rows are the same thing: they descend from one row, have equal normal forms, or are
// near-duplicates. Such rows form a cluster. Split keeps a cluster on one side; Check finds clusters on two.
//
// # Glossary
//
//	root     id of the real row that a row descends from
//	near     two texts whose MinHash signatures agree in at least the threshold's share of places
//	cluster  rows connected by equal roots, equal normal forms or nearness, over any number of hops
//	side     what a set of rows is for: it trains, chooses (thresholds, checkpoints), or is reported on
package leak

import (
	"encoding/binary"

	"github.com/zeebo/blake3"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// DefaultNear is the similarity from which two texts count as one.
const DefaultNear = 0.8

// Clusters groups rows as they come. Rows are numbered from 0 in the order of Add. It is for one goroutine.
type Clusters struct {
	near    float64
	parent  []int32          // union-find; the root of a tree is its earliest row
	texts   map[uint64]int32 // first row of each normal form
	roots   map[uint64]int32 // first row of each lineage
	buckets []map[uint32]int32
	entries []entry
}

// entry is a signature, a row that has it, and for each band the next older entry of its bucket (or none).
type entry struct {
	sig   signature
	row   int32
	older [bands]int32
}

const none = -1

// NewClusters makes an empty set of clusters. near is the similarity from which texts belong together (0.5 to 1);
// 0: only equal ones do.
func NewClusters(near float64) *Clusters {
	c := &Clusters{near: near, texts: map[uint64]int32{}, roots: map[uint64]int32{}}
	for range bands {
		c.buckets = append(c.buckets, map[uint32]int32{})
	}
	return c
}

// Len is the number of rows.
func (c *Clusters) Len() int { return len(c.parent) }

// Add adds a row and returns its number.
func (c *Clusters) Add(r artifact.Row) int { return c.add(prepare(r, c.near > 0)) }

// prepared is the part of adding a row that needs no other row.
type prepared struct {
	text, root uint64
	sig        signature
	signed     bool
}

func prepare(r artifact.Row, near bool) prepared {
	key := text.Key(r.Text)
	p := prepared{text: binary.LittleEndian.Uint64(key[:])}
	root := r.Root
	if root == "" {
		root = r.ID
	}
	if root != "" {
		sum := blake3.Sum256([]byte(root))
		p.root = binary.LittleEndian.Uint64(sum[:])
	}
	if near {
		p.sig, p.signed = sign(r.Text), true
	}
	return p
}

func (c *Clusters) add(p prepared) int {
	n := int32(len(c.parent))
	c.parent = append(c.parent, n)
	if p.root != 0 {
		if first, ok := c.roots[p.root]; ok {
			c.union(first, n)
		} else {
			c.roots[p.root] = n
		}
	}
	if first, ok := c.texts[p.text]; ok {
		c.union(first, n)
		return int(n) // whatever is near to it is near to the first
	}
	c.texts[p.text] = n
	if p.signed {
		c.connect(n, p.sig)
	}
	return int(n)
}

// connect joins a row with all rows that are near to it, and files its signature.
func (c *Clusters) connect(n int32, sig signature) {
	for b := range bands {
		at, ok := c.buckets[b][sig.band(b)]
		if !ok {
			continue
		}
		for at != none {
			e := &c.entries[at]
			at = e.older[b]
			if e.sig == sig { // it meets the same rows, now and later: no second entry
				c.union(e.row, n)
				return
			}
			if c.find(e.row) != c.find(n) && e.sig.similarity(&sig) >= c.near {
				c.union(e.row, n)
			}
		}
	}
	c.push(n, sig)
}

// push files a signature in its buckets.
func (c *Clusters) push(n int32, sig signature) {
	at := int32(len(c.entries))
	e := entry{sig: sig, row: n}
	for b := range bands {
		key := sig.band(b)
		older, ok := c.buckets[b][key]
		if !ok {
			older = none
		}
		e.older[b] = older
		c.buckets[b][key] = at
	}
	c.entries = append(c.entries, e)
}

// file makes a row known to lookup without looking for its cluster.
func (c *Clusters) file(p prepared) {
	n := int32(len(c.parent))
	c.parent = append(c.parent, n)
	if _, ok := c.roots[p.root]; !ok && p.root != 0 {
		c.roots[p.root] = n
	}
	if _, ok := c.texts[p.text]; !ok {
		c.texts[p.text] = n
	}
	if p.signed {
		c.push(n, p.sig)
	}
}

// lookup finds a row that a new one belongs to, for the surest reason; a row that is not made before one that is. made
// may be nil: none is.
func (c *Clusters) lookup(p prepared, made []bool) (row int32, kind Kind, similarity float64, ok bool) {
	if row, ok = c.roots[p.root]; ok && p.root != 0 {
		return row, Root, 1, true
	}
	real := func(row int32) bool { return made == nil || !made[row] }
	best := 0.0 // the similarity, and 1 for real rows: they come first
	if row, ok = c.texts[p.text]; ok {
		if real(row) {
			return row, Text, 1, true
		}
		kind, similarity, best = Text, 1, 1
	}
	for b := range bands {
		at, some := c.buckets[b][p.sig.band(b)]
		for some && at != none {
			e := &c.entries[at]
			at = e.older[b]
			s := e.sig.similarity(&p.sig)
			score := s
			if real(e.row) {
				score++
			}
			if s >= c.near && score > best {
				row, kind, similarity, best, ok = e.row, Near, s, score, true
			}
		}
	}
	return row, kind, similarity, ok
}

// First is the earliest row of a row's cluster: the cluster's name.
func (c *Clusters) First(row int) int { return int(c.find(int32(row))) }

func (c *Clusters) find(n int32) int32 {
	for c.parent[n] != n {
		c.parent[n] = c.parent[c.parent[n]] // halves the way for the next question
		n = c.parent[n]
	}
	return n
}

func (c *Clusters) union(a, b int32) {
	a, b = c.find(a), c.find(b)
	if a < b {
		c.parent[b] = a
	} else {
		c.parent[a] = b
	}
}
