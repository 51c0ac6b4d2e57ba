package ngram

import (
	"fmt"
	"math/bits"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rein/steps/internal/text"
)

const (
	minGram, maxGram = 3, 5
	maxStarts        = 32     // of a word's character n-grams; a long base64 string would flood the ids otherwise
	denseScript      = 0x2E80 // from this character on, scripts write no spaces, and two characters carry much meaning
	minLetters       = 8      // with fewer letters or visible characters, a share says nothing
)

// Extractor turns texts into ids. It keeps buffers between calls, so each goroutine needs its own.
type Extractor struct {
	cfg  Config
	clip []byte
	bare []byte
	norm []byte

	word   []rune // the word being read, after a '<'
	single []rune // the single letters read in a row, after a '<'
	folded []rune
	before uint32 // hash of kind b and the previous word; 0 before the first word
	out    []int32
	known  known
	ids    set
	counts counts
}

// counts are the counts of a text that its signals need.
type counts struct{ letters, capitals, visible, symbols, words int }

// NewExtractor returns an Extractor for a valid Config.
func NewExtractor(cfg Config) *Extractor { return &Extractor{cfg: cfg, ids: newSet(cfg.Buckets)} }

// lengths are the names of the signals for the number of words, by how many bits the number has.
var lengths = func() (out [bits.UintSize + 1]string) {
	for i := range out {
		out[i] = fmt.Sprint("words", i)
	}
	return out
}()

// Features appends the ids of text to dst. They are sorted and distinct, and none is 0. The package comment has the rules.
func (x *Extractor) Features(text string, dst []int32) []int32 {
	n := len(dst)
	x.out, x.counts, x.before = dst, counts{}, 0
	x.word, x.single = append(x.word[:0], '<'), append(x.single[:0], '<')
	if len(text) > x.cfg.MaxBytes {
		x.clip = clip(x.clip[:0], text, x.cfg.MaxBytes)
		text = string(x.clip)
	}
	x.nfkcSignals(text)
	x.normalise(text)
	x.scan(x.norm)
	x.endWord()
	x.endSingles()
	x.textSignals()
	all := x.out
	x.out = nil
	for _, id := range all[n:] {
		x.ids.add(id)
	}
	return x.ids.drain(all[:n])
}

// clip appends the first and the last max/2 bytes of text, rounded to whole characters, with a space between them.
func clip(dst []byte, text string, max int) []byte {
	head, tail := max/2, len(text)-max/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	dst = append(dst, text[:head]...)
	dst = append(dst, ' ')
	return append(dst, text[tail:]...)
}

// nfkcSignals emits the signals about characters that NFKC would replace.
func (x *Extractor) nfkcSignals(text string) {
	for _, r := range text {
		if r >= 0xFF01 && r <= 0xFF5E {
			x.signal("fullwidth")
			return
		}
	}
}

// plainScripts is the first character after Latin, Greek and Cyrillic, the scripts that stay readable without their marks.
const plainScripts = 0x530

// normalise puts a text in NFKC, without the marks on Latin, Greek and Cyrillic letters.
func (x *Extractor) normalise(s string) {
	if text.IsASCII(s) { // ASCII is already in NFKC
		x.norm = append(x.norm[:0], s...)
		return
	}
	x.bare = norm.NFKD.AppendString(x.bare[:0], s)
	kept, plain := x.bare[:0], false
	for b := x.bare; len(b) > 0; {
		r, size := utf8.DecodeRune(b)
		if mark := r >= utf8.RuneSelf && unicode.Is(unicode.Mn, r); !mark || !plain {
			kept = append(kept, b[:size]...)
			plain = !mark && r < plainScripts
		}
		b = b[size:]
	}
	x.norm = norm.NFKC.Append(x.norm[:0], kept...)
}

// scan splits normalised text into words and symbols.
func (x *Extractor) scan(text []byte) {
	apostrophe := false
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		i += size
		switch kind := classify(r); {
		case kind == format:
			x.signal("zero-width")
			continue
		case kind <= digit: // part of a word
			apostrophe = false
			x.counts.visible++
			if kind != digit {
				x.counts.letters++
			}
			if kind == upper {
				x.counts.capitals++
				r = unicode.ToLower(r)
			}
			x.word = append(x.word, r)
			continue
		case (r == '\'' || r == '\u2019') && len(x.word) > 1 && !apostrophe:
			apostrophe = true // dropped if the word goes on; a symbol if it doesn't
			continue
		default:
			if apostrophe {
				apostrophe = false
				x.endWord()
				x.symbol('\'')
			}
			x.endWord()
			if kind == symbol {
				x.symbol(r)
			}
		}
	}
	if apostrophe {
		x.endWord()
		x.symbol('\'')
	}
}

func (x *Extractor) symbol(r rune) {
	x.counts.visible++
	x.counts.symbols++
	x.emit(hashRune(hashByte(fnvOffset, 's'), r))
}

// textSignals emits the signals about the whole text.
func (x *Extractor) textSignals() {
	if n := x.counts.words; n > 0 {
		x.signal(lengths[bits.Len(uint(n))])
	}
	if c := x.counts; c.letters >= minLetters && 3*c.capitals >= c.letters {
		x.signal("caps")
	}
	if c := x.counts; c.visible >= minLetters && 3*c.symbols >= c.visible {
		x.signal("symbols")
	}
}
