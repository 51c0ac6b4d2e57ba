package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/text/unicode/norm"

	"rein/cache"
)

// located is one file or folder that feeds an input port.
type located struct {
	path string // absolute; "" for a blob of the store until it is needed
	blob cache.Blob
	name string
	user bool       // a file of the user's, which may change at any time
	seen cache.Seen // state of a user's file when blob was found
}

// sources hashes the user's files. Each path is hashed once, however many steps read it.
type sources struct {
	store *cache.Store
	began time.Time // no file was looked at before
	mu    sync.Mutex
	known map[Path]func() ([]located, error)
}

func newSources(s *cache.Store) *sources {
	return &sources{store: s, began: time.Now(), known: map[Path]func() ([]located, error){}}
}

// get finds and hashes what p names.
func (s *sources) get(ctx context.Context, p *Path) ([]located, error) {
	key := p.asked()
	s.mu.Lock()
	f := s.known[key]
	if f == nil {
		f = sync.OnceValues(func() ([]located, error) { return s.hash(ctx, p) })
		s.known[key] = f
	}
	s.mu.Unlock()
	return f()
}

// prefetchOf looks up all files that units read with one read of the index. Files that haven't changed since they were hashed are known
// then; get hashes the others.
func (s *sources) prefetchOf(ctx context.Context, units []*unit) {
	var keys []Path
	var found [][]located
	var paths []string
	looked := map[Path]bool{}
	for _, u := range units {
		for _, in := range u.nodes[0].Inputs {
			for _, r := range in.Refs {
				if r.Path == nil || r.Path.Kind == PathGlob {
					continue
				}
				key := r.Path.asked()
				if looked[key] || !s.unknown(key) {
					continue
				}
				looked[key] = true
				if l, err := find(r.Path, s.store.Dir()); err == nil && len(l) == 1 {
					keys, found, paths = append(keys, key), append(found, l), append(paths, l[0].path)
				}
			}
		}
	}
	if len(paths) == 0 {
		return
	}
	seen, ok, err := s.store.SeeKnown(ctx, paths)
	if err != nil {
		return // get meets the same error
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range found {
		if ok[i] && s.known[keys[i]] == nil {
			l[0].seen, l[0].blob = seen[i], seen[i].Blob
			s.known[keys[i]] = func() ([]located, error) { return l, nil }
		}
	}
}

func (s *sources) prefetch(ctx context.Context, jobs []*lookupJob) {
	units := make([]*unit, len(jobs))
	for i, j := range jobs {
		units[i] = j.unit
	}
	s.prefetchOf(ctx, units)
}

// unknown tells whether nobody has looked at a path.
func (s *sources) unknown(key Path) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[key] == nil
}

// asked is a path without how it was written.
func (p *Path) asked() Path { return Path{Kind: p.Kind, Abs: p.Abs, Absent: p.Absent} }

func (s *sources) hash(ctx context.Context, p *Path) ([]located, error) {
	found, err := find(p, s.store.Dir())
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i].seen, err = s.store.See(ctx, found[i].path); err != nil {
			return nil, fmt.Errorf("input %s: %w", p.shown(), err)
		}
		found[i].blob = found[i].seen.Blob
	}
	return found, nil
}

// find lists what p names without hashing it. state is the state folder.
func find(p *Path, state string) ([]located, error) {
	if p.Kind == PathGlob {
		return findGlob(p, state)
	}
	path := Spelled(p.Abs)
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.Absent:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("input %s: there is no such %s", p.shown(), p.Kind)
	case err != nil:
		return nil, fmt.Errorf("input %s: %w", p.shown(), err)
	case p.Kind == PathFile && fi.IsDir():
		return nil, fmt.Errorf("input %s is a folder, not a file: use dir()", p.shown())
	case p.Kind == PathDir && !fi.IsDir():
		return nil, fmt.Errorf("input %s is a file, not a folder: use file()", p.shown())
	}
	l := located{path: path, user: true}
	if !fi.IsDir() {
		l.name = filepath.Base(p.Abs) // a step may go by the extension
	}
	return []located{l}, nil
}

func findGlob(p *Path, state string) ([]located, error) {
	base, pattern := doublestar.SplitPattern(filepath.ToSlash(p.Abs))
	base = Spelled(base)
	files := data{os.DirFS(base), base, realPath(state)}
	names, err := doublestar.Glob(composed{files}, pattern, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("input %s: a symbolic link leads back to a folder above it", p.shown())
	}
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", p.shown(), err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("input %s: no file matches", p.shown())
	}
	slices.Sort(names)
	out := make([]located, len(names))
	for i, n := range names {
		out[i] = located{path: Spelled(filepath.Join(base, filepath.FromSlash(n))), name: n, user: true}
	}
	return out, nil
}

// data is a folder of the user's as patterns see it: without the state folder, which no pattern means, and without the lock files of
// editors.
type data struct {
	fs.FS
	base, state string
}

// ReadDir implements fs.ReadDirFS.
func (d data) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(d.FS, name)
	dir := filepath.Join(d.base, filepath.FromSlash(name))
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir():
			return e.Name() == filepath.Base(d.state) && realPath(path) == d.state
		case e.Type()&fs.ModeSymlink == 0:
			return false
		}
		return cache.EditorLock(path, e) || realPath(path) == d.state
	})
	return entries, err
}

// Stat implements fs.StatFS.
func (d data) Stat(name string) (fs.FileInfo, error) { return fs.Stat(d.FS, name) }

// composed shows file names in composed Unicode, as the language has them, so that patterns match.
type composed struct{ data }

// ReadDir implements fs.ReadDirFS.
func (c composed) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := c.data.ReadDir(c.spelled(name))
	for i, e := range entries {
		if !norm.NFC.IsNormalString(e.Name()) {
			entries[i] = renamed{e, norm.NFC.String(e.Name())}
		}
	}
	return entries, err
}

// Open implements fs.FS.
func (c composed) Open(name string) (fs.File, error) { return c.data.Open(c.spelled(name)) }

// Stat implements fs.StatFS.
func (c composed) Stat(name string) (fs.FileInfo, error) { return c.data.Stat(c.spelled(name)) }

func (c composed) spelled(name string) string {
	rel, err := filepath.Rel(c.base, Spelled(filepath.Join(c.base, filepath.FromSlash(name))))
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

// renamed is an entry under another name.
type renamed struct {
	fs.DirEntry
	name string
}

// Name implements fs.DirEntry.
func (r renamed) Name() string { return r.name }

// realPath resolves the symbolic links in the part of a path that exists.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// shown is the path as the user wrote it, followed by the path that it stands for if that differs.
func (p *Path) shown() string {
	if p.Text == "" || p.Text == p.Abs {
		return p.Abs
	}
	return fmt.Sprintf("%s (%s)", p.Text, p.Abs)
}

// checkSources refuses, before anything runs, a graph whose input files don't exist. It also refuses inputs that the run itself would
// change: the state folder, or files that an output of the graph writes.
func (w *work) checkSources(state string) error {
	c := sourceCheck{state: state, realState: realPath(state), ways: w.ways, written: map[string]Output{}, holds: map[string]Output{}}
	for _, p := range w.graph.Pipelines {
		for _, o := range p.Outputs {
			path := c.ways.real(o.Path)
			c.written[path] = o
			for dir := range above(path) {
				if _, had := c.holds[dir]; had {
					break // then those above it are there, too
				}
				c.holds[dir] = o
			}
		}
	}
	seen := map[Path]bool{}
	for _, p := range w.graph.Pipelines {
		for _, n := range w.order[p] {
			if n.unit == nil {
				continue
			}
			for _, in := range n.Inputs {
				for _, r := range in.Refs {
					if r.Path == nil || seen[*r.Path] {
						continue
					}
					seen[*r.Path] = true
					if err := c.check(r.Path); err != nil {
						return nodeError(n.Node, err)
					}
				}
			}
		}
	}
	return nil
}

// sourceCheck is what the files that steps read must keep away from.
type sourceCheck struct {
	state, realState string
	ways             ways
	written          map[string]Output // by path
	holds            map[string]Output // folder above an output's path -> the output
}

func (c *sourceCheck) check(p *Path) error {
	found, err := find(p, c.state)
	if err != nil {
		return err
	}
	for _, f := range found {
		real := f.path
		if p.Kind != PathGlob { // a glob's links are followed when it is hashed
			real = c.ways.real(f.path)
		}
		switch {
		case within(c.realState, real):
			return fmt.Errorf("input %s holds the state folder %s, which every run changes: name a folder beside it, or move it with --state", p.shown(), c.state)
		case within(real, c.realState) || within(f.path, c.state):
			return fmt.Errorf("input %s: %s is in the state folder: refer to the step that makes it", p.shown(), f.path)
		}
		if p.Kind == PathGlob {
			real = c.ways.inFolder(f.path)
		}
		if o, ok := c.writes(real); ok {
			return fmt.Errorf("input %s is written by output %q (%s): refer to the step instead, so that it runs first", p.shown(), o.Name, o.Pos)
		}
	}
	return nil
}

// writes is an output that writes path, something in it, or a folder above it.
func (c *sourceCheck) writes(path string) (Output, bool) {
	path = filepath.Clean(path)
	if o, ok := c.holds[path]; ok {
		return o, true
	}
	if o, ok := c.written[path]; ok || len(c.written) == 0 {
		return o, ok
	}
	for dir := range above(path) {
		if o, ok := c.written[dir]; ok {
			return o, true
		}
	}
	return Output{}, false
}

// ways are folders, and where they lead. Of many paths in one folder the way to that is followed once, so ways are of one moment.
type ways map[string]string

// real is a path without links, as far as it exists.
func (w ways) real(path string) string {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return landing(path)
	}
	return w.inFolder(path)
}

// inFolder is a path whose folder is without links.
func (w ways) inFolder(path string) string {
	dir := filepath.Dir(path)
	real, ok := w[dir]
	if !ok {
		real = landing(dir)
		w[dir] = real
	}
	return filepath.Join(real, filepath.Base(path))
}

// landing is a path without links, as far as it exists.
func landing(path string) string {
	if real, err := cache.RealPath(path); err == nil {
		return real
	}
	return filepath.Clean(path)
}

// above are the folders above a clean path, from the nearest on.
func above(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for dir := filepath.Dir(path); dir != path; path, dir = dir, filepath.Dir(dir) {
			if !yield(dir) {
				return
			}
		}
	}
}

// within tells whether path is dir or in it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
