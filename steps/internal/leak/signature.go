package leak

import (
	"encoding/binary"
	"math/bits"

	"rein/steps/internal/text"
)

const (
	places  = 64 // of a signature
	bands   = 16
	perBand = places / bands
)

// signature is a text's MinHash with one byte of each place: a quarter of the memory, and places that differ look equal
// only once in 256 times.
type signature [places]byte

func shortened(sig text.Signature) (out signature) {
	for i, v := range sig {
		out[i] = byte(v)
	}
	return out
}

// band is a bucket's key.
func (a *signature) band(b int) uint32 { return binary.LittleEndian.Uint32(a[b*perBand:]) }

// signatures is a list that grows without copying: it is most of the memory.
type signatures struct{ blocks []*[chunk]signature }

func (s *signatures) add(i int, sig signature) {
	if i/chunk == len(s.blocks) {
		s.blocks = append(s.blocks, new([chunk]signature))
	}
	s.blocks[i/chunk][i%chunk] = sig
}

func (s *signatures) at(i int) *signature { return &s.blocks[i/chunk][i%chunk] }

// similarity estimates the Jaccard similarity of two texts' word runs.
func (a *signature) similarity(b *signature) float64 {
	equal := 0
	for i := 0; i < places; i += 8 {
		x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
		x |= x >> 4 // each byte's lowest bit: does any bit differ?
		x |= x >> 2
		x |= x >> 1
		equal += 8 - bits.OnesCount64(x&0x0101010101010101)
	}
	return float64(equal) / places
}
