package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// The index's tables: a letter, then the key.
const (
	entryTable  = 'e' // ActionID -> Entry
	recentTable = 'r' // type, newest first -> ActionID
	allTable    = 'a' // newest first -> ActionID
	statTable   = 's' // path -> stat and digest
	memoTable   = 'm' // row key -> value
)

// sealSize is the part of a value that proves the rest: Badger's own checksums don't cover its value log.
const sealSize = 16

// seal puts a checksum of the key and the value before the value.
func seal(key, value []byte) []byte {
	sum := Sum(append(append([]byte{}, key...), value...))
	return append(sum[:sealSize:sealSize], value...)
}

// unseal returns the value, or false if it isn't what was written.
func unseal(key, sealed []byte) ([]byte, bool) {
	if len(sealed) < sealSize {
		return nil, false
	}
	value := sealed[sealSize:]
	sum := Sum(append(append([]byte{}, key...), value...))
	return value, bytes.Equal(sum[:sealSize], sealed[:sealSize])
}

func entryKey(action Digest) []byte { return append([]byte{entryTable}, action[:]...) }

// newest makes a key part by which later times come first.
func newest(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, ^uint64(t.UnixNano()))
}

func recentKey(e *Entry) []byte {
	k := append(append([]byte{recentTable}, e.Type...), 0)
	return append(append(k, newest(e.Result.Made)...), e.Action[:]...)
}

func allKey(e *Entry) []byte {
	return append(append([]byte{allTable}, newest(e.Result.Made)...), e.Action[:]...)
}

// Get returns an action's entry. Its outputs may be gone; Has and Path tell. The error of an absent or unreadable entry
// is a *Miss.
func (s *Store) Get(ctx context.Context, action Digest) (*Entry, error) {
	var e *Entry
	err := s.index.use(ctx, func(db *badger.DB) error {
		return db.View(func(txn *badger.Txn) (err error) {
			e, err = getEntry(txn, action)
			return err
		})
	})
	if errors.Is(err, errNoIndex) {
		return nil, &Miss{"entry", "not found"}
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

func getEntry(txn *badger.Txn, action Digest) (*Entry, error) {
	key := entryKey(action)
	value, err := getSealed(txn, key)
	if err != nil {
		return nil, err
	}
	var e Entry
	if err := json.Unmarshal(value, &e); err != nil {
		return nil, &Miss{"entry", "unreadable: " + err.Error()}
	}
	if e.Action != action {
		return nil, &Miss{"entry", fmt.Sprintf("is of another action, %s", e.Action.Short())}
	}
	return &e, nil
}

// getSealed returns a copy of the value, or a *Miss.
func getSealed(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, &Miss{"entry", "not found"}
	}
	var sealed []byte
	if err == nil {
		sealed, err = item.ValueCopy(nil)
	}
	if err != nil {
		if Outside(err) {
			return nil, err
		}
		return nil, &Miss{"entry", "unreadable: " + err.Error()}
	}
	value, ok := unseal(key, sealed)
	if !ok {
		return nil, &Miss{"entry", "damaged: its checksum is wrong"}
	}
	return value, nil
}

// Put records an entry; its outputs are in the store already.
func (s *Store) Put(ctx context.Context, e *Entry) error {
	if s.readOnly {
		return errReadOnly
	}
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("entry %s: %w", e.Action.Short(), err)
	}
	return s.index.use(ctx, func(db *badger.DB) error {
		return db.Update(func(txn *badger.Txn) error {
			if old, err := getEntry(txn, e.Action); err == nil {
				if err := errors.Join(txn.Delete(recentKey(old)), txn.Delete(allKey(old))); err != nil {
					return err
				}
			}
			key := entryKey(e.Action)
			return errors.Join(txn.Set(key, seal(key, value)), txn.Set(recentKey(e), nil), txn.Set(allKey(e), nil))
		})
	})
}

var errReadOnly = errors.New("cache: the store is open for reading only")

// Recent returns the newest n entries of a step type, or of all with typ "", newest first.
func (s *Store) Recent(ctx context.Context, typ string, n int) ([]*Entry, error) {
	prefix := []byte{allTable}
	if typ != "" {
		prefix = append(append([]byte{recentTable}, typ...), 0)
	}
	var out []*Entry
	err := s.index.use(ctx, func(db *badger.DB) error {
		return db.View(func(txn *badger.Txn) error {
			it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
			defer it.Close()
			for it.Rewind(); it.Valid() && len(out) < n; it.Next() {
				key := it.Item().Key()
				if len(key) < len(Digest{}) {
					continue
				}
				e, err := getEntry(txn, Digest(key[len(key)-len(Digest{}):]))
				var miss *Miss
				if errors.As(err, &miss) {
					continue // damaged or evicted
				} else if err != nil {
					return err
				}
				out = append(out, e)
			}
			return nil
		})
	})
	if errors.Is(err, errNoIndex) {
		return nil, nil
	}
	return out, err
}
