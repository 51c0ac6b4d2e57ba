package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// folder is a Bucket in a folder that several machines see: each object is a file.
type folder struct {
	dir    string
	closed atomic.Bool
}

// Folder returns the bucket whose objects are files in dir, which the first object makes.
func Folder(dir string) Bucket { return patient{&folder{dir: dir}} }

// hidden begins the names of files that aren't whole yet.
const hidden = ".part-"

// path is where an object is. No name leads out of the folder.
func (f *folder) path(name string) (string, error) {
	if f.closed.Load() {
		return "", fs.ErrClosed
	}
	local, err := filepath.Localize(name)
	if err != nil || strings.HasPrefix(path.Base(name), hidden) {
		return "", fmt.Errorf("object %q: %w", name, fs.ErrInvalid)
	}
	return filepath.Join(f.dir, local), nil
}

func (f *folder) Get(_ context.Context, name string) (*Object, error) {
	p, err := f.path(name)
	if err != nil {
		return nil, err
	}
	in, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	st, err := in.Stat()
	if err == nil && st.IsDir() {
		err = &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return &Object{Body: in, Size: st.Size(), Modified: st.ModTime()}, nil
}

func (f *folder) Put(_ context.Context, name string, content []byte) error {
	p, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		return err
	}
	part := filepath.Join(filepath.Dir(p), fmt.Sprintf("%s%016x", hidden, rand.Uint64())) // beside its place: a move between file systems isn't one step
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)               // the team's, as far as the umask allows
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(part, p)
	}
	if err != nil {
		_ = os.Remove(part) // List leaves it out
	}
	return err
}

func (f *folder) Has(_ context.Context, name string) (bool, error) {
	p, err := f.path(name)
	if err != nil {
		return false, err
	}
	st, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && !st.IsDir(), err
}

func (f *folder) Delete(_ context.Context, name string) error {
	p, err := f.path(name)
	if err != nil {
		return err
	}
	return os.Remove(p)
}

func (f *folder) List(ctx context.Context, prefix string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		err := filepath.WalkDir(f.dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if f.closed.Load() {
				return fs.ErrClosed
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // another machine removed it, or the folder isn't made yet
			}
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(f.dir, p)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(rel)
			switch {
			case d.IsDir() && name != "." && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/"):
				return fs.SkipDir
			case d.IsDir(), !strings.HasPrefix(name, prefix), strings.HasPrefix(d.Name(), hidden):
				return nil
			}
			st, err := os.Stat(p)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && !yield(Item{name, st.Size(), st.ModTime()}, nil) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield(Item{}, err)
		}
	}
}

func (f *folder) Close() error {
	f.closed.Store(true)
	return nil
}
