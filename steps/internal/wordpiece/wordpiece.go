// Package wordpiece turns text into BERT's token ids. Its ids are exactly those of Hugging Face's tokenizers library, also for the
// characters that attackers use (zero-width, unassigned, combining marks).
//
// The rules follow BERT's reference tokenizer and the observed behaviour of tokenizers 0.23:
//
//  1. A special token that the text spells out ("[SEP]") is one id.
//  2. U+0000, U+FFFD, and control, format and private-use characters are dropped. White space becomes a space. Each CJK ideograph
//     is a word of its own.
//  3. If the model is uncased, the text is decomposed canonically, non-spacing marks are dropped, and letters become lower case.
//  4. White space ends a word. Each punctuation character is a word of its own.
//  5. From left to right, a word is divided into the longest known pieces. A word for which that fails, or that has more than 100
//     characters, is [UNK].
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

// Options are what differs between models besides the vocabulary.
type Options struct {
	Lowercase    bool // the model is uncased
	StripAccents bool
	MaxWord      int      // a word with more characters is [UNK]; 0: 100
	Special      *Special // nil: the special tokens are BERT's
}

// Special are the special tokens of a model that doesn't use BERT's.
type Special struct {
	Unknown string
	Ends    addedtoken.Ends
	Pad     int32
	Added   []addedtoken.Token
}

// Tokenizer encodes text. It is immutable, so goroutines may share one.
type Tokenizer struct {
	opts          Options
	vocab         []string
	words, pieces *trie // the tokens that begin a word; those that continue one ("##")
	added         *addedtoken.Finder
	unk           int32
	ends          addedtoken.Ends
	pad           int32
}

// New makes a tokenizer from a vocabulary, in which a token's position is its id.
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

// specials sets the special tokens, which are BERT's or those of the options.
func (t *Tokenizer) specials(ids map[string]int32) error {
	if s := t.opts.Special; s != nil {
		id, ok := ids[s.Unknown]
		if !ok {
			return fmt.Errorf("vocabulary of %d tokens has no %s, which is its unknown token", len(t.vocab), s.Unknown)
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

// Options returns the tokenizer's options.
func (t *Tokenizer) Options() Options { return t.opts }

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return len(t.vocab) }

// Pad is the id that shorter rows of a batch are filled up with.
func (t *Tokenizer) Pad() int32 { return t.pad }

// Token returns the token with this id.
func (t *Tokenizer) Token(id int32) string { return t.vocab[id] }

// Digest identifies the vocabulary and the options. Tokenizers with equal digests give equal ids.
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

// Encode appends the ids of text to dst, with the special tokens around them ([CLS] and [SEP] in BERT). It appends at most limit ids in
// all; 0 means no limit.
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

// encoder is the state of one call of Encode.
type encoder struct {
	t     *Tokenizer
	out   []int32
	limit int // Encode stops when out has this length; -1 means no limit
	word  []byte
	runes int // number of characters in word
	buf   [128]byte
}

func (e *encoder) full() bool { return e.limit >= 0 && len(e.out) >= e.limit }

// text encodes a whole text, in which special tokens may be spelled out.
func (e *encoder) text(s string) {
	e.word = e.buf[:0]
	e.t.added.Split(s, e.segment, func(id int32) { e.out = append(e.out, id) })
}

// segment encodes a piece of text without special tokens. It handles ASCII itself, which is fast.
func (e *encoder) segment(s string) {
	for i := 0; i < len(s) && !e.full(); i++ {
		b := s[i]
		if b >= utf8.RuneSelf {
			// A combining mark changes the letter before it. So unicode encodes the rest, from the beginning of this word on.
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

// wordStart returns where the word begins that s[i] continues.
func wordStart(s string, i int) int {
	for i > 0 && class[s[i-1]] != space && class[s[i-1]] != punct {
		i--
	}
	return i
}

// unicode encodes any text: it cleans and decomposes the text, then divides it into words.
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

// flush divides the current word into pieces and appends their ids.
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
