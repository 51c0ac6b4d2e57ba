//go:build !linux

package cache

import (
	"os"
	"path/filepath"
)

// leases are lock files, one an action.
type leases struct{ dir string }

func newLeases(dir string) *leases { return &leases{dir} }

func (l *leases) try(action Digest) (func() error, error) {
	f, err := tryLock(filepath.Join(l.dir, action.String()))
	if err != nil {
		return nil, err
	}
	return func() error {
		_ = os.Remove(f.f.Name()) // where an open file can't be removed it stays, empty
		return f.unlock()
	}, nil
}

func (l *leases) close() error { return nil }
