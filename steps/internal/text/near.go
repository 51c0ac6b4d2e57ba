package text

import (
	"math"
	"unicode/utf8"
)

// Near-duplicates are found by MinHash over shingles (runs of three words) and locality-sensitive hashing. A signature is divided into
// bands. Texts that share most shingles have an equal band with high probability. Such pairs are then compared by their estimated Jaccard
// similarity.
const (
	hashes  = 64
	bands   = 16
	perBand = hashes / bands
	shingle = 3 // words
)

// Signature is a text's MinHash signature. The share of equal values in two signatures estimates the Jaccard similarity of their shingles,
// with a standard error of at most 1/16.
type Signature [hashes]uint32

// Sign returns a text's signature.
func Sign(s string) Signature { return sign(normalize(make([]byte, 0, 512), s)) }

// sign returns the signature of a normal form, from the hashes of its shingles. A shingle is three words joined by spaces, or the whole
// text if it has fewer. A word is in three shingles, which are hashed side by side.
func sign(form []byte) (sig Signature) {
	for i := range sig {
		sig[i] = math.MaxUint32
	}
	var kept [32]uint64
	hashes := kept[:0]
	// The hash states of the shingles that began two words ago, one word ago, and with this word.
	older, old, state := uint64(fnvOffset), uint64(fnvOffset), uint64(fnvOffset)
	words, inWord := 0, false
	end := func() {
		if inWord = false; words >= shingle {
			if hashes = append(hashes, finish(older)); len(hashes) == cap(hashes) {
				sig.lower(hashes)
				hashes = hashes[:0]
			}
		}
		older, old, state = old, state, fnvOffset
	}
	for i := 0; i < len(form); {
		n, in := 1, plainInWord[form[i]]
		if form[i] >= utf8.RuneSelf {
			var r rune
			r, n = utf8.DecodeRune(form[i:])
			in = inWords(r)
		}
		switch {
		case in && !inWord:
			inWord = true
			if words++; words > 1 {
				older, old = (older^' ')*fnvPrime, (old^' ')*fnvPrime
			}
			fallthrough
		case in:
			for _, c := range form[i : i+n] {
				older, old, state = (older^uint64(c))*fnvPrime, (old^uint64(c))*fnvPrime, (state^uint64(c))*fnvPrime
			}
		case inWord:
			end()
		}
		i += n
	}
	if inWord {
		end()
	}
	switch words {
	case 0:
		hashes = append(hashes, finish(fnvOffset))
	case 1:
		hashes = append(hashes, finish(old))
	case 2:
		hashes = append(hashes, finish(older))
	}
	sig.lower(hashes)
	return sig
}

// lower replaces each value by a shingle's hash if that is lower.
func (sig *Signature) lower(shingles []uint64) {
	for j, v := range sig {
		m, c := multipliers[j], uint64(j)*0x9e3779b97f4a7c15
		for _, h := range shingles {
			v = min(v, uint32((h*m+c)>>32))
		}
		sig[j] = v
	}
}

// multipliers are the odd numbers of multiply-shift hashing, one for each value of a signature.
var multipliers = func() (m [hashes]uint64) {
	x := uint64(0x243f6a8885a308d3)
	for i := range m {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		m[i] = x | 1
	}
	return m
}()

// fnvOffset and fnvPrime are the constants of 64-bit FNV-1a.
const fnvOffset, fnvPrime = 0xcbf29ce484222325, 0x100000001b3

// finish mixes the state of FNV-1a, so that all bits depend on all of the text.
func finish(h uint64) uint64 {
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

// Similarity estimates the Jaccard similarity of two texts' shingles, from 0 to 1.
func (a Signature) Similarity(b Signature) float64 {
	n := 0
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return float64(n) / hashes
}

// Near is an index that finds texts which are near-duplicates of added ones. It is not safe for concurrent use.
type Near struct {
	threshold float64
	buckets   map[uint64][]int32
	ids       []int
	sigs      []Signature
}

// NewNear makes an index. threshold is the similarity (0.5 to 1) at and above which texts are near-duplicates.
func NewNear(threshold float64) *Near {
	return &Near{threshold: threshold, buckets: map[uint64][]int32{}}
}

// Add adds a text under an id that the caller chooses.
func (n *Near) Add(id int, s string) { n.AddSignature(id, Sign(s)) }

// AddSignature does the same as Add, for a text whose signature is known.
func (n *Near) AddSignature(id int, sig Signature) {
	at := int32(len(n.ids))
	n.ids, n.sigs = append(n.ids, id), append(n.sigs, sig)
	for b := range bands {
		k := band(sig, b)
		n.buckets[k] = append(n.buckets[k], at)
	}
}

// FindSignature returns the id of the most similar text that was added, and the similarity. ok is false if no text reaches the threshold.
func (n *Near) FindSignature(sig Signature) (id int, similarity float64, ok bool) {
	for b := range bands {
		for _, at := range n.buckets[band(sig, b)] {
			if sim := sig.Similarity(n.sigs[at]); sim >= n.threshold && sim > similarity {
				id, similarity, ok = n.ids[at], sim, true
			}
		}
	}
	return id, similarity, ok
}

// band hashes band b of a signature.
func band(sig Signature, b int) uint64 {
	h := uint64(b) + 0x9e3779b97f4a7c15
	for _, v := range sig[b*perBand : (b+1)*perBand] {
		h = (h ^ uint64(v)) * 0xff51afd7ed558ccd
		h ^= h >> 29
	}
	return h
}
