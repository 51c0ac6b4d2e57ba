package score

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// Neighbour is a known row that is similar to a text.
type Neighbour struct {
	ID         string  `json:"id"`
	Text       string  `json:"text"` // beginning of the row's text
	Label      string  `json:"label"`
	Source     string  `json:"source,omitempty"`
	Method     string  `json:"method,omitempty"` // how the row was made; "" if it was collected
	Parent     string  `json:"parent,omitempty"` // id of the row that it was made from
	Similarity float64 `json:"similarity"`       // cosine similarity of the words' TF-IDF weights, 0 to 1
}

// Group is a cluster of known false alarms to which a text belongs. The rows of a cluster are nearly the same.
type Group struct {
	Rows    int       `json:"rows"`
	Nearest Neighbour `json:"nearest"`
	Words   []string  `json:"words"` // words that most of its rows have and few other rows
}

// Library is a set of rows in which similar texts are looked up.
type Library struct {
	rows    []Neighbour
	norms   []float64
	words   map[string][]int32 // by word: the rows that have it
	cluster []int32            // cluster of each row
	sizes   map[int32]int
}

const (
	shownNeighbours = 3
	shownRunes      = 160
	sameCluster     = 0.5 // smallest similarity of two rows of one cluster
	leastLike       = 0.3 // smallest cosine at which a text counts as similar to a row
	mostGroupWords  = 3
)

// NewLibrary reads rows into a library.
func NewLibrary(rows iter.Seq2[artifact.Row, error]) (*Library, error) {
	l := &Library{words: map[string][]int32{}, sizes: map[int32]int{}}
	near := text.NewNear(sameCluster)
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		at := int32(len(l.rows))
		l.rows = append(l.rows, Neighbour{ID: r.ID, Text: begin(r.Text), Label: r.Label, Source: r.Source, Method: r.Method, Parent: r.Parent})
		for _, w := range distinct(r.Text) {
			l.words[w] = append(l.words[w], at)
		}
		sig := text.Sign(r.Text)
		first, _, ok := near.FindSignature(sig)
		if !ok {
			first = int(at)
			near.AddSignature(first, sig)
		}
		l.cluster = append(l.cluster, int32(first))
		l.sizes[int32(first)]++
	}
	l.norms = make([]float64, len(l.rows))
	for w, rows := range l.words {
		for _, at := range rows {
			l.norms[at] += l.weight(w) * l.weight(w)
		}
	}
	return l, nil
}

// weight returns the inverse document frequency of a word.
func (l *Library) weight(word string) float64 {
	return math.Log(float64(1+len(l.rows))/float64(1+len(l.words[word]))) + 1
}

func distinct(s string) []string {
	words := text.Words(s)
	slices.Sort(words)
	return slices.Compact(words)
}

func begin(s string) string {
	if r := []rune(s); len(r) > shownRunes {
		return string(r[:shownRunes]) + "…"
	}
	return s
}

// Nearest returns the rows that are most similar to a text, the most similar first. It leaves out rows that share no word with the text.
func (l *Library) Nearest(s string) []Neighbour {
	var out []Neighbour
	for _, at := range l.nearest(s, shownNeighbours) {
		n := l.rows[at.row]
		n.Similarity = at.similarity
		out = append(out, n)
	}
	return out
}

// near is the index of a row with its similarity.
type near struct {
	row        int32
	similarity float64
}

func (l *Library) nearest(s string, most int) []near {
	dots, own := map[int32]float64{}, 0.0
	for _, w := range distinct(s) {
		v := l.weight(w)
		own += v * v
		for _, at := range l.words[w] {
			dots[at] += v * v
		}
	}
	var all []near
	for at, dot := range dots {
		all = append(all, near{at, dot / math.Sqrt(own*l.norms[at])})
	}
	slices.SortFunc(all, func(a, b near) int { return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(a.row, b.row)) })
	return all[:min(most, len(all))]
}

// Group returns the cluster of the row that is most similar to a text, or nil if no row is similar.
func (l *Library) Group(s string) *Group {
	all := l.nearest(s, 1)
	if len(all) == 0 || all[0].similarity < leastLike {
		return nil
	}
	of := l.cluster[all[0].row]
	g := &Group{Rows: l.sizes[of], Nearest: l.rows[all[0].row]}
	g.Nearest.Similarity = all[0].similarity
	type shared struct {
		word string
		lift float64
	}
	var words []shared
	for w, rows := range l.words {
		n := 0
		for _, at := range rows {
			if l.cluster[at] == of {
				n++
			}
		}
		if 2*n > g.Rows {
			words = append(words, shared{w, float64(n) / float64(g.Rows) * l.weight(w)})
		}
	}
	slices.SortFunc(words, func(a, b shared) int { return cmp.Or(cmp.Compare(b.lift, a.lift), cmp.Compare(a.word, b.word)) })
	for _, w := range words[:min(mostGroupWords, len(words))] {
		g.Words = append(g.Words, w.word)
	}
	return g
}
