package exec

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"rein/cache"
)

// leftovers are files in the program's folder that an earlier step left there. Copies of inputs are written over those that can't be told
// from a new file. The others are removed before the program starts.
type leftovers struct {
	dir   string
	names []string
}

// has tells whether there is a leftover at a path.
func (l *leftovers) has(path string) bool {
	return len(l.names) > 0 && slices.ContainsFunc(l.names, func(name string) bool { return filepath.Join(l.dir, name) == path })
}

// vacate removes the leftover that is at path or at one of its parents.
func (l *leftovers) vacate(path string) error {
	if len(l.names) == 0 {
		return nil
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(path, l.dir+string(filepath.Separator)), string(filepath.Separator))
	i := slices.Index(l.names, name)
	if i < 0 {
		return nil
	}
	l.names = slices.Delete(l.names, i, i+1)
	return os.Remove(filepath.Join(l.dir, name))
}

// clear removes the leftovers that weren't used.
func (l *leftovers) clear() error {
	for len(l.names) > 0 {
		if err := l.vacate(filepath.Join(l.dir, l.names[0])); err != nil {
			return err
		}
	}
	return nil
}

// create makes an empty file at dst. Only a leftover may already be there. If create uses the leftover, the file still has its content, and
// was is its size.
func (l *leftovers) create(dst string, mode fs.FileMode) (f *os.File, was int64, err error) {
	if mode == plainMode {
		if f, was, err = l.reuse(dst); f != nil || err != nil {
			return f, was, err
		}
	}
	if err := l.vacate(dst); err != nil {
		return nil, 0, err
	}
	f, err = cache.OpenPlain(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err == nil && mode == plainMode && newFile.Load() == nil {
		if info, err := f.Stat(); err == nil {
			newFile.Store(&info)
		}
	}
	return f, 0, err
}

// reuse opens a leftover, if possible the one at dst, and gives it that name. It returns nil if there is none that can be used. Those that
// can't be are removed.
func (l *leftovers) reuse(dst string) (f *os.File, was int64, err error) {
	for len(l.names) > 0 {
		i := max(0, slices.IndexFunc(l.names, func(name string) bool { return filepath.Join(l.dir, name) == dst }))
		path := filepath.Join(l.dir, l.names[i])
		f, info := openAsNew(path)
		if f == nil {
			if err := l.vacate(path); err != nil {
				return nil, 0, err
			}
			continue
		}
		if path != dst {
			if err := cache.RenamePlain(path, dst); err != nil { // as when there is no folder for dst
				f.Close()
				return nil, 0, err
			}
		}
		l.names = slices.Delete(l.names, i, i+1)
		return f, info.Size(), nil
	}
	return nil, 0, nil
}

// openAsNew opens a file that differs from a new one by nothing but its content; nil: it can't be opened, or does differ.
func openAsNew(path string) (*os.File, fs.FileInfo) {
	f, err := cache.OpenPlain(path, os.O_WRONLY|noFollow, 0)
	if err != nil {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || !asNew(f, info) { // an empty leftover would keep its old modification time
		f.Close()
		return nil, nil
	}
	return f, info
}

// plainMode is the mode of a file that no one executes, before the umask.
const plainMode fs.FileMode = 0o644

// newFile describes a new file with plainMode; nil if not known yet.
var newFile atomic.Pointer[fs.FileInfo]
