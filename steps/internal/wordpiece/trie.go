package wordpiece

import "slices"

// trie maps byte strings to token ids, and finds the longest one that a text begins with. It is a double array: the child of node n for
// byte b is at base[n]+b, if check says that this node belongs to n. A step takes two array reads and no hashing.
type trie struct {
	nodes []node
}

type node struct {
	base  int32
	check int32 // parent + 1; 0 if the node is free
	id    int32 // token that ends at this node, or -1
}

// newTrie builds a trie from pairs of a token's text and id, which it sorts.
func newTrie(pairs []pair) *trie {
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.text < b.text {
			return -1
		} else if a.text > b.text {
			return 1
		}
		return 0
	})
	t := &trie{nodes: []node{{base: 1, id: -1}}}
	t.build(0, pairs, 0, &free{from: 256})
	return t
}

type pair struct {
	text string
	id   int32
}

// window is how many of the last nodes freeBase searches. More of them save memory, fewer save time.
const window = 512

// free keeps the position below which all nodes are taken, so that building stays fast.
type free struct{ from int32 } // at least 256, so that base plus label is never below it

// build places the children of node n. The pairs share their first depth bytes, which lead to n.
func (t *trie) build(n int32, pairs []pair, depth int, f *free) {
	for len(pairs) > 0 && len(pairs[0].text) == depth {
		t.nodes[n].id = pairs[0].id
		pairs = pairs[1:]
	}
	if len(pairs) == 0 {
		return
	}
	var labels []byte
	var starts []int
	for i, p := range pairs {
		if b := p.text[depth]; len(labels) == 0 || labels[len(labels)-1] != b {
			labels, starts = append(labels, b), append(starts, i)
		}
	}
	starts = append(starts, len(pairs))
	base := t.freeBase(labels, f)
	t.nodes[n].base = base
	for _, b := range labels {
		t.nodes[base+int32(b)] = node{check: n + 1, id: -1}
	}
	for i, b := range labels {
		t.build(base+int32(b), pairs[starts[i]:starts[i+1]], depth+1, f)
	}
}

// freeBase finds a base for which the nodes of all labels are free.
func (t *trie) freeBase(labels []byte, f *free) int32 {
	for t.grow(int(f.from) + 1); t.nodes[f.from].check != 0; t.grow(int(f.from) + 1) {
		f.from++
	}
	start := max(f.from-int32(labels[0]), 1)
	if end := int32(len(t.nodes)) - window; len(labels) > 1 && start < end {
		start = end // the nodes before are nearly all taken, so searching them takes long
	}
	for base := start; ; base++ {
		t.grow(int(base) + 256)
		if !slices.ContainsFunc(labels, func(b byte) bool { return t.nodes[base+int32(b)].check != 0 }) {
			return base
		}
	}
}

func (t *trie) grow(n int) {
	for len(t.nodes) < n {
		t.nodes = append(t.nodes, node{id: -1})
	}
}

// longest returns the id and the length of the longest token that s begins with. The length is 0 if there is none.
func (t *trie) longest(s []byte) (id int32, length int) {
	n := int32(0)
	for i, b := range s {
		c := t.nodes[n].base + int32(b)
		if int(c) >= len(t.nodes) || t.nodes[c].check != n+1 {
			break
		}
		n = c
		if t.nodes[n].id >= 0 {
			id, length = t.nodes[n].id, i+1
		}
	}
	return id, length
}
