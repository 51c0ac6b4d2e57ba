package ngram

import "slices"

const (
	slots     = 1 << 12
	mostKept  = 1 << 18 // letters and ids together, 4 bytes each: a megabyte
	mostOfOne = 512     // letters and ids of one word
)

// known caches the ids of single words, because most words of a text have come before. A word's hash decides its slot; a new word replaces
// the one that was there.
type known struct {
	slots []slot
	store []int32 // each word's letters, followed by its ids
}

type slot struct {
	hash         uint32
	at           int32
	letters, ids uint16 // letters is 0 in an empty slot
}

func (k *known) find(hash uint32, word []rune) ([]int32, bool) {
	if k.slots == nil {
		return nil, false
	}
	s := k.slots[mix(hash)%slots]
	if s.hash != hash || int(s.letters) != len(word) {
		return nil, false
	}
	ids := s.at + int32(s.letters)
	return k.store[ids : ids+int32(s.ids)], slices.Equal(k.store[s.at:ids], word)
}

func (k *known) keep(hash uint32, word []rune, ids []int32) {
	n := len(word) + len(ids)
	if n > mostOfOne {
		return
	}
	if k.slots == nil {
		k.slots = make([]slot, slots)
	}
	if len(k.store)+n > mostKept {
		clear(k.slots)
		k.store = k.store[:0]
	}
	k.slots[mix(hash)%slots] = slot{hash, int32(len(k.store)), uint16(len(word)), uint16(len(ids))}
	k.store = append(append(k.store, word...), ids...)
}
