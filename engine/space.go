package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"rein/cache"
)

// newRunID is time-ordered, and unique even if two runs start in one second.
func newRunID(now time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.Replace(now.UTC().Format("20060102T150405.000"), ".", "", 1) + "-" + hex.EncodeToString(b[:])
}

// space is a run's folder for scratch: state/scratch/RUN. It is leased while the run lives, so that the next run can
// tell the leavings of a killed one from a living one's.
type space struct {
	dir   string
	lease *cache.Lease
	mu    sync.Mutex
	made  int
	free  []string // folders of executions that are over, emptied: making and removing folders is not cheap
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
		if !runID.MatchString(e.Name()) {
			// The store's own: no lease tells whether it is in use, so age has to.
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
				_ = removeAll(filepath.Join(root, e.Name()))
			}
			continue
		}
		if l, err := store.TryLease(spaceLease(e.Name())); err == nil && l != nil {
			_ = removeAll(filepath.Join(root, e.Name()))
			_ = l.Release()
		}
	}
}

// abandoned is how long the store's scratch lies untouched before nobody is taken to use it.
const abandoned = 24 * time.Hour

// runID is what newRunID makes.
var runID = regexp.MustCompile(`^\d{8}T\d{9}-[0-9a-f]{6}$`)

// Busy tells whether a run is going on in a state folder, in whatever process.
func Busy(store *cache.Store) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(store.Dir(), "scratch"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	for _, e := range entries {
		if !runID.MatchString(e.Name()) {
			continue
		}
		l, err := store.TryLease(spaceLease(e.Name()))
		if err != nil {
			return false, err
		}
		if l == nil {
			return true, nil
		}
		if err := l.Release(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// scratchName is the folder in an execution's folder that belongs to the step.
const scratchName = "tmp"

// take gives an execution a folder that holds nothing but an empty folder "tmp".
func (s *space) take() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		dir := s.free[n-1]
		s.free = s.free[:n-1]
		return dir, nil
	}
	dir := filepath.Join(s.dir, strconv.Itoa(s.made))
	s.made++
	return dir, os.MkdirAll(filepath.Join(dir, scratchName), 0o700)
}

// give takes the folder back. One that can't be emptied is left behind for a sweep.
func (s *space) give(dir string) {
	if empty(dir, scratchName) != nil || empty(filepath.Join(dir, scratchName), "") != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, dir)
}

// empty removes what is in dir, except for one name.
func empty(dir, except string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != except {
			if err := removeAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *space) close() {
	_ = removeAll(s.dir) // the next run sweeps what is left
	_ = s.lease.Release()
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
