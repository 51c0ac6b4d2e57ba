package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rein/cache/internal/index"
)

// The index's tables: a letter, then the key.
const (
	entryTable  = 'e' // ActionID -> Entry
	recentTable = 'r' // type, newest first -> ActionID
	allTable    = 'a' // newest first -> ActionID
	stepTable   = 'p' // pipeline and step -> the ActionIDs of its last results
	statTable   = 's' // path -> stat and digest
	memoTable   = 'm' // row key -> value
)

func entryKey(action Digest) []byte { return append([]byte{entryTable}, action[:]...) }

// newest is a part of a key that sorts later times first.
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

func stepKey(pipeline, step string) []byte {
	d := Sum([]byte(pipeline + "\x00" + step))
	return append([]byte{stepTable}, d[:16]...)
}

// mostOfStep is how many results are listed for a step.
const mostOfStep = 32

// list puts an action first among those of its step.
func list(txn *index.Txn, e *Entry) error {
	was, err := getValue(txn, stepKey(e.Pipeline, e.Step))
	var miss *Miss
	if err != nil && !errors.As(err, &miss) {
		return err
	}
	now := slices.Clone(e.Action[:])
	for id := range slices.Chunk(was, len(e.Action)) {
		if len(now) < mostOfStep*len(e.Action) && !bytes.Equal(id, e.Action[:]) {
			now = append(now, id...)
		}
	}
	return txn.Set(stepKey(e.Pipeline, e.Step), now)
}

// OfStep returns the entries that a step's runs have made, newest first; at most 32.
func (s *Store) OfStep(ctx context.Context, pipeline, step string) (out []*Entry, err error) {
	err = s.view(ctx, func(txn *index.Txn) error {
		ids, err := getValue(txn, stepKey(pipeline, step))
		for id := range slices.Chunk(ids, len(Digest{})) {
			if len(id) < len(Digest{}) {
				continue
			}
			if e, err := getEntry(txn, Digest(id)); err == nil && e.Pipeline == pipeline && e.Step == step {
				out = append(out, e)
			}
		}
		var miss *Miss
		if errors.As(err, &miss) {
			return nil
		}
		return err
	})
	slices.SortStableFunc(out, func(a, b *Entry) int { return b.Result.Made.Compare(a.Result.Made) }) // a rebuilt index lists them in another order
	return out, err
}

// view reads the index. If there is no index yet, do isn't called.
func (s *Store) view(ctx context.Context, do func(*index.Txn) error) error {
	if err := s.index.View(ctx, do); !errors.Is(err, index.ErrNone) {
		return s.indexError(err)
	}
	return nil
}

// OpenToWrite opens the index for writing, which takes some time, before something is written. An error is met again then.
func (s *Store) OpenToWrite(ctx context.Context) {
	if !s.readOnly {
		_ = s.index.Update(ctx, func(*index.Txn) error { return nil })
	}
}

// indexError adds to an error of the index what the user can do. A miss stays as it is.
func (s *Store) indexError(err error) error {
	var miss *Miss
	var damage *index.Damage
	switch {
	case err == nil || errors.As(err, &miss):
		return err
	case errors.As(err, &damage) && s.readOnly:
		return fmt.Errorf("%w; %s", err, makesAnew)
	case errors.As(err, &damage):
		return err
	case Outside(err) && s.readOnly:
		return fmt.Errorf("the state folder can't be read: %w", err)
	}
	return stateError(err)
}

// makesAnew says what becomes of a damaged index.
const makesAnew = "the next run, or rein cache verify --repair, sets it aside, and makes it again from the run records"

// Outside tells whether an error is the machine's fault (no space, no permission, too many open files) and so says nothing about the data.
func Outside(err error) bool { return index.Outside(err) }

// Get returns an action's entry. Its outputs may be gone; Has and Path tell. The error of an absent or unreadable entry
// is a *Miss.
func (s *Store) Get(ctx context.Context, action Digest) (*Entry, error) {
	entries, misses, err := s.GetEach(ctx, []Digest{action}, nil)
	switch {
	case err != nil:
		return nil, err
	case misses[0] != nil:
		return nil, misses[0]
	}
	return entries[0], nil
}

// GetEach is Get of many actions, in one look at the index: an entry or a *Miss for each. keys are the texts that were hashed to the
// actions, which needn't be read then; nil: they aren't known.
func (s *Store) GetEach(ctx context.Context, actions []Digest, keys []string) (entries []*Entry, misses []*Miss, err error) {
	entries, misses = make([]*Entry, len(actions)), make([]*Miss, len(actions))
	order := make([]int, len(actions)) // by key, because neighbours lie in one block
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(actions[a][:], actions[b][:]) })
	err = s.view(ctx, func(txn *index.Txn) error {
		reader := entryReader{keyless: keys != nil}
		for _, i := range order {
			e, err := reader.get(txn, actions[i])
			if e != nil && keys != nil {
				e.Key = keys[i]
			}
			if entries[i] = e; err != nil && !errors.As(err, &misses[i]) {
				return err
			}
		}
		return nil
	})
	for i := range entries {
		if entries[i] == nil && misses[i] == nil {
			misses[i] = &Miss{"entry", "not found"}
		}
	}
	return entries, misses, err
}

func getEntry(txn *index.Txn, action Digest) (*Entry, error) {
	return new(entryReader).get(txn, action)
}

func (x *entryReader) get(txn *index.Txn, action Digest) (*Entry, error) {
	e := &Entry{}
	err := readValue(txn, entryKey(action), func(value []byte) error {
		if x.read(e, value) {
			return nil
		}
		*e = Entry{}
		if err := json.Unmarshal(value, e); err != nil {
			return &Miss{"entry", "unreadable: " + err.Error()}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if e.Action != action {
		return nil, &Miss{"entry", fmt.Sprintf("is of another action, %s", e.Action.Short())}
	}
	return e, nil
}

// readValue calls do with the value, which is good until do returns. The error of an absent or unreadable value is a *Miss.
func readValue(txn *index.Txn, key []byte, do func([]byte) error) error {
	err := txn.Read(key, do)
	var bad *index.BadValue
	if errors.Is(err, index.ErrNotFound) || errors.As(err, &bad) {
		return &Miss{"entry", err.Error()}
	}
	return err
}

// getValue returns a copy of the value, or a *Miss.
func getValue(txn *index.Txn, key []byte) (value []byte, err error) {
	err = readValue(txn, key, func(v []byte) error {
		value = bytes.Clone(v)
		return nil
	})
	return value, err
}

// getJSON reads the value of a key into v. found is false if there is none, or none that can be read.
func getJSON(txn *index.Txn, key []byte, v any) (found bool, err error) {
	err = readValue(txn, key, func(value []byte) error {
		found = json.Unmarshal(value, v) == nil
		return nil
	})
	var miss *Miss
	if errors.As(err, &miss) {
		return false, nil
	}
	return found, err
}

// Put records an entry; its outputs are in the store already. It stays if the process is killed now, and after Sync if the power fails.
func (s *Store) Put(ctx context.Context, e *Entry) error {
	if s.readOnly {
		return errReadOnly
	}
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("entry %s: %w", e.Action.Short(), err)
	}
	err = s.index.Update(ctx, func(txn *index.Txn) error {
		if had, err := txn.Has(entryKey(e.Action)); had || err != nil {
			s.replaced.Store(true)
		}
		if old, err := getEntry(txn, e.Action); err == nil {
			if err := errors.Join(txn.Delete(recentKey(old)), txn.Delete(allKey(old))); err != nil {
				return err
			}
		}
		return errors.Join(txn.Set(entryKey(e.Action), value), txn.Mark(recentKey(e)), txn.Mark(allKey(e)), list(txn, e))
	})
	if err == nil {
		s.wrote()
	}
	return s.indexError(err)
}

var errReadOnly = errors.New("cache: the store is open for reading only")

// Recent returns the newest n entries of a step type, or of all with typ "", newest first.
func (s *Store) Recent(ctx context.Context, typ string, n int) ([]*Entry, error) {
	prefix := []byte{allTable}
	if typ != "" {
		prefix = append(append([]byte{recentTable}, typ...), 0)
	}
	var out []*Entry
	err := s.view(ctx, func(txn *index.Txn) error {
		for key := range txn.Keys(prefix) {
			if len(out) == n {
				break
			}
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
	return out, err
}
