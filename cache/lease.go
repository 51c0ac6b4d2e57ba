package cache

import (
	"context"
	"errors"
	"time"

	"rein/cache/internal/index"
)

// leaseTable is the file whose bytes are leases, where the system locks bytes.
const leaseTable = "table"

// Lease is the right to make one action's result. The kernel takes it back when its process ends.
type Lease struct{ release func() error }

// Lease waits for the right to make an action's result. It calls waiting once if it has to wait. The caller then asks the index again,
// since the previous holder may have made the result.
func (s *Store) Lease(ctx context.Context, action Digest, waiting func()) (l *Lease, err error) {
	try := func() (bool, error) {
		l, err = s.TryLease(action)
		return l != nil || err != nil, err
	}
	if done, err := try(); done {
		return l, err
	}
	if waiting != nil {
		waiting()
	}
	err = index.Poll(ctx, 50*time.Millisecond, try)
	return l, err
}

// TryLease is Lease without waiting. It returns nil if another process holds the lease.
func (s *Store) TryLease(action Digest) (*Lease, error) {
	release, err := s.leases.try(action)
	if errors.Is(err, index.ErrLocked) {
		return nil, nil
	} else if err != nil {
		return nil, stateError(err)
	}
	return &Lease{release}, nil
}

// Leased tells whether somebody holds an action's lease now. It takes nothing, so it works on a store that is opened for reading.
func (s *Store) Leased(action Digest) (bool, error) { return s.leases.taken(action) }

// Release gives the lease back.
func (l *Lease) Release() error { return l.release() }
