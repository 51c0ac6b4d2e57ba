// Package bytebpe turns text into the ids of byte-level byte-pair encoding, as GPT-2 and RoBERTa have it, exactly as
// Hugging Face's tokenizers library does.
//
// The rules:
//
//  1. added tokens written out in the text ("<mask>") are themselves
//  2. text between them that begins with no space gets one, where the model wants it
//  3. words end where GPT-2's pattern says; a space belongs to the word after it
//  4. a word's UTF-8 bytes are joined pair by pair, the pair of the lowest rank first, the leftmost of equals
package bytebpe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"rein/cache"
	"rein/steps/internal/addedtoken"
)

// Options are the facts of a model besides its vocabulary and merges.
type Options struct {
	PrefixSpace bool
	Added       []addedtoken.Token
	Ends        addedtoken.Ends
	Pad         int32
}

// Tokenizer encodes text. It is immutable: many goroutines may use one.
type Tokenizer struct {
	opts   Options
	size   int
	bytes  [256]int32       // ids of single bytes
	merges map[uint64]merge // by the ids of a pair
	added  *addedtoken.Finder
	digest cache.Digest
}

type merge struct{ rank, id int32 }

func pairOf(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// New makes a tokenizer of a vocabulary (id by token, bytes written as GPT-2's letters) and its merges, best first.
func New(vocab map[string]int32, merges [][2]string, o Options) (*Tokenizer, error) {
	t := &Tokenizer{opts: o, merges: make(map[uint64]merge, len(merges)), added: addedtoken.NewFinder(o.Added)}
	for b, r := range letters() {
		id, ok := vocab[string(r)]
		if !ok {
			return nil, fmt.Errorf("the vocabulary has no token of the byte 0x%02x: not a byte-level one", b)
		}
		t.bytes[b] = id
	}
	for rank, m := range merges {
		a, okA := vocab[m[0]]
		b, okB := vocab[m[1]]
		id, ok := vocab[m[0]+m[1]]
		if !ok || !okA || !okB {
			return nil, fmt.Errorf("merge %d, %q and %q: a token of it is not in the vocabulary", rank, m[0], m[1])
		}
		t.merges[pairOf(a, b)] = merge{int32(rank), id}
	}
	for _, id := range vocab {
		t.size = max(t.size, int(id)+1)
	}
	for _, a := range o.Added {
		t.size = max(t.size, int(a.ID)+1)
	}
	t.digest = digest(vocab, merges, o)
	return t, nil
}

// letters is GPT-2's letter of each byte: itself where it is printable, else one from U+0100 on.
func letters() (out [256]rune) {
	next := rune(256)
	for b := range out {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			out[b] = rune(b)
			continue
		}
		out[b] = next
		next++
	}
	return out
}

func digest(vocab map[string]int32, merges [][2]string, o Options) cache.Digest {
	words := make([]string, 0, len(vocab))
	for w := range vocab {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Compare(vocab[a], vocab[b]) })
	b := fmt.Appendf(nil, "bytebpe 1 %v %v %v %d\n", o.PrefixSpace, o.Added, o.Ends, o.Pad)
	for _, w := range words {
		b = fmt.Appendf(b, "%d %s\n", vocab[w], w)
	}
	for _, m := range merges {
		b = fmt.Appendf(b, "%s %s\n", m[0], m[1])
	}
	return cache.Sum(b)
}

// Size is one more than the largest id.
func (t *Tokenizer) Size() int { return t.size }

// Pad is the id that fills a batch.
func (t *Tokenizer) Pad() int32 { return t.opts.Pad }

// Digest names the vocabulary, the merges and the options: two tokenizers of equal digest give equal ids.
func (t *Tokenizer) Digest() cache.Digest { return t.digest }

// Encode appends the ids of text to dst, special tokens around them, at most limit in all. A limit of 0 is none.
func (t *Tokenizer) Encode(dst []int32, text string, limit int) []int32 {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	out := append(dst, t.opts.Ends.Before...)
	most := -1
	if limit > 0 {
		most = len(dst) + max(limit-len(t.opts.Ends.After), len(t.opts.Ends.Before))
	}
	e := encoder{t: t, out: out, most: most}
	t.added.Split(text, e.segment, func(id int32) { e.out = append(e.out, id) })
	if most >= 0 && len(e.out) > most {
		e.out = e.out[:most]
	}
	return append(e.out, t.opts.Ends.After...)
}

// encoder is the state of one Encode.
type encoder struct {
	t    *Tokenizer
	out  []int32
	most int // length of out at which to stop; -1: none
	work []int32
	heap pairs
	next []int32
}

// segment encodes text without added tokens.
func (e *encoder) segment(s string) {
	if e.t.opts.PrefixSpace && s[0] != ' ' {
		s = " " + s
	}
	for i := 0; i < len(s) && (e.most < 0 || len(e.out) < e.most); {
		end := word(s, i)
		e.word(s[i:end])
		i = end
	}
}

// word appends the ids of one word.
func (e *encoder) word(s string) {
	w := e.work[:0]
	for i := range len(s) {
		w = append(w, e.t.bytes[s[i]])
	}
	e.work = w
	if len(w) > longWord {
		e.out = append(e.out, e.joinLong(w)...)
		return
	}
	e.out = append(e.out, e.join(w)...)
}

// longWord is from where on a queue beats looking at all pairs again and again.
const longWord = 48

// join looks for the best pair until there is none.
func (e *encoder) join(w []int32) []int32 {
	for len(w) > 1 {
		best, at := merge{rank: -1}, 0
		for i := range len(w) - 1 {
			if m, ok := e.t.merges[pairOf(w[i], w[i+1])]; ok && (best.rank < 0 || m.rank < best.rank) {
				best, at = m, i
			}
		}
		if best.rank < 0 {
			break
		}
		w[at] = best.id
		w = append(w[:at+1], w[at+2:]...)
	}
	return w
}
