// Package text holds what several steps ask of a prompt: a normal form, a key for equality, its words, chance that
// depends on nothing but the row, and near-duplicates.
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

// Normalize is the form in which two texts are the same: NFKC, lower case, white space collapsed.
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

// plainForm is an ASCII character in lower case, or a space for all white space.
var plainForm = func() (to [utf8.RuneSelf]byte) {
	for r := range to {
		if to[r] = byte(unicode.ToLower(rune(r))); unicode.IsSpace(rune(r)) {
			to[r] = ' '
		}
	}
	return to
}()

// IsASCII tells whether a text has ASCII characters only.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Key names a text: equal for texts of equal normal form.
func Key(s string) [16]byte { return key(normalize(make([]byte, 0, 512), s)) }

func key(form []byte) [16]byte {
	sum := blake3.Sum256(form)
	return [16]byte(sum[:16])
}

// KeyAndSign is both of a text in one go.
func KeyAndSign(s string) ([16]byte, Signature) {
	form := normalize(make([]byte, 0, 512), s)
	return key(form), sign(form)
}

// Words are the runs of letters, digits and inner apostrophes of the normal form, in order.
func Words(s string) []string {
	return strings.FieldsFunc(Normalize(s), func(r rune) bool { return !inWords(r) })
}

func inWords(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' || unicode.IsMark(r)
}

// plainInWord is inWords of ASCII.
var plainInWord = func() (in [256]bool) {
	for r := range rune(utf8.RuneSelf) {
		in[r] = inWords(r)
	}
	return in
}()

// RNG is a source of chance that depends on the seed and the parts alone: work on a row gives the same result whatever
// else is in the data, in whatever order.
func RNG(seed int64, parts ...string) *rand.Rand {
	sum := framed(binary.LittleEndian.AppendUint64(make([]byte, 0, 512), uint64(seed)), parts)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
}

// framed is the hash of b and the parts, each after its length: ("ab", "c") is not ("a", "bc").
func framed(b []byte, parts []string) [32]byte {
	for _, p := range parts {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(len(p))), p...)
	}
	return blake3.Sum256(b)
}

// ID is a short name for a row made from the parts: 16 hex digits.
func ID(parts ...string) string {
	sum := framed(make([]byte, 0, 512), parts)
	return hex.EncodeToString(sum[:8])
}
