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

// leftovers are files in the program's folder that an earlier step has left. Copies of inputs are written over them. What can't be
// told from a new file is used; the rest is removed before the program starts.
type leftovers struct {
	dir   string
	names []string
}

// has tells whether there is a leftover at a path.
func (l *leftovers) has(path string) bool {
	return len(l.names) > 0 && slices.ContainsFunc(l.names, func(name string) bool { return filepath.Join(l.dir, name) == path })
}

// vacate removes the leftover that is in the way of a path in the folder.
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

// clear removes those that weren't used.
func (l *leftovers) clear() error {
	for len(l.names) > 0 {
		if err := l.vacate(filepath.Join(l.dir, l.names[0])); err != nil {
			return err
		}
	}
	return nil
}

// create makes an empty file at dst, where nothing but a leftover may be. A leftover that it uses still has its content, of
// the size was.
func (l *leftovers) create(dst string, mode fs.FileMode) (f *os.File, was int64, err error) {
	for mode == plainMode && len(l.names) > 0 {
		i := max(0, slices.IndexFunc(l.names, func(name string) bool { return filepath.Join(l.dir, name) == dst }))
		path := filepath.Join(l.dir, l.names[i])
		f, err := cache.OpenPlain(path, os.O_WRONLY|noFollow, 0)
		if err == nil {
			info, err := f.Stat()
			if err == nil && info.Size() > 0 && asNew(f, info) { // an empty file that stays empty would keep its old time
				if path != dst {
					err = cache.RenamePlain(path, dst)
				}
				if err == nil {
					l.names = slices.Delete(l.names, i, i+1)
					return f, info.Size(), nil
				}
			}
			f.Close()
			if err != nil { // as when there is no folder for dst
				return nil, 0, err
			}
		}
		if err := l.vacate(path); err != nil {
			return nil, 0, err
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

// plainMode is the mode of a file that no one executes, before the umask.
const plainMode fs.FileMode = 0o644

// newFile is how a file of that mode looks that was just made; nil: not known yet.
var newFile atomic.Pointer[fs.FileInfo]
