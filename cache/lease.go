package cache

import (
	"context"
	"errors"
	"time"
)

// Lease is the right to make one action's result. The kernel takes it back when its process ends.
type Lease struct{ release func() error }

// Lease waits for the right to make an action's result; waiting is called once if it has to wait. Who gets it asks the
// index again: the holder before may have made it.
func (s *Store) Lease(ctx context.Context, action Digest, waiting func()) (*Lease, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		l, err := s.TryLease(action)
		if l != nil || err != nil {
			return l, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// TryLease is Lease without waiting: nil if another holds it.
func (s *Store) TryLease(action Digest) (*Lease, error) {
	release, err := s.leases.try(action)
	if errors.Is(err, errLocked) {
		return nil, nil
	} else if err != nil {
		return nil, stateError(err)
	}
	return &Lease{release}, nil
}

// Release gives the lease back.
func (l *Lease) Release() error { return l.release() }
