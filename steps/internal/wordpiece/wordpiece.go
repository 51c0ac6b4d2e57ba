// Package wordpiece turns text into BERT's token ids, exactly as Hugging Face's tokenizers library does: the same
// cleaning, accents, punctuation and CJK rules, also for the characters that attackers use (zero-width, unassigned,
// combining marks).
//
// The rules, from BERT's reference tokenizer and the observed behaviour of tokenizers 0.23:
//
//  1. special tokens written out in the text ("[SEP]") are themselves
//  2. U+0000, U+FFFD, control, format and private-use characters go; white space becomes a space; CJK ideographs are
//     words of their own
//  3. canonical decomposition, without non-spacing marks; lower case (both only where the model is uncased)
//  4. words end at white space; punctuation characters are words of their own
//  5. a word is cut into the longest known pieces from the left; one that can't be, or is longer than 100 characters, is
//     [UNK]
package wordpiece

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rein/cache"
	"rein/steps/internal/addedtoken"
)

// Options are the facts that differ between models.
type Options struct {
	Lowercase    bool // an uncased model
	StripAccents bool
	MaxWord      int      // characters of a word beyond which it is [UNK]; 0: 100
	Special      *Special // nil: BERT's
}

// Special are the special tokens of models that aren't BERT.
type Special struct {
	Unknown string
	Ends    addedtoken.Ends
	Pad     int32
	Added   []addedtoken.Token
}

// Tokenizer encodes text. It is immutable: many goroutines may use one.
type Tokenizer struct {
	opts          Options
	vocab         []string
	words, pieces *trie // at the start of a word; after it ("##")
	added         *addedtoken.Finder
	unk           int32
	ends          addedtoken.Ends
	pad           int32
}

// New makes a tokenizer of a vocabulary: a token's id is its position.
func New(vocab []string, o Options) (*Tokenizer, error) {
	if o.MaxWord == 0 {
		o.MaxWord = 100
	}
	t := &Tokenizer{opts: o, vocab: vocab}
	var words, pieces []pair
	ids := map[string]int32{}
	for i, w := range vocab {
		id := int32(i)
		ids[w] = id
		if len(w) > 2 && w[:2] == "##" {
			pieces = append(pieces, pair{w[2:], id})
		}
		if w != "" {
			words = append(words, pair{w, id})
		}
	}
	if err := t.specials(ids); err != nil {
		return nil, err
	}
	if len(pieces) == 0 {
		return nil, errors.New("vocabulary has no ## pieces: not a WordPiece vocabulary")
	}
	t.words, t.pieces = newTrie(words), newTrie(pieces)
	return t, nil
}

// specials finds the special tokens, BERT's or as the options have them.
func (t *Tokenizer) specials(ids map[string]int32) error {
	if s := t.opts.Special; s != nil {
		id, ok := ids[s.Unknown]
		if !ok {
			return fmt.Errorf("vocabulary of %d tokens has no %s, which stands for the unknown", len(t.vocab), s.Unknown)
		}
		t.unk, t.ends, t.pad, t.added = id, s.Ends, s.Pad, addedtoken.NewFinder(s.Added)
		return nil
	}
	var added []addedtoken.Token
	for _, name := range []string{"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"} {
		id, ok := ids[name]
		if !ok && name == "[MASK]" {
			continue
		} else if !ok {
			return fmt.Errorf("vocabulary of %d tokens has no %s: not a BERT vocabulary", len(t.vocab), name)
		}
		added = append(added, addedtoken.Token{ID: id, Content: name})
	}
	t.unk, t.ends, t.pad = ids["[UNK]"], addedtoken.Ends{Before: []int32{ids["[CLS]"]}, After: []int32{ids["[SEP]"]}}, ids["[PAD]"]
	t.added = addedtoken.NewFinder(added)
	return nil
}

// Options are the tokenizer's.
func (t *Tokenizer) Options() Options { return t.opts }

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return len(t.vocab) }

// Pad is the id that fills a batch.
func (t *Tokenizer) Pad() int32 { return t.pad }

// Token is the text of an id.
func (t *Tokenizer) Token(id int32) string { return t.vocab[id] }

// Digest names the vocabulary and the options: two tokenizers of equal digest give equal ids.
func (t *Tokenizer) Digest() cache.Digest {
	b := fmt.Appendf(nil, "wordpiece 1 %v %v %d\n", t.opts.Lowercase, t.opts.StripAccents, t.opts.MaxWord)
	if s := t.opts.Special; s != nil {
		b = fmt.Appendf(b, "%v\n", *s)
	}
	for _, w := range t.vocab {
		b = append(append(b, w...), '\n')
	}
	return cache.Sum(b)
}

// Encode appends the ids of text to dst: [CLS], at most limit-2 tokens, [SEP], or what the model has in their place. A limit
// of 0 is none.
func (t *Tokenizer) Encode(dst []int32, text string, limit int) []int32 {
	e := encoder{t: t, out: append(dst, t.ends.Before...), limit: -1}
	if limit > 0 {
		e.limit = len(dst) + max(limit-len(t.ends.After), len(t.ends.Before))
	}
	e.text(text)
	if e.limit >= 0 && len(e.out) > e.limit {
		e.out = e.out[:e.limit]
	}
	return append(e.out, t.ends.After...)
}

// encoder is the state of one Encode.
type encoder struct {
	t     *Tokenizer
	out   []int32
	limit int // length of out at which to stop; -1: none
	word  []byte
	runes int // of word
	buf   [128]byte
}

func (e *encoder) full() bool { return e.limit >= 0 && len(e.out) >= e.limit }

// text encodes a whole text, special tokens included.
func (e *encoder) text(s string) {
	e.word = e.buf[:0]
	e.t.added.Split(s, e.segment, func(id int32) { e.out = append(e.out, id) })
}

// segment encodes text without special tokens.
func (e *encoder) segment(s string) {
	for i := 0; i < len(s) && !e.full(); i++ {
		b := s[i]
		if b >= utf8.RuneSelf {
			// Combining marks reach back to the letter before them: the rest goes the general way, from the word's start.
			e.word, e.runes = e.word[:0], 0
			e.unicode(s[wordStart(s, i):])
			return
		}
		switch class[b] {
		case letter:
			if e.t.opts.Lowercase && b >= 'A' && b <= 'Z' {
				b += 'a' - 'A'
			}
			e.word = append(e.word, b)
			e.runes++
		case space:
			e.flush()
		case punct:
			e.flush()
			e.word = append(e.word, b)
			e.runes = 1
			e.flush()
		}
	}
	e.flush()
}

// wordStart is where the word that s[i] continues begins.
func wordStart(s string, i int) int {
	for i > 0 && class[s[i-1]] != space && class[s[i-1]] != punct {
		i--
	}
	return i
}

// unicode encodes any text: cleaned, decomposed, then cut into words.
func (e *encoder) unicode(s string) {
	clean := make([]byte, 0, len(s)+16)
	for _, r := range s {
		switch {
		case dropped(r):
		case unicode.IsSpace(r):
			clean = append(clean, ' ')
		case ideograph(r):
			clean = append(clean, ' ')
			clean = utf8.AppendRune(clean, r)
			clean = append(clean, ' ')
		default:
			clean = utf8.AppendRune(clean, r)
		}
	}
	if e.t.opts.StripAccents {
		clean = norm.NFD.Bytes(clean)
	}
	for i := 0; i < len(clean) && !e.full(); {
		r, n := rune(clean[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(clean[i:])
		}
		i += n
		switch {
		case e.t.opts.StripAccents && stripped(r):
		case r == ' ' || r >= utf8.RuneSelf && unicode.IsSpace(r):
			e.flush()
		case punctuation(r):
			e.flush()
			e.word = utf8.AppendRune(e.word, r)
			e.runes = 1
			e.flush()
		default:
			if e.t.opts.Lowercase {
				r = lower(r)
			}
			e.word = utf8.AppendRune(e.word, r)
			e.runes++
		}
	}
	e.flush()
}

// flush cuts the word into pieces.
func (e *encoder) flush() {
	if len(e.word) == 0 {
		return
	}
	mark := len(e.out)
	trie := e.t.words
	if e.runes > e.t.opts.MaxWord {
		e.out = append(e.out, e.t.unk)
	} else {
		for rest := e.word; len(rest) > 0; trie = e.t.pieces {
			id, n := trie.longest(rest)
			if n == 0 {
				e.out = append(e.out[:mark], e.t.unk)
				break
			}
			e.out = append(e.out, id)
			rest = rest[n:]
		}
	}
	e.word, e.runes = e.word[:0], 0
}
