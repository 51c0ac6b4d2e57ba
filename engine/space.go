package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// space is a run's scratch folder: state/scratch/runN. The run holds a lease on it, so that the next run can tell what a killed run left
// from the folder of a living one. A run takes the first N that no other run has, and a step's folder in it is named after the step's work:
// programs write the paths that they see into their outputs, and equal work must see equal paths.
type space struct {
	dir   string
	lease *cache.Lease
	mu    sync.Mutex
	needs []byte          // lines for the file of uses
	list  *os.File        // that file; nil: not opened yet
	used  map[string]bool // names of the folders of running executions
	free  []freeFolder    // those of finished ones, because making and removing folders is slow
}

// freeFolder is the folder of a finished execution. It holds only an empty folder "tmp", or one with the files that are left.
type freeFolder struct {
	name string
	left []string
}

func spaceLease(name string) cache.Digest { return cache.Sum([]byte("scratch " + name)) }

func newSpace(store *cache.Store) (*space, error) {
	root := filepath.Join(store.Dir(), "scratch")
	sweep(store, root)
	for n := 0; ; n++ {
		name := "run" + strconv.Itoa(n)
		lease, err := store.TryLease(spaceLease(name))
		if err != nil {
			return nil, err
		}
		if lease == nil {
			continue
		}
		dir := filepath.Join(root, name)
		if err = cache.RemoveAll(dir); err == nil {
			return &space{dir: dir, lease: lease, used: map[string]bool{}}, os.Mkdir(dir, 0o700)
		}
		if _, serr := os.Lstat(dir); serr == nil { // it still holds files of a killed run
			err = nil
		}
		if err := errors.Join(err, lease.Release()); err != nil {
			return nil, err
		}
	}
}

// sweep removes the scratch folders of runs that have ended. What can't be removed now is left to a later run.
func sweep(store *cache.Store, root string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	_, err = os.Readlink(root)
	linked := err == nil // what lies elsewhere may be somebody's
	for _, e := range entries {
		if !spaceName().MatchString(e.Name()) {
			if linked {
				continue
			}
			// This is a folder of the store's own. No lease tells whether it is in use, so its age decides.
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
				_ = cache.RemoveAll(filepath.Join(root, e.Name()))
			}
			continue
		}
		if l, err := store.TryLease(spaceLease(e.Name())); err == nil && l != nil {
			_ = cache.RemoveAll(filepath.Join(root, e.Name()))
			_ = l.Release()
		}
	}
}

// abandoned is the age at which an untouched scratch folder of the store counts as unused.
const abandoned = 24 * time.Hour

// spaceName is what newSpace names a folder.
var spaceName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^run\d+$`) })

// Living is what the runs need that are in progress in a state folder, in any process.
type Living struct {
	Runs  int
	Blobs map[cache.Digest]bool // outputs that they have found or made so far
}

// LivingRuns asks which runs are going on.
func LivingRuns(store *cache.Store) (l Living, err error) {
	l.Blobs = map[cache.Digest]bool{}
	root := filepath.Join(store.Dir(), "scratch")
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	for _, e := range entries {
		if !spaceName().MatchString(e.Name()) {
			continue
		}
		lease, err := store.TryLease(spaceLease(e.Name()))
		if err != nil {
			return l, err
		}
		if lease != nil { // a dead one's
			if err := lease.Release(); err != nil {
				return l, err
			}
			continue
		}
		l.Runs++
		list, err := cache.ReadPlain(filepath.Join(root, e.Name(), usesName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return l, err
		}
		for line := range strings.Lines(string(list)) {
			if d, err := cache.ParseDigest(strings.TrimSuffix(line, "\n")); err == nil {
				l.Blobs[d] = true
			}
		}
	}
	return l, nil
}

// usesName is the file in a run's folder that lists the outputs which it needs.
const usesName = "uses"

// uses records outputs that the run needs, so that a collection doesn't remove them.
func (s *space) uses(outputs map[string]cache.Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range outputs {
		s.needs = append(append(s.needs, b.Digest.String()...), '\n')
	}
}

// tell writes the recorded outputs to a file, before something begins that takes time.
func (s *space) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.needs) == 0 {
		return
	}
	if s.list == nil {
		f, err := os.OpenFile(filepath.Join(s.dir, usesName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return // the next one tries again
		}
		s.list = f
	}
	if _, err := s.list.Write(s.needs); err == nil {
		s.needs = s.needs[:0]
	}
}

// scratchName is the folder in an execution's folder that belongs to the step.
const scratchName = "tmp"

// take gives an execution a folder that holds only a folder "tmp". Its name is made from those facts of the step's key that don't
// depend on inputs, so it stays the same when inputs change. left are the files in "tmp"; without reuses there are none.
func (s *space) take(facts []string, reuses bool) (dir string, left []string, err error) {
	_, work := keyOf(facts, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	name := work.Short()
	for n := 2; s.used[name]; n++ { // the same work on other inputs
		name = work.Short() + "-" + strconv.Itoa(n)
	}
	s.used[name] = true
	dir = filepath.Join(s.dir, name)
	if len(s.free) == 0 {
		return dir, nil, os.MkdirAll(filepath.Join(dir, scratchName), 0o700)
	}
	at := max(0, slices.IndexFunc(s.free, func(f freeFolder) bool { return f.name == name }))
	from := s.free[at]
	s.free = slices.Delete(s.free, at, at+1)
	if from.name != name {
		if err := cache.RenamePlain(filepath.Join(s.dir, from.name), dir); err != nil {
			return dir, nil, err
		}
	}
	for ; !reuses && len(from.left) > 0; from.left = from.left[1:] {
		if err := os.Remove(filepath.Join(dir, scratchName, from.left[0])); err != nil {
			return dir, nil, err
		}
	}
	return dir, from.left, nil
}

// give takes the folder back. If it can't be emptied it is left for a sweep, and its name isn't used again.
func (s *space) give(dir string) {
	if empty(dir, scratchName) != nil {
		return
	}
	left, err := leave(filepath.Join(dir, scratchName))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := filepath.Base(dir)
	s.free = append(s.free, freeFolder{name, left})
	delete(s.used, name)
}

// Small files of finished steps are left for steps that write over them, as exec does with the copies of its inputs: to write over a file
// takes a tenth of the time of making one. They matter most on ext4 without a journal, which searches long for an inode where many
// were just removed.
const (
	mostLeft  = 16 // in a folder
	smallFile = 64 << 10
)

// entriesOf is os.ReadDir, without order and without what os.Open does.
func entriesOf(dir string) ([]os.DirEntry, error) {
	f, err := cache.OpenPlain(dir, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// empty removes what is in dir, except for one name.
func empty(dir, except string) error {
	entries, err := entriesOf(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == except {
			continue
		}
		if err := cache.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// leave removes what is in dir, which a step may have made read-only, except for some small files.
func leave(dir string) (left []string, err error) {
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := entriesOf(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && len(left) < mostLeft {
			if info, err := e.Info(); err == nil && info.Size() <= smallFile {
				left = append(left, e.Name())
				continue
			}
		}
		if err := cache.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (s *space) close() {
	if s.list != nil {
		_ = s.list.Close() // its content is read only while the run goes on
	}
	_ = cache.RemoveAll(s.dir) // the next run sweeps what is left
	_ = s.lease.Release()
}
