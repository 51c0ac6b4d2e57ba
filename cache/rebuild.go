package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// Rebuild makes the index anew from run records and blobs, newest record first, and returns how many entries it has. The
// old index is kept beside it until this is done.
func (s *Store) Rebuild(ctx context.Context) (entries int, err error) {
	if s.readOnly {
		return 0, errReadOnly
	}
	aside := fmt.Sprintf("%s.old-%d", s.index.dir, time.Now().UnixNano())
	if err := s.index.replace(ctx, aside); err != nil {
		return 0, err
	}
	ids, err := s.Runs()
	if err != nil {
		return 0, err
	}
	known := map[Digest]bool{}
	for i := len(ids) - 1; i >= 0; i-- {
		b, err := s.ReadRun(ids[i])
		if err != nil {
			return entries, err
		}
		n, err := s.restoreRun(ctx, b, known)
		if err != nil {
			return entries, err
		}
		entries += n
	}
	return entries, os.RemoveAll(aside)
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

// restoreRun puts a record's steps into the index: those whose outputs are all there, proven, and whose key is theirs.
func (s *Store) restoreRun(ctx context.Context, b []byte, known map[Digest]bool) (n int, err error) {
	var r recorded
	if json.Unmarshal(b, &r) != nil {
		return 0, nil // cache verify says so
	}
	for _, p := range r.Pipelines {
		for _, st := range p.Steps {
			action, err := ParseDigest(st.ActionID)
			if err != nil || known[action] || st.Key == "" || Sum([]byte(st.Key)) != action || len(st.Outputs) == 0 {
				continue
			}
			whole := true
			for _, out := range st.Outputs {
				var miss *Miss
				if _, err := s.Path(ctx, out); errors.As(err, &miss) {
					whole = false
				} else if err != nil {
					return n, err
				}
			}
			if !whole {
				continue
			}
			known[action] = true
			e := &Entry{Action: action, Type: st.Type, Version: st.Version, Pipeline: p.Name, Step: st.Name, Key: st.Key, Outputs: st.Outputs, Result: st.Result}
			if err := s.Put(ctx, e); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
