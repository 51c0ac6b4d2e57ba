package cache

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"

	"rein/cache/internal/index"
)

// wholeKey marks an index that holds everything the run records know. A new index gets it after it was filled from them.
var wholeKey = []byte{'w'}

// refillLease is held by who fills the index.
var refillLease = Sum([]byte("refill the index"))

// Recover fills an index that was lost, or was damaged and set aside, from run records and blobs. It returns how many results it found.
func (s *Store) Recover(ctx context.Context) (entries int, err error) {
	if s.readOnly {
		return 0, errReadOnly
	}
	if whole, err := s.Whole(ctx); whole || err != nil {
		return 0, err
	}
	lease, err := s.Lease(ctx, refillLease, nil)
	if err != nil {
		return 0, err
	}
	defer lease.Release()
	if whole, err := s.Whole(ctx); whole || err != nil { // another process has filled it
		return 0, err
	}
	return s.refill(ctx)
}

// Whole tells whether the index holds all that the run records know.
func (s *Store) Whole(ctx context.Context) (whole bool, err error) {
	err = s.view(ctx, func(txn *index.Txn) (err error) {
		whole, err = txn.Has(wholeKey)
		return err
	})
	if err == nil && !whole {
		ids, err := s.Runs()
		return s.readOnly && len(ids) == 0, err // a writer leaves the mark
	}
	return whole, err
}

// Rebuild makes a new index from run records and blobs, and returns how many entries it has. The old index is kept beside it until the new
// one is complete.
func (s *Store) Rebuild(ctx context.Context) (entries int, err error) {
	if s.readOnly {
		return 0, errReadOnly
	}
	lease, err := s.Lease(ctx, refillLease, nil)
	if err != nil {
		return 0, err
	}
	defer lease.Release()
	s.replaced.Store(true)
	aside, err := s.index.Replace(ctx)
	if err != nil {
		return 0, s.indexError(err)
	}
	if entries, err = s.refill(ctx); err != nil {
		return entries, err
	}
	return entries, os.RemoveAll(aside)
}

// refill puts what the run records know into the index, newest record first.
func (s *Store) refill(ctx context.Context) (entries int, err error) {
	ids, err := s.Runs()
	if err != nil {
		return 0, err
	}
	known := map[Digest]bool{}
	for _, id := range slices.Backward(ids) {
		b, err := s.ReadRun(id)
		if err != nil {
			return entries, err
		}
		n, err := s.restoreRun(ctx, b, known)
		if err != nil {
			return entries, err
		}
		entries += n
	}
	return entries, s.indexError(s.index.Update(ctx, func(txn *index.Txn) error { return txn.Mark(wholeKey) }))
}

// recorded is the part of a run record that entries are made of: engine/record writes it.
type recorded struct {
	Pipelines []struct {
		Name  string `json:"name"`
		Steps []struct {
			Name     string          `json:"name"`
			Type     string          `json:"type"`
			Version  int             `json:"version"`
			ActionID string          `json:"action_id"`
			Key      string          `json:"key"`
			Outputs  map[string]Blob `json:"outputs"`
			Result   Result          `json:"result"`
		} `json:"steps"`
	} `json:"pipelines"`
}

// restoreRun adds a record's steps to the index, if they are missing there, their outputs are all in the store and proven, and the digest
// of their key is their ActionID.
func (s *Store) restoreRun(ctx context.Context, b []byte, known map[Digest]bool) (n int, err error) {
	var r recorded
	if json.Unmarshal(b, &r) != nil {
		return 0, nil // cache verify says so
	}
	for _, p := range r.Pipelines {
		for _, st := range p.Steps {
			action, err := ParseDigest(st.ActionID)
			if err != nil || known[action] || st.Key == "" || Sum([]byte(st.Key)) != action {
				continue
			}
			var miss *Miss
			if _, err := s.Get(ctx, action); err == nil {
				known[action] = true
				continue
			} else if !errors.As(err, &miss) {
				return n, err
			}
			e := &Entry{Action: action, Type: st.Type, Version: st.Version, Pipeline: p.Name, Step: st.Name, Key: st.Key, Outputs: st.Outputs, Result: st.Result}
			if lost, err := s.Lost(ctx, e); err != nil {
				return n, err
			} else if lost != "" {
				continue
			}
			known[action] = true
			if err := s.Put(ctx, e); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
