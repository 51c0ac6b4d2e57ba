package cache

import (
	"context"
	"errors"
	"path/filepath"
)

// Lease is the right to make one action's result. The kernel takes it back when its process ends.
type Lease struct{ l *fileLock }

// Lease waits for the right to make an action's result; waiting is called once if it has to wait. Who gets it asks the
// index again: the holder before may have made it.
func (s *Store) Lease(ctx context.Context, action Digest, waiting func()) (*Lease, error) {
	l, err := lock(ctx, s.leasePath(action), waiting)
	if err != nil {
		return nil, err
	}
	return &Lease{l}, nil
}

// TryLease is Lease without waiting: nil if another holds it.
func (s *Store) TryLease(action Digest) (*Lease, error) {
	l, err := tryLock(s.leasePath(action))
	if errors.Is(err, errLocked) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return &Lease{l}, nil
}

func (s *Store) leasePath(action Digest) string {
	return filepath.Join(s.dir, leasesDir, action.String())
}

// Release gives the lease back.
func (l *Lease) Release() error { return l.l.remove() }
