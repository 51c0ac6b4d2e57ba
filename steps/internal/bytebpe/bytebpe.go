// Package bytebpe turns text into token ids by byte-level byte-pair encoding (BPE), the encoding of GPT-2 and RoBERTa. Its ids are exactly
// those of Hugging Face's tokenizers library.
//
// The rules:
//
//  1. An added token that the text spells out ("<mask>") is one id.
//  2. If the model asks for it, a piece of text between added tokens gets a leading space, unless it has one.
//  3. GPT-2's pattern divides the text into words. A space belongs to the word after it.
//  4. The UTF-8 bytes of a word are merged pair by pair: first the pair of the lowest rank, of equal ones the leftmost.
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

// Options describe a tokenizer beyond its vocabulary and merges.
type Options struct {
	PrefixSpace bool
	Added       []addedtoken.Token
	Ends        addedtoken.Ends
	Pad         int32
}

// Tokenizer encodes text. It is immutable, so goroutines may share one.
type Tokenizer struct {
	opts   Options
	size   int
	bytes  [256]int32       // id of each single byte
	merges map[uint64]merge // by pairOf the two ids
	added  *addedtoken.Finder
	digest cache.Digest
}

type merge struct{ rank, id int32 }

func pairOf(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// New makes a tokenizer from a vocabulary and its merges. The vocabulary maps tokens to ids; its tokens are written with GPT-2's letters
// for bytes. The merges are sorted by rank, the first to apply first.
func New(vocab map[string]int32, merges [][2]string, o Options) (*Tokenizer, error) {
	t := &Tokenizer{opts: o, merges: make(map[uint64]merge, len(merges)), added: addedtoken.NewFinder(o.Added)}
	for b, r := range letters() {
		id, ok := vocab[string(r)]
		if !ok {
			return nil, fmt.Errorf("the vocabulary has no token for the byte 0x%02x, so it isn't a byte-level one", b)
		}
		t.bytes[b] = id
	}
	for rank, m := range merges {
		a, okA := vocab[m[0]]
		b, okB := vocab[m[1]]
		id, ok := vocab[m[0]+m[1]]
		if !ok || !okA || !okB {
			return nil, fmt.Errorf("merge %d of %q and %q: one of them, or the merged token, is not in the vocabulary", rank, m[0], m[1])
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

// letters returns the letter that GPT-2 writes for each byte: the byte's own character if that is printable, else one from U+0100 on.
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

// Pad is the id that shorter rows of a batch are filled up with.
func (t *Tokenizer) Pad() int32 { return t.opts.Pad }

// Digest identifies the vocabulary, the merges and the options. Tokenizers with equal digests give equal ids.
func (t *Tokenizer) Digest() cache.Digest { return t.digest }

// Encode appends the ids of text to dst, with the special tokens around them. It appends at most limit ids in all; 0 means no limit.
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

// encoder is the state of one call of Encode.
type encoder struct {
	t    *Tokenizer
	out  []int32
	most int // Encode stops when out has this length; -1 means no limit
	work []int32
	heap pairs
	next []int32
}

// segment encodes a piece of text that has no added tokens.
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

// longWord is the length in bytes above which a priority queue is faster than looking at all pairs for each merge.
const longWord = 48

// join applies the best merge until no merge applies.
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
