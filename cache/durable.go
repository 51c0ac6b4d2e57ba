package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// What a power cut leaves. Small blobs and index entries aren't written to the disk one by one but together, at sync points: at the
// latest syncEvery after the first of them, when Sync is called, as a run does before it writes its record, and when the store is closed.
// At a sync point the blobs go first, and the index last. What was put before one is there afterwards, whole.
//
// Between sync points the system writes when it likes, so that a power cut may leave an entry without its blob, or a blob with a part of its
// content. Such a blob still has its fresh seal, which proves nothing to another process: that one hashes the blob before it uses it in
// any way, and finds a miss.

// syncEvery is the longest time from a write to the sync point after it.
const syncEvery = 5 * time.Second

// unsynced is what was written since the last sync point.
type unsynced struct {
	every   time.Duration
	syncing sync.Mutex // one sync point at a time

	mu    sync.Mutex
	any   bool
	blobs map[Blob]bool
	timer *time.Timer
}

// wrote notes a write to the index, or a blob that has a fresh seal.
func (s *Store) wrote(blobs ...Blob) {
	u := &s.unsynced
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.blobs == nil {
		u.blobs = map[Blob]bool{}
	}
	for _, b := range blobs {
		u.blobs[b] = true
	}
	if u.any {
		return
	}
	u.any = true
	if u.timer == nil {
		u.timer = time.AfterFunc(u.every, func() { _ = s.Sync() }) // what it couldn't write is left to the next one
	} else {
		u.timer.Reset(u.every)
	}
}

// take gives what is to be written.
func (u *unsynced) take() (blobs map[Blob]bool, some bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	blobs, some = u.blobs, u.any
	u.blobs, u.any = nil, false
	if u.timer != nil {
		u.timer.Stop()
	}
	return blobs, some
}

// Sync is a sync point: what was put into the store before is there after a power cut.
func (s *Store) Sync() error {
	s.unsynced.syncing.Lock()
	defer s.unsynced.syncing.Unlock()
	blobs, some := s.unsynced.take()
	if !some {
		return nil
	}
	if err := s.syncAll(blobs); err != nil {
		for b := range blobs {
			s.wrote(b)
		}
		s.wrote()
		return stateError(err)
	}
	for b := range blobs {
		s.reseal(b)
	}
	return nil
}

// fewFiles is up to how many blobs are synced one by one: to sync a whole file system also writes what others have written to it.
const fewFiles = 8

func (s *Store) syncAll(blobs map[Blob]bool) error {
	if len(blobs) > fewFiles {
		if done, err := syncFileSystem(s.dir, filepath.Join(s.dir, blobsDir), filepath.Join(s.dir, indexDir)); done {
			return err
		}
	}
	g := new(errgroup.Group)
	g.SetLimit(4 * runtime.GOMAXPROCS(0)) // the disk takes several at once
	shelves := map[string]bool{filepath.Join(s.dir, blobsDir): true}
	for b := range blobs {
		shelves[filepath.Dir(s.blobPath(b))] = true
		g.Go(func() error {
			t, err := readTree(s.blobPath(b))
			if err == nil {
				err = t.sync()
			}
			return unlessGone(err)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if len(blobs) > 0 {
		for dir := range shelves {
			g.Go(func() error { return unlessGone(syncPath(dir)) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return s.index.Sync(func(path string) error { return unlessGone(syncPath(path)) })
}

// group has paths synced that several goroutines want on the disk at the same time: while one sync goes on, the paths for the next one
// gather.
type group struct {
	mu      sync.Mutex
	waiting []wanted
	busy    bool
}

// wanted is what one goroutine waits for.
type wanted struct {
	paths []string
	done  chan error
}

// onDisk returns when files and folders are on the disk.
func (s *Store) onDisk(paths ...string) error {
	w := wanted{paths, make(chan error, 1)}
	g := &s.group
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	if !g.busy {
		g.busy = true
		go s.syncGroups()
	}
	g.mu.Unlock()
	return <-w.done
}

func (s *Store) syncGroups() {
	g := &s.group
	for {
		g.mu.Lock()
		all := g.waiting
		if g.waiting = nil; len(all) == 0 {
			g.busy = false
		}
		g.mu.Unlock()
		if len(all) == 0 {
			return
		}
		s.syncGroup(all)
	}
}

func (s *Store) syncGroup(all []wanted) {
	count := 0
	dirs := []string{s.dir}
	for _, w := range all {
		count += len(w.paths)
		for _, path := range w.paths {
			if dir := filepath.Dir(path); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	if count > fewFiles {
		if done, err := syncFileSystem(dirs...); done {
			for _, w := range all {
				w.done <- err
			}
			return
		}
	}
	var each errgroup.Group
	each.SetLimit(4 * runtime.GOMAXPROCS(0))
	for _, w := range all {
		each.Go(func() error {
			w.done <- syncPaths(w.paths...)
			return nil
		})
	}
	_ = each.Wait() // each waits for its own error
}

// reseal seals a blob that is on the disk now, if it is what this process has hashed.
func (s *Store) reseal(b Blob) {
	t, err := readTree(s.blobPath(b))
	if err != nil || !t.sealedAt(b, fresh) || !s.proven(b, t) || t.seal(sealed) != nil {
		return // it keeps its fresh seal: its next use hashes it
	}
	if t, err = readTree(t.root); err == nil && t.sealedAt(b, sealed) {
		s.remember(b, t)
	}
}

// unlessGone drops the error of a file that was removed meanwhile.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// makeDir makes a folder, and those above it, that are there after a power cut.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDir(filepath.Dir(path)); err == nil {
			err = os.Mkdir(path, 0o755)
		}
	}
	switch {
	case err == nil:
		return syncPath(filepath.Dir(path))
	case errors.Is(err, fs.ErrExist):
		return nil
	}
	return err
}

// syncPath makes a file's content, or the names in a folder, durable.
func syncPath(path string) error {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(syncFile(f), f.Close())
}

// syncPaths is syncPath of some, one after another.
func syncPaths(paths ...string) error {
	for _, path := range paths {
		if err := syncPath(path); err != nil {
			return err
		}
	}
	return nil
}

func syncFile(f *os.File) error {
	err := f.Sync()
	if tell := onSync.Load(); tell != nil && err == nil {
		(*tell)(f.Name(), false)
	}
	return err
}

// onSync is told of each file and folder that was synced, and of whole file systems: a test of power cuts plays disk.
var onSync atomic.Pointer[func(path string, all bool)]
