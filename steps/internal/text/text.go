// Package text has what several steps need to know about a text: its normal form, a key that is equal for equal texts, its words, its
// language, its near-duplicates, and random numbers that depend only on the row.
package text

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeebo/blake3"
	"golang.org/x/text/unicode/norm"
)

// Normalize returns the normal form of a text, in which equal texts are compared: NFKC, lower case, runs of white space as one space.
func Normalize(s string) string { return string(normalize(make([]byte, 0, len(s)), s)) }

func normalize(b []byte, s string) []byte {
	plain := IsASCII(s)
	if !plain {
		s = norm.NFKC.String(s)
	}
	from, space := len(b), false
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if !plain && r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		i += n
		if r < utf8.RuneSelf && plainForm[r] == ' ' || r >= utf8.RuneSelf && unicode.IsSpace(r) {
			space = len(b) > from
			continue
		}
		if space {
			b = append(b, ' ')
			space = false
		}
		if r < utf8.RuneSelf {
			b = append(b, plainForm[r])
		} else {
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
	}
	return b
}

// plainForm maps ASCII characters to lower case, and white space to a space.
var plainForm = func() (to [utf8.RuneSelf]byte) {
	for r := range to {
		if to[r] = byte(unicode.ToLower(rune(r))); unicode.IsSpace(rune(r)) {
			to[r] = ' '
		}
	}
	return to
}()

// IsASCII tells whether a text has only ASCII characters.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Key identifies a text: texts with equal normal forms have equal keys.
func Key(s string) [16]byte { return key(normalize(make([]byte, 0, 512), s)) }

func key(form []byte) [16]byte {
	sum := blake3.Sum256(form)
	return [16]byte(sum[:16])
}

// KeyAndSign returns what Key and Sign return, but normalises the text only once.
func KeyAndSign(s string) ([16]byte, Signature) {
	form := normalize(make([]byte, 0, 512), s)
	return key(form), sign(form)
}

// Words returns the words of the normal form, in order: the runs of letters, marks, digits and apostrophes.
func Words(s string) []string {
	return strings.FieldsFunc(Normalize(s), func(r rune) bool { return !inWords(r) })
}

func inWords(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' || unicode.IsMark(r)
}

// plainInWord is inWords for ASCII characters.
var plainInWord = func() (in [256]bool) {
	for r := range rune(utf8.RuneSelf) {
		in[r] = inWords(r)
	}
	return in
}()

// RNG returns a random source that depends only on the seed and the parts. Work on a row then has the same result whatever other rows there
// are, and in any order.
func RNG(seed int64, parts ...string) *rand.Rand {
	sum := hashParts(binary.LittleEndian.AppendUint64(make([]byte, 0, 512), uint64(seed)), parts)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
}

// hashParts hashes b and the parts. Each part follows its length, so that ("ab", "c") and ("a", "bc") differ.
func hashParts(b []byte, parts []string) [32]byte {
	for _, p := range parts {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(len(p))), p...)
	}
	return blake3.Sum256(b)
}

// ID returns a short id of 16 hex digits for a row that is made from the parts.
func ID(parts ...string) string {
	sum := hashParts(make([]byte, 0, 512), parts)
	return hex.EncodeToString(sum[:8])
}
