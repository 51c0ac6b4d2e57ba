//go:build unix

package index

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A file of the index that is larger than Badger makes it isn't read: that could take hours, or all memory.
func TestHugeFileOfTheIndex(t *testing.T) {
	sound, err := os.ReadDir(soundIndex(t, false))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sound {
		dir := soundIndex(t, false)
		if err := os.Truncate(filepath.Join(dir, f.Name()), 16<<30); err != nil {
			t.Skip(err)
		}
		var damage *Damage
		if _, err := get(t, newIndex(t, dir, true), "key 1"); !errors.As(err, &damage) {
			t.Errorf("%s: a reader gets %v", f.Name(), err)
		}
		x := newIndex(t, dir, false)
		set(t, x, "new", "v")
		if v, err := get(t, x, "new"); err != nil || v != "v" || len(x.SetAside()) != 1 {
			t.Errorf("%s: a writer gets %q, %v; set aside: %v", f.Name(), v, err, x.SetAside())
		}
	}
}

// Something else lies where a file of the index was. A reader is told of damage, or finds nothing, and leaves everything as it is; a writer sets the index aside
// and goes on. Nobody waits for the other end of a pipe.
func TestOddFileOfTheIndex(t *testing.T) {
	for what, put := range map[string]func(path string) error{
		"pipe":            func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder":          func(path string) error { return os.Mkdir(path, 0o700) },
		"link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
		"link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"link to folder":  func(path string) error { return os.Symlink(".", path) },
	} {
		t.Run(what, func(t *testing.T) {
			sound, err := os.ReadDir(soundIndex(t, false))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range sound {
				if filepath.Ext(f.Name()) != ".sst" && f.Name() != "MANIFEST" {
					continue
				}
				dir := soundIndex(t, false)
				path := filepath.Join(dir, f.Name())
				if err := errors.Join(os.Remove(path), put(path)); err != nil {
					t.Fatal(err)
				}
				was, _ := os.Lstat(path)
				var damage *Damage
				if _, err := get(t, newIndex(t, dir, true), "key 1"); !errors.As(err, &damage) && !errors.Is(err, ErrNone) && !errors.Is(err, ErrNotFound) {
					t.Errorf("%s: a reader gets %v", f.Name(), err)
				}
				if is, err := os.Lstat(path); err != nil || is.Mode() != was.Mode() {
					t.Errorf("%s: a reader has touched it: %v, %v", f.Name(), is, err)
				}
				x := newIndex(t, dir, false)
				set(t, x, "new", "v")
				if v, err := get(t, x, "new"); err != nil || v != "v" || len(x.SetAside()) != 1 {
					t.Errorf("%s: a writer gets %q, %v; set aside: %v", f.Name(), v, err, x.SetAside())
				}
			}
		})
	}
}
