package index

import (
	"bytes"
	"errors"
	"iter"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/zeebo/blake3"
)

// ErrNotFound says that the index has no value for a key.
var ErrNotFound = errors.New("not found")

// BadValue is the error of a value that isn't what was written.
type BadValue struct{ Reason string }

func (b *BadValue) Error() string { return b.Reason }

// Txn reads, and in an Update changes, what the index holds. One goroutine uses it.
type Txn struct {
	txn   *badger.Txn
	space []byte // for checksums
}

// Get returns a copy of a key's value.
func (t *Txn) Get(key []byte) (value []byte, err error) {
	err = t.Read(key, func(v []byte) error {
		value = append(make([]byte, 0, len(v)), v...)
		return nil
	})
	return value, err
}

// Read calls do with a key's value, which is good until do returns.
func (t *Txn) Read(key []byte, do func(value []byte) error) error {
	item, err := t.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return ErrNotFound
	}
	var done error
	if err == nil {
		err = item.Value(func(stored []byte) error {
			value, ok := t.splitChecksum(key, stored)
			if !ok {
				done = &BadValue{"damaged: its checksum is wrong"}
				return nil
			}
			done = do(value)
			return nil
		})
	}
	switch {
	case err == nil:
		return done
	case Outside(err):
		return err
	}
	return &BadValue{"unreadable: " + err.Error()}
}

// Has tells whether there is a key, whatever its value is.
func (t *Txn) Has(key []byte) (bool, error) {
	_, err := t.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Keys yields the keys that begin with a prefix, in order. A key is valid until the next one is yielded.
func (t *Txn) Keys(prefix []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		it := t.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if !yield(it.Item().Key()) {
				return
			}
		}
	}
}

// Set puts a value, which is at most 1 MiB, under a key.
func (t *Txn) Set(key, value []byte) error { return t.txn.Set(key, withChecksum(key, value)) }

// Mark puts a key without a value.
func (t *Txn) Mark(key []byte) error { return t.txn.Set(key, nil) }

// Delete removes a key, if it is there.
func (t *Txn) Delete(key []byte) error { return t.txn.Delete(key) }

// Batch collects changes.
type Batch struct{ b *badger.WriteBatch }

// Set puts a value under a key.
func (b *Batch) Set(key, value []byte) error { return b.b.Set(key, withChecksum(key, value)) }

// Delete removes a key, if it is there.
func (b *Batch) Delete(key []byte) error { return b.b.Delete(key) }

// checksumSize is the part of a stored value that proves the rest: Badger's own checksums don't cover its value log.
const checksumSize = 16

// withChecksum puts a checksum of the key and the value before the value.
func withChecksum(key, value []byte) []byte {
	sum := checksum(nil, key, value)
	return append(sum[:checksumSize:checksumSize], value...)
}

// splitChecksum returns the value, or false if it isn't what was written.
func (t *Txn) splitChecksum(key, stored []byte) ([]byte, bool) {
	if len(stored) < checksumSize {
		return nil, false
	}
	value := stored[checksumSize:]
	t.space = slices.Grow(t.space[:0], len(key)+len(value))
	sum := checksum(t.space, key, value)
	return value, bytes.Equal(sum[:checksumSize], stored[:checksumSize])
}

// checksum works in space, as far as that goes.
func checksum(space, key, value []byte) [32]byte {
	return blake3.Sum256(append(append(space, key...), value...))
}
