package unigram

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsmap is SentencePiece's normalisation table. units is a double-array trie of the strings to replace; texts has the replacements, each
// with a zero byte at its end.
type charsmap struct {
	units []uint32
	texts string
}

func parseCharsmap(b []byte) (*charsmap, error) {
	if len(b) < 4 {
		return nil, errors.New("precompiled_charsmap: too short")
	}
	size := int(binary.LittleEndian.Uint32(b))
	if size > len(b)-4 || size%4 != 0 || size == 0 {
		return nil, errors.New("precompiled_charsmap: the trie is longer than the table")
	}
	c := &charsmap{texts: string(b[4+size:])}
	for i := 4; i < 4+size; i += 4 {
		c.units = append(c.units, binary.LittleEndian.Uint32(b[i:]))
	}
	return c, nil
}

// replacement finds the shortest prefix of s that is in the table, and returns its replacement.
func (c *charsmap) replacement(s string) (string, bool) {
	offset := func(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }
	at := offset(c.units[0])
	for i := range len(s) {
		b := uint32(s[i])
		if b == 0 {
			break
		}
		if at ^= b; int(at) >= len(c.units) {
			break
		}
		u := c.units[at]
		if u&(1<<31|0xff) != b {
			break
		}
		at ^= offset(u)
		if u>>8&1 == 1 && int(at) < len(c.units) {
			from := int(c.units[at] & (1<<31 - 1))
			if from > len(c.texts) {
				return "", false
			}
			text, _, _ := strings.Cut(c.texts[from:], "\x00")
			return text, true
		}
	}
	return "", false
}

// longCluster is the length in bytes from which on a grapheme cluster is only looked up character by character.
const longCluster = 6

// normalize replaces the grapheme clusters that are in the table. For the others, it replaces their characters that are in the table.
func (c *charsmap) normalize(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	state := -1
	for len(s) > 0 {
		var cluster string
		if len(s) > 1 && plain(s[0]) && plain(s[1]) { // a printable ASCII character before another is a cluster
			cluster, s, state = s[:1], s[1:], -1
		} else {
			cluster, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		}
		if len(cluster) < longCluster {
			if text, ok := c.replacement(cluster); ok {
				b.WriteString(text)
				continue
			}
		}
		for i, r := range cluster {
			part := cluster[i : i+utf8.RuneLen(r)]
			if text, ok := c.replacement(part); ok {
				part = text
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

// plain tells whether b is printable ASCII.
func plain(b byte) bool { return b >= ' ' && b < 0x7f }
