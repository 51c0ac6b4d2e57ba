//go:build unix

package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rein/cache/internal/index"
)

// What the store never writes may lie in a blob's place. That is a miss, as any other damage: the blob can be made again, and everything else
// works meanwhile.
func TestOddBlobIsAMiss(t *testing.T) {
	replace := func(by func(path string) error) func(path string) error {
		return func(path string) error { return errors.Join(os.RemoveAll(path), by(path)) }
	}
	pipe := replace(func(path string) error { return syscall.Mkfifo(path, 0o600) })
	file := replace(func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) })
	inside := func(change func(path string) error) func(path string) error {
		return func(path string) error { return change(filepath.Join(path, "a")) }
	}
	for name, c := range map[string]struct {
		file   bool // the blob is one
		change func(path string) error
		found  string // by Verify
	}{
		"pipe":           {true, pipe, "named pipe"},
		"folder":         {true, replace(func(path string) error { return os.Mkdir(path, 0o700) }), "digest"},
		"pipe inside":    {false, inside(pipe), "named pipe"},
		"dead link":      {false, inside(replace(func(path string) error { return os.Symlink("nowhere", path) })), "nowhere"},
		"link to itself": {false, inside(replace(func(path string) error { return os.Symlink("..", path) })), "links back"},
		"shelf":          {false, func(path string) error { return file(filepath.Dir(path)) }, ""},
		"shelf that leads nowhere": {false, func(path string) error {
			return replace(func(path string) error { return os.Symlink("nowhere", path) })(filepath.Dir(path))
		}, ""},
		"shelf that leads to itself": {false, func(path string) error {
			return replace(func(path string) error { return os.Symlink(filepath.Base(path), path) })(filepath.Dir(path))
		}, ""},
		"pressed": {true, func(path string) error {
			return errors.Join(os.Remove(path), syscall.Mkfifo(path+pressedExt, 0o600))
		}, "named pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			made := func() Blob {
				if c.file {
					return adopt(t, s, "content")
				}
				src := filepath.Join(t.TempDir(), "made")
				write(t, filepath.Join(src, "a"), "content")
				b, err := s.Adopt(t.Context(), src)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			b := made()
			path, err := s.Path(t.Context(), b)
			if err == nil {
				err = c.change(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Stats(t.Context()); err != nil {
				t.Errorf("stats: %v", err)
			}
			if _, err := s.PlanGC(t.Context(), Keep{}); err != nil {
				t.Errorf("gc: %v", err)
			}
			problems, err := s.Verify(t.Context(), false, nil)
			if err != nil || len(problems) != min(len(c.found), 1) || len(problems) > 0 && !strings.Contains(problems[0].Text, c.found) {
				t.Errorf("verify: %v, %v, want %q", problems, err, c.found)
			}
			var miss *Miss
			if _, err := s.Path(t.Context(), b); !errors.As(err, &miss) {
				t.Errorf("%v, want a miss", err)
			}
			if made() != b {
				t.Error("it can't be made again")
			}
			if _, err := s.Path(t.Context(), b); err != nil {
				t.Error(err)
			}
		})
	}
}

// A part of the state folder that is something else is named, before anything waits for it or takes it for absent. Nothing of it is changed,
// and once it is away the store works.
func TestOddPartIsNamed(t *testing.T) {
	odd := map[string]func(path string) error{
		"is a named pipe":                func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"is a link to nowhere":           func(path string) error { return os.Symlink("nowhere", path) },
		"too many levels":                func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"is a file, and a folder has":    func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"is a folder, and a file has to": func(path string) error { return os.Mkdir(path, 0o700) },
	}
	for _, p := range parts {
		for what, put := range odd {
			isFile, isFolder := strings.Contains(what, "is a file"), strings.Contains(what, "is a folder")
			if p.kind == "" && !strings.Contains(what, "link") || p.kind == index.File && isFile || p.kind == index.Folder && isFolder {
				continue
			}
			t.Run(p.name+" "+what, func(t *testing.T) {
				dir := t.TempDir()
				adopt(t, open(t, dir, Options{}), "content")
				path := filepath.Join(dir, p.name)
				if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o700), put(path)); err != nil {
					t.Fatal(err)
				}
				was, _ := os.Lstat(path)
				for _, readOnly := range []bool{true, false} {
					_, err := Open(dir, Options{ReadOnly: readOnly})
					var fault *StateFault
					if !errors.As(err, &fault) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), what) {
						t.Errorf("%v, want %q", err, what)
					}
				}
				if is, err := os.Lstat(path); err != nil || is.Mode() != was.Mode() {
					t.Errorf("it was touched: %v, %v", is, err)
				}
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
				adopt(t, open(t, dir, Options{}), "other content")
			})
		}
	}
}
