//go:build !linux

package cache

import (
	"errors"
	"os"
	"path/filepath"

	"rein/cache/internal/index"
)

// leases are lock files, one an action.
type leases struct{ dir string }

func newLeases(dir string) *leases { return &leases{dir} }

func (l *leases) try(action Digest) (func() error, error) {
	path := filepath.Join(l.dir, action.String())
	f, err := index.TryLock(path)
	if err != nil {
		return nil, err
	}
	return func() error {
		_ = os.Remove(path) // where an open file can't be removed it stays, empty
		return f.Unlock()
	}, nil
}

func (l *leases) taken(action Digest) (bool, error) {
	f, err := tryExisting(filepath.Join(l.dir, action.String()))
	if errors.Is(err, errLocked) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	return false, f.unlock()
}

func (l *leases) close() error { return nil }
