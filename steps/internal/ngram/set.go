package ngram

import "math/bits"

// set collects ids and returns them sorted and distinct, in linear time: it has a bit for each id, and a bit for each 64-bit word of these
// that isn't empty.
type set struct{ words, used []uint64 }

func newSet(n int) set {
	words := (n + 63) / 64
	return set{make([]uint64, words), make([]uint64, (words+63)/64)}
}

func (s set) add(id int32) {
	s.words[id>>6] |= 1 << (id & 63)
	s.used[id>>12] |= 1 << (id >> 6 & 63)
}

// drain appends the ids to dst and empties the set.
func (s set) drain(dst []int32) []int32 {
	for i, used := range s.used {
		for ; used != 0; used &= used - 1 {
			w := i<<6 | bits.TrailingZeros64(used)
			for word := s.words[w]; word != 0; word &= word - 1 {
				dst = append(dst, int32(w<<6|bits.TrailingZeros64(word)))
			}
			s.words[w] = 0
		}
		s.used[i] = 0
	}
	return dst
}
