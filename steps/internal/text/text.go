// Package text holds what several steps ask of a prompt: a normal form, a key for equality, its words, chance that
// depends on nothing but the row, and near-duplicates.
package text

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeebo/blake3"
	"golang.org/x/text/unicode/norm"
)

// Normalize is the form in which two texts are the same: NFKC, lower case, white space collapsed.
func Normalize(s string) string {
	if !ascii(s) {
		s = norm.NFKC.String(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Key names a text: equal for texts of equal normal form.
func Key(s string) [16]byte {
	sum := blake3.Sum256([]byte(Normalize(s)))
	return [16]byte(sum[:16])
}

// Words are the runs of letters, digits and inner apostrophes of the normal form, in order.
func Words(s string) []string {
	return strings.FieldsFunc(Normalize(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && !unicode.IsMark(r)
	})
}

// RNG is a source of chance that depends on the seed and the parts alone: work on a row gives the same result whatever
// else is in the data, in whatever order.
func RNG(seed int64, parts ...string) *rand.Rand {
	h := blake3.New()
	var n [8]byte
	put := func(v uint64) {
		binary.LittleEndian.PutUint64(n[:], v)
		h.Write(n[:])
	}
	put(uint64(seed))
	for _, p := range parts {
		put(uint64(len(p))) // framed: ("ab", "c") is not ("a", "bc")
		h.WriteString(p)
	}
	var sum [32]byte
	h.Sum(sum[:0])
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
}

// ID is a short name for a row made from the parts: 16 hex digits.
func ID(parts ...string) string {
	h := blake3.New()
	var n [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.WriteString(p)
	}
	const hex = "0123456789abcdef"
	var sum [32]byte
	h.Sum(sum[:0])
	var out [16]byte
	for i := range 8 {
		out[2*i], out[2*i+1] = hex[sum[i]>>4], hex[sum[i]&15]
	}
	return string(out[:])
}
