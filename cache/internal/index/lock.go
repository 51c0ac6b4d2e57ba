package index

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// Lock is an exclusive lock on a file. The kernel holds it, and releases it when the process ends, in whatever way.
type Lock struct{ f *os.File }

// ErrLocked says that another process, or another part of this one, holds the lock.
var ErrLocked = errors.New("locked")

// TryLock takes the lock or returns ErrLocked. It creates the file. A holder may remove the file, so TryLock checks that the lock is on the
// file that the path names now.
func TryLock(path string) (*Lock, error) {
	for {
		f, err := OpenPlain(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := flock(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if same, err := names(path, f); err != nil {
			return nil, errors.Join(err, f.Close())
		} else if same {
			return &Lock{f}, nil
		}
		f.Close()
	}
}

// names tells whether path still is f.
func names(path string, f *os.File) (bool, error) {
	at, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	is, err := f.Stat()
	return err == nil && os.SameFile(at, is), err
}

// longestPause is the longest time between two looks at a lock.
const longestPause = 15 * time.Millisecond

// tryExisting is TryLock for readers: it neither creates nor writes the file. If there is no file, nobody holds the lock.
func tryExisting(path string) (*Lock, error) {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &Lock{}, nil
	} else if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f}, nil
}

// Locked tells whether somebody holds the lock on a file. The file is neither created nor written.
func Locked(path string) (bool, error) {
	l, err := tryExisting(path)
	if errors.Is(err, ErrLocked) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	return false, l.Unlock()
}

// await waits for a lock; try is TryLock or tryExisting.
func await(ctx context.Context, path string, try func(string) (*Lock, error)) (l *Lock, err error) {
	err = Poll(ctx, longestPause, func() (bool, error) {
		l, err = try(path)
		if errors.Is(err, ErrLocked) {
			return false, nil
		}
		return true, err
	})
	return l, err
}

// Poll calls try until it is done or fails, at intervals that grow to longest.
func Poll(ctx context.Context, longest time.Duration, try func() (done bool, err error)) error {
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		if done, err := try(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Unlock gives the lock back.
func (l *Lock) Unlock() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
