package leak

import "rein/steps/artifact"

// Fingerprint is what of a text is compared.
type Fingerprint struct{ p prepared }

// Fingerprints of texts, made on all cores.
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

// Index knows texts, to tell whether others are the same or nearly so: for those who make or choose rows that must not
// resemble what a model is trained on. It is for one goroutine.
type Index struct{ c *Clusters }

// NewIndex makes an empty index; near is the similarity from which texts are nearly the same.
func NewIndex(near float64) *Index { return &Index{NewClusters(near)} }

// Add makes a text known.
func (x *Index) Add(f Fingerprint) { x.c.file(f.p) }

// Knows tells whether a known text is the same, or nearly.
func (x *Index) Knows(f Fingerprint) bool {
	_, _, _, ok := x.c.lookup(f.p, nil)
	return ok
}
