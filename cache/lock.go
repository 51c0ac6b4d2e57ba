package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// fileLock is an exclusive lock on a file, held by the kernel: it ends with its process, however that ends.
type fileLock struct{ f *os.File }

// errLocked says that another process, or another part of this one, holds the lock.
var errLocked = errors.New("locked")

// tryLock takes the lock or returns errLocked. The file is created, and it is made sure that the lock is on the file
// that the path names: a holder may remove it.
func tryLock(path string) (*fileLock, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := flock(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if same, err := names(path, f); err != nil {
			return nil, errors.Join(err, f.Close())
		} else if same {
			return &fileLock{f}, nil
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

// tryExisting is tryLock for readers: the file is neither created nor written. Where there is none, nobody holds it.
func tryExisting(path string) (*fileLock, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &fileLock{}, nil
	} else if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileLock{f}, nil
}

// await waits for a lock, by tryLock or tryExisting.
func await(ctx context.Context, path string, try func(string) (*fileLock, error)) (l *fileLock, err error) {
	err = poll(ctx, longestPause, func() (bool, error) {
		l, err = try(path)
		if errors.Is(err, errLocked) {
			return false, nil
		}
		return true, err
	})
	return l, err
}

// poll calls try, at intervals that grow to the longest, until it is done or fails.
func poll(ctx context.Context, longest time.Duration, try func() (done bool, err error)) error {
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

// unlock gives the lock back.
func (l *fileLock) unlock() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
