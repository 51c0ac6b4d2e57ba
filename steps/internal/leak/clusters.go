// Package leak finds rows that are practically the same: they descend from one row, have equal normal forms, or are near-duplicates. Such
// rows form a cluster. Splitting keeps each cluster in one set; checking finds clusters that are in two.
//
// # Glossary
//
//	root     id of the real row that a row descends from
//	near     similar texts: their MinHash signatures agree in at least a given share of their values
//	cluster  rows connected by equal roots, equal normal forms or nearness, directly or through other rows
//	side     what a set of rows is for: it trains, chooses (thresholds, checkpoints), or is reported on
package leak

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/zeebo/blake3"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// DefaultNear is the similarity at and above which two texts are near-duplicates.
const DefaultNear = 0.8

// Clusters groups rows. Rows are numbered from 0 in the order in which they are added. Add all rows first: after the first call of First,
// no more can be added. Each row takes 80 bytes whatever its length, and 4 bytes after the first call of First. It is not safe for
// concurrent use.
type Clusters struct {
	near   float64
	texts  []uint64 // hash of each row's normal form
	roots  []uint64 // hash of each row's root; 0 if it has none
	sigs   signatures
	parent []int32 // union-find, nil until built; the root of a tree is its earliest row
}

// NewClusters makes an empty set of clusters. near is the similarity (0.5 to 1) at and above which texts belong together; with 0, only
// texts with equal normal forms do.
func NewClusters(near float64) *Clusters { return &Clusters{near: near} }

// Len is the number of rows.
func (c *Clusters) Len() int { return max(len(c.texts), len(c.parent)) }

// Add adds a row and returns its number.
func (c *Clusters) Add(r artifact.Row) int { return c.add(prepare(r, c.near > 0)) }

// prepared is what a row is compared by. Computing it needs no other row.
type prepared struct {
	text, root uint64
	sig        signature
	signed     bool
}

func prepare(r artifact.Row, near bool) prepared {
	var p prepared
	var key [16]byte
	if near {
		var sig text.Signature
		key, sig = text.KeyAndSign(r.Text)
		p.sig, p.signed = lowBytes(sig), true
	} else {
		key = text.Key(r.Text)
	}
	p.text = binary.LittleEndian.Uint64(key[:])
	root := r.Root
	if root == "" {
		root = r.ID
	}
	if root != "" {
		sum := blake3.Sum256([]byte(root))
		p.root = binary.LittleEndian.Uint64(sum[:])
	}
	return p
}

func (c *Clusters) add(p prepared) int {
	if c.parent != nil {
		panic("leak: Add after First")
	}
	c.texts, c.roots = append(c.texts, p.text), append(c.roots, p.root)
	if c.near > 0 {
		c.sigs.add(len(c.texts)-1, p.sig)
	}
	return len(c.texts) - 1
}

// First returns the number of the earliest row of a row's cluster, which identifies the cluster.
func (c *Clusters) First(row int) int {
	if c.parent == nil {
		c.build()
		c.texts, c.roots, c.sigs = nil, nil, signatures{}
	}
	return int(c.find(int32(row)))
}

// build joins the rows that belong together. It finds candidates by sorting, which takes less memory than hash tables.
func (c *Clusters) build() {
	c.parent = make([]int32, len(c.texts))
	for i := range c.parent {
		c.parent[i] = int32(i)
	}
	repeats := c.joinEqual(c.texts)
	c.joinEqual(c.roots)
	if c.near == 0 {
		return
	}
	keys := make([]uint64, 0, len(c.texts))
	for b := range bands {
		keys = keys[:0]
		for i, repeat := range repeats {
			if !repeat { // rows near to a repeated text are near to its first row, too
				keys = append(keys, uint64(c.sigs.at(i).band(b))<<32|uint64(i))
			}
		}
		slices.Sort(keys)
		for from, to := 0, 0; from < len(keys); from = to {
			for to = from + 1; to < len(keys) && keys[to]>>32 == keys[from]>>32; to++ {
			}
			c.joinBucket(keys[from:to])
		}
	}
}

// joinEqual joins rows with equal hashes. It marks the rows whose hash an earlier row has. Hash 0 stands for no hash.
func (c *Clusters) joinEqual(hashes []uint64) (repeats []bool) {
	repeats = make([]bool, len(hashes))
	order := make([]int32, len(hashes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(hashes[a], hashes[b]), cmp.Compare(a, b)) })
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; hashes[a] == hashes[b] && hashes[a] != 0 {
			repeats[b] = true
			c.union(a, b)
		}
	}
	return repeats
}

// joinBucket joins the rows of one bucket that are near to each other. Of rows with equal signatures it compares only the first.
func (c *Clusters) joinBucket(keys []uint64) {
	var distinct []int32
next:
	for _, k := range keys {
		row := int32(uint32(k))
		sig := c.sigs.at(int(row))
		for _, other := range distinct {
			switch o := c.sigs.at(int(other)); {
			case *o == *sig:
				c.union(other, row)
				continue next
			case c.find(other) != c.find(row) && o.similarity(sig) >= c.near:
				c.union(other, row)
			}
		}
		distinct = append(distinct, row)
	}
}

func (c *Clusters) find(n int32) int32 {
	for c.parent[n] != n {
		c.parent[n] = c.parent[c.parent[n]] // halves the path for the next look-up
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
