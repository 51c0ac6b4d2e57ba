package ngram

import (
	"unicode"
	"unicode/utf8"
)

const (
	fnvOffset = 2166136261
	fnvPrime  = 16777619
)

func hashByte(h uint32, b byte) uint32 { return (h ^ uint32(b)) * fnvPrime }

// hashRune continues h with the UTF-8 bytes of r.
func hashRune(h uint32, r rune) uint32 {
	if r < utf8.RuneSelf {
		return hashByte(h, byte(r))
	}
	var b [utf8.UTFMax]byte
	for _, c := range b[:utf8.EncodeRune(b[:], r)] {
		h = hashByte(h, c)
	}
	return h
}

// emit appends the id of a finished hash, in the first half of the ids.
func (x *Extractor) emit(h uint32) {
	x.out = append(x.out, 1+int32(mix(h)%uint32(x.cfg.half()-1)))
}

// emitGram does the same for a character n-gram, in the second half.
func (x *Extractor) emitGram(h uint32) {
	half := x.cfg.half()
	x.out = append(x.out, int32(half)+int32(mix(h)%uint32(x.cfg.Buckets-half)))
}

// mix is MurmurHash3's finaliser. It is needed because FNV alone spreads its low bits badly.
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

func (x *Extractor) signal(name string) {
	h := hashByte(fnvOffset, 'x')
	for i := range len(name) {
		h = hashByte(h, name[i])
	}
	x.emit(h)
}

// kind is the class of a character. Classes up to digit are parts of words.
type kind uint8

const (
	lower kind = iota // also letters of scripts without capitals, and marks
	upper
	digit
	space
	symbol
	format
)

func classify(r rune) kind {
	switch {
	case r >= 'a' && r <= 'z':
		return lower
	case r == ' ' || r == '\n' || r == '\t' || r == '\r':
		return space
	case r >= 'A' && r <= 'Z':
		return upper
	case r >= '0' && r <= '9':
		return digit
	case r < utf8.RuneSelf:
		if unicode.IsSpace(r) {
			return space
		}
		return symbol
	case unicode.IsUpper(r) || unicode.IsTitle(r):
		return upper
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return lower
	case unicode.IsDigit(r):
		return digit
	case unicode.IsSpace(r):
		return space
	case unicode.Is(unicode.Cf, r):
		return format
	}
	return symbol
}
