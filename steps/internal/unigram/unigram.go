// Package unigram turns text into the token ids of SentencePiece's unigram models (XLM-R, CamemBERT, DeBERTa-v3). Its ids are exactly those
// of Hugging Face's tokenizers library.
//
// The rules:
//
//  1. An added token that the text spells out ("<mask>") is one id.
//  2. The model's own table (Precompiled), and what else its tokenizer.json lists, normalise the text between added tokens.
//  3. Spaces become U+2581. Another is put before the text. Each of them begins a word.
//  4. A word is divided into the pieces whose scores have the highest sum. A run of characters that are in no piece is one unknown token.
package unigram

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"rein/cache"
	"rein/steps/internal/addedtoken"
)

// Piece is a token with the logarithm of its probability.
type Piece struct {
	Text  string
	Score float64
}

// Options describe a tokenizer beyond its pieces.
type Options struct {
	Unknown   int32
	Normalize func(string) string
	Split     func(text string, first bool, word func(string)) // calls word for each word; first tells that text begins the input
	Added     []addedtoken.Token
	Ends      addedtoken.Ends
	Pad       int32
}

// Tokenizer encodes text. It is immutable, so goroutines may share one.
type Tokenizer struct {
	opts    Options
	size    int
	ids     map[string]int32
	scores  []float64
	longest int // length of the longest piece in bytes
	unknown float64
	added   *addedtoken.Finder
	digest  cache.Digest
	starts  [256]bool
}

// penalty is how much lower an unknown character scores than the worst piece.
const penalty = 10

// New makes a tokenizer. The hash of what is its digest, so what has to identify the tokenizer.
func New(pieces []Piece, o Options, what []byte) (*Tokenizer, error) {
	if o.Unknown < 0 || int(o.Unknown) >= len(pieces) {
		return nil, fmt.Errorf("unk_id %d isn't the id of a piece: there are %d", o.Unknown, len(pieces))
	}
	t := &Tokenizer{opts: o, size: len(pieces), ids: make(map[string]int32, len(pieces)), added: addedtoken.NewFinder(o.Added), digest: cache.Sum(what)}
	least := math.Inf(1)
	for i, p := range pieces {
		least = min(least, p.Score)
		t.scores = append(t.scores, p.Score)
		if p.Text == "" {
			continue
		}
		t.ids[p.Text] = int32(i)
		t.longest = max(t.longest, len(p.Text))
		t.starts[p.Text[0]] = true
	}
	t.unknown = least - penalty
	for _, a := range o.Added {
		t.size = max(t.size, int(a.ID)+1)
	}
	return t, nil
}

// Size is one more than the largest id.
func (t *Tokenizer) Size() int { return t.size }

// Pad is the id that shorter rows of a batch are filled up with.
func (t *Tokenizer) Pad() int32 { return t.opts.Pad }

// Digest identifies everything that decides the ids. Tokenizers with equal digests give equal ids.
func (t *Tokenizer) Digest() cache.Digest { return t.digest }

// Encode appends the ids of text to dst, with the special tokens around them. It appends at most limit ids in all; 0 means no limit.
func (t *Tokenizer) Encode(dst []int32, text string, limit int) []int32 {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	e := encoder{t: t, out: append(dst, t.opts.Ends.Before...), most: -1}
	if limit > 0 {
		e.most = len(dst) + max(limit-len(t.opts.Ends.After), len(t.opts.Ends.Before))
	}
	first := true
	t.added.Split(text, func(s string) {
		if e.full() {
			return
		}
		t.opts.Split(t.opts.Normalize(s), first, e.word)
		first = false
	}, func(id int32) { e.out, first = append(e.out, id), false })
	if e.most >= 0 && len(e.out) > e.most {
		e.out = e.out[:e.most]
	}
	return append(e.out, t.opts.Ends.After...)
}

// encoder is the state of one call of Encode.
type encoder struct {
	t    *Tokenizer
	out  []int32
	most int // Encode stops when out has this length; -1 means no limit
	best []end
}

// end is the best division of a word up to some position: its score, where its last piece begins, and that piece's id. The id is -1 if no
// division is known yet.
type end struct {
	score float64
	from  int
	id    int32
}

func (e *encoder) full() bool { return e.most >= 0 && len(e.out) >= e.most }

// word appends the ids of the best pieces of a word.
func (e *encoder) word(s string) {
	if s == "" || e.full() {
		return
	}
	t := e.t
	if cap(e.best) < len(s)+1 {
		e.best = make([]end, len(s)+1)
	}
	best := e.best[:len(s)+1]
	for i := range best {
		best[i] = end{id: -1}
	}
	reach := func(at, from int, score float64, id int32) {
		if b := &best[at]; b.id < 0 || score > b.score {
			*b = end{score, from, id}
		}
	}
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		so, single := best[i].score, false
		if t.starts[s[i]] {
			for j := i + n; j <= min(len(s), i+t.longest); {
				if id, ok := t.ids[s[i:j]]; ok {
					reach(j, i, so+t.scores[id], id)
					single = single || j == i+n
				}
				if j == len(s) {
					break
				}
				_, m := utf8.DecodeRuneInString(s[j:])
				j += m
			}
		}
		if !single {
			reach(i+n, i, so+t.unknown, t.opts.Unknown)
		}
		i += n
	}
	e.collect(best)
}

// collect follows the best division back from its end and appends its ids. Several unknown ones in a row become one.
func (e *encoder) collect(best []end) {
	mark, unknown := len(e.out), e.t.opts.Unknown
	for at := len(best) - 1; at > 0; at = best[at].from {
		id := best[at].id
		if n := len(e.out); id == unknown && n > mark && e.out[n-1] == unknown {
			continue
		}
		e.out = append(e.out, id)
	}
	for i, j := mark, len(e.out)-1; i < j; i, j = i+1, j-1 {
		e.out[i], e.out[j] = e.out[j], e.out[i]
	}
}
