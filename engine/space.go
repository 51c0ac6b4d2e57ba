package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rein/cache"
)

// newRunID is time-ordered, and unique even if two runs start in one second.
func newRunID(now time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}

// space is a run's folder for scratch: state/scratch/RUN. It is leased while the run lives, so that the next run can
// tell the leavings of a killed one from a living one's.
type space struct {
	dir   string
	lease *cache.Lease
}

func spaceLease(id string) cache.Digest { return cache.Sum([]byte("scratch " + id)) }

func newSpace(store *cache.Store, id string) (*space, error) {
	root := filepath.Join(store.Dir(), "scratch")
	lease, err := store.TryLease(spaceLease(id))
	if err != nil {
		return nil, err
	}
	if lease == nil {
		return nil, errors.New("two runs have one id")
	}
	sweep(store, root)
	return &space{dir: filepath.Join(root, id), lease: lease}, nil
}

// sweep removes the scratch folders of runs that are gone. What can't be removed now is left to a later run.
func sweep(store *cache.Store, root string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, e := range entries {
		if l, err := store.TryLease(spaceLease(e.Name())); err == nil && l != nil {
			_ = removeAll(filepath.Join(root, e.Name()))
			l.Release()
		}
	}
}

// fresh makes an empty folder for one execution.
func (s *space) fresh(name string) (string, error) {
	dir := filepath.Join(s.dir, name)
	if err := removeAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}

func (s *space) close() {
	_ = removeAll(s.dir) // the next run sweeps what is left
	s.lease.Release()
}

// removeAll removes a tree in which a step may have made folders read-only.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
