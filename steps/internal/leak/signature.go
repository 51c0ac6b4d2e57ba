package leak

import (
	"encoding/binary"
	"math/bits"

	"rein/steps/internal/text"
)

const (
	sigLen  = 64 // values of a signature
	bands   = 16
	perBand = sigLen / bands
)

// signature is a text's MinHash signature with only the lowest byte of each value. This takes a quarter of the memory, and only one in 256
// differing values looks equal.
type signature [sigLen]byte

func lowBytes(sig text.Signature) (out signature) {
	for i, v := range sig {
		out[i] = byte(v)
	}
	return out
}

// band returns the key of the signature's bucket in band b.
func (a *signature) band(b int) uint32 { return binary.LittleEndian.Uint32(a[b*perBand:]) }

// signatures is a list that grows without copying, because it takes most of the memory.
type signatures struct{ blocks []*[chunk]signature }

func (s *signatures) add(i int, sig signature) {
	if i/chunk == len(s.blocks) {
		s.blocks = append(s.blocks, new([chunk]signature))
	}
	s.blocks[i/chunk][i%chunk] = sig
}

func (s *signatures) at(i int) *signature { return &s.blocks[i/chunk][i%chunk] }

// similarity estimates the Jaccard similarity of two texts, as sets of short runs of words.
func (a *signature) similarity(b *signature) float64 {
	equal := 0
	for i := 0; i < sigLen; i += 8 {
		x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
		x |= x >> 4 // each byte's lowest bit becomes 1 if any bit of the byte is
		x |= x >> 2
		x |= x >> 1
		equal += 8 - bits.OnesCount64(x&0x0101010101010101)
	}
	return float64(equal) / sigLen
}
