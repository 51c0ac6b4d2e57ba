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
	"sync/atomic"
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
	used  map[string]bool // names of the folders of running executions
	free  []string        // emptied folders of finished executions, because making and removing folders is slow

	rubbish atomic.Int64 // bytes of small files in rubbishName
	thrown  atomic.Int64 // how many were ever put there
	cleared sync.WaitGroup
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
		if cache.RemoveAll(dir) == nil {
			return &space{dir: dir, lease: lease, used: map[string]bool{}}, errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(filepath.Join(dir, rubbishName), 0o700))
		}
		if err := lease.Release(); err != nil { // it still holds files of a killed run
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
		list, err := os.ReadFile(filepath.Join(root, e.Name(), usesName))
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
	f, err := os.OpenFile(filepath.Join(s.dir, usesName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return // the next one tries again
	}
	if _, err := f.Write(s.needs); errors.Join(err, f.Close()) == nil {
		s.needs = s.needs[:0]
	}
}

// scratchName is the folder in an execution's folder that belongs to the step.
const scratchName = "tmp"

// take gives an execution a folder that holds only an empty folder "tmp". Its name is made from those facts of the step's key that don't
// depend on inputs, so it stays the same when inputs change.
func (s *space) take(facts []string) (string, error) {
	_, work := keyOf(facts, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	name := work.Short()
	for n := 2; s.used[name]; n++ { // the same work on other inputs
		name = work.Short() + "-" + strconv.Itoa(n)
	}
	s.used[name] = true
	dir := filepath.Join(s.dir, name)
	if n := len(s.free); n > 0 {
		old := s.free[n-1]
		s.free = s.free[:n-1]
		return dir, os.Rename(old, dir)
	}
	return dir, os.MkdirAll(filepath.Join(dir, scratchName), 0o700)
}

// give takes the folder back. If it can't be emptied it is left for a sweep, and its name isn't used again.
func (s *space) give(dir string) {
	if s.empty(dir, scratchName) != nil || s.empty(filepath.Join(dir, scratchName), "") != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	free := filepath.Join(s.dir, "free"+strconv.Itoa(len(s.free)))
	if os.Rename(dir, free) == nil {
		s.free = append(s.free, free)
		delete(s.used, filepath.Base(dir))
	}
}

// Files are slow to create where many were just removed: ext4 searches, one by one, for an inode that wasn't in use in the last minute. So
// small files of finished steps are only moved away, and removed when the run ends. Once there are many, further ones are removed at once.
const (
	rubbishName = "rubbish"
	smallFile   = 64 << 10
	mostRubbish = 256 << 20 // bytes; each file counts as at least a block
	block       = 4 << 10
)

// empty removes what is in dir, except for one name.
func (s *space) empty(dir, except string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == except || s.throw(dir, e) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			_ = s.empty(path, "") // RemoveAll has the rest
		}
		if err := cache.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// throw moves a small file out of the way, if it is one and there is room.
func (s *space) throw(dir string, e fs.DirEntry) bool {
	if !e.Type().IsRegular() || s.rubbish.Load() > mostRubbish {
		return false
	}
	info, err := e.Info()
	if err != nil || info.Size() > smallFile {
		return false
	}
	n := s.thrown.Add(1)
	if os.Rename(filepath.Join(dir, e.Name()), filepath.Join(s.dir, rubbishName, strconv.FormatInt(n, 10))) != nil {
		return false
	}
	s.rubbish.Add(max(info.Size(), block))
	return true
}

// clear begins to remove what steps have left: none will run any more.
func (s *space) clear() {
	s.cleared.Go(func() { _ = cache.RemoveAll(filepath.Join(s.dir, rubbishName)) })
}

func (s *space) close() {
	s.cleared.Wait()
	_ = cache.RemoveAll(s.dir) // the next run sweeps what is left
	_ = s.lease.Release()
}
