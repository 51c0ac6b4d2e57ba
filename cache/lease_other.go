//go:build !linux

package cache

import (
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
		_ = os.Remove(path) // a system that can't remove an open file keeps it, empty
		return f.Unlock()
	}, nil
}

func (l *leases) taken(action Digest) (bool, error) {
	return index.Locked(filepath.Join(l.dir, action.String()))
}

func (l *leases) close() error { return nil }
