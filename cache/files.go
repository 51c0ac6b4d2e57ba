package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// tmpFile begins the name of a file that is being written.
const tmpFile = ".tmp-"

// writeFile writes a file so that it is there whole or not at all, also after a power cut. A durable one is there after that; another
// one may be what it was before.
func writeFile(path string, durable bool, parts ...[]byte) error {
	return writeFileBy(syncPaths, path, durable, parts...)
}

// writeFileBy is writeFile with another way to the disk.
func writeFileBy(sync func(paths ...string) error, path string, durable bool, parts ...[]byte) error {
	d, err := draft(path, parts)
	if err != nil {
		return err
	}
	if err = sync(d); err == nil {
		err = os.Rename(d, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(d))
	}
	if !durable {
		return nil
	}
	return sync(filepath.Dir(path))
}

// draft writes a file beside its place.
func draft(place string, parts [][]byte) (path string, err error) {
	f, err := os.CreateTemp(filepath.Dir(place), tmpFile)
	if err != nil {
		return "", err
	}
	for _, b := range parts {
		if err == nil {
			_, err = f.Write(b)
		}
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// copyFile copies a regular file, by a reflink if the file system has them.
func copyFile(src, dst string, mode fs.FileMode) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode|0o200)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if reflink(in, out) != nil {
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
	if mode&0o222 != 0 {
		return nil // as the umask has it
	}
	return out.Chmod(mode)
}

// copyTree copies a file or a folder; files get the mode, less the umask where it allows writing, and keep the right to be
// executed.
func copyTree(src, dst string, mode fs.FileMode) error {
	t, err := readTree(src)
	if err != nil {
		return err
	}
	if t.dir {
		if err := os.Mkdir(dst, 0o777); err != nil {
			return err
		}
	}
	for _, d := range t.dirs {
		if err := os.Mkdir(filepath.Join(dst, filepath.FromSlash(d)), 0o777); err != nil {
			return err
		}
	}
	for _, f := range t.files {
		m := mode
		if f.info.Mode()&0o100 != 0 {
			m |= 0o111
		}
		if err := copyFile(f.path, filepath.Join(dst, filepath.FromSlash(f.name)), m); err != nil {
			return err
		}
	}
	return nil
}

// RemoveAll removes a tree that may hold read-only folders.
func RemoveAll(path string) error {
	err := os.RemoveAll(path)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o755)
		}
		return nil
	})
	return os.RemoveAll(path)
}

// renameChecked is renameNew for systems that can't check and rename in one step.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	return os.Rename(from, to)
}

// exchangeSlowly is exchange in two steps. A file replaces another one at once; a folder is absent for a moment.
func exchangeSlowly(a, b, old string) error {
	if err := os.Rename(b, old); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(old, b))
	}
	return nil
}

// RealPath makes a path absolute and resolves the links in the part of it that exists. Its error is an *Occupied if nothing can be put
// there.
func RealPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if info, lerr := os.Lstat(path); !errors.Is(lerr, fs.ErrNotExist) {
		real, err := filepath.EvalSymlinks(path)
		switch {
		case err == nil:
			return real, nil
		case lerr == nil && info.Mode()&fs.ModeSymlink != 0 && errors.Is(err, fs.ErrNotExist):
			to, _ := os.Readlink(path)
			return "", &Occupied{path, fmt.Sprintf("is a link to %s, which is not there", to)}
		case lerr == nil && info.Mode()&fs.ModeSymlink != 0:
			return "", &Occupied{path, fmt.Sprintf("is a link that can't be followed (%v)", err)}
		case errors.Is(lerr, syscall.ENOTDIR):
			return "", &Occupied{path, "can't be made: what it lies in is a file, not a folder"}
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path, nil
	}
	if dir, err = RealPath(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// within tells whether path is dir or in it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
