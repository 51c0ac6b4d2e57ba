package remote

import (
	"encoding/binary"
	"sync"
)

// Content goes as one zstd frame each. What doesn't get shorter, as weights and archives don't, is only wrapped in one: trying
// would take longer than sending it over a fast network.

// worthIt is how short a sample has to get for the whole to be compressed, as a share of its length.
const worthIt = 0.95

// encode makes a frame of text, in buf where it has room.
func (r *Remote) encode(text, buf []byte) []byte {
	const piece = 16 << 10
	if n := len(text); n > 16*piece {
		sample := make([]byte, 0, 3*piece)
		for _, at := range []int{0, n/2 - piece/2, n - piece} {
			sample = append(sample, text[at:at+piece]...)
		}
		if float64(len(r.enc.EncodeAll(sample, nil))) > worthIt*float64(len(sample)) {
			return wrap(text, buf[:0])
		}
	}
	return r.enc.EncodeAll(text, buf[:0])
}

// wrap appends a frame of blocks that aren't compressed (RFC 8878).
func wrap(text, out []byte) []byte {
	const (
		magic         = 0xFD2FB528
		singleSegment = 1<<5 | 2<<6 // and a content size of 4 bytes
		block         = 128 << 10
	)
	out = binary.LittleEndian.AppendUint32(out, magic)
	out = append(out, singleSegment)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	for {
		n := min(block, len(text))
		head := uint32(n) << 3 // raw
		if n == len(text) {
			head |= 1 // the last one
		}
		out = append(out, byte(head), byte(head>>8), byte(head>>16))
		out = append(out, text[:n]...)
		if text = text[n:]; len(text) == 0 {
			return out
		}
	}
}

// buffers are of a part's length, packed or not.
var buffers = sync.Pool{New: func() any { b := make([]byte, partSize+maxGrowth); return &b }}
