package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAdoptLeavesOthersFilesAlone takes in outputs that are, or hold, links to a file and a folder of the user's: the store gets
// their content, and they stay as they were.
func TestAdoptLeavesOthersFilesAlone(t *testing.T) {
	for name, c := range map[string]struct {
		output func(out, user string) error
		file   string // in the blob, that has the user's content; "": the blob itself
	}{
		"a symbolic link to a file":  {func(out, user string) error { return os.Symlink(filepath.Join(user, "f"), out) }, ""},
		"a hard link to a file":      {func(out, user string) error { return os.Link(filepath.Join(user, "f"), out) }, ""},
		"a link to a folder":         {func(out, user string) error { return os.Symlink(user, out) }, "f"},
		"a folder with a link":       {linkIn("f", os.Symlink), "sub/x"},
		"a folder with a hard link":  {linkIn("f", os.Link), "sub/x"},
		"a folder with a folder":     {linkIn("", os.Symlink), "sub/x/f"},
		"a link to a link to a file": {chain, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			user := t.TempDir()
			file := write(t, filepath.Join(user, "f"), "the user's")
			write(t, filepath.Join(user, "g", "h"), "too")
			before := listing(t, user)
			out := filepath.Join(t.TempDir(), "out")
			if err := c.output(out, user); err != nil {
				t.Skip(err)
			}
			want, err := HashPath(t.Context(), out)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Adopt(t.Context(), out)
			if err != nil || b != want {
				t.Fatalf("%v, %v, want %v", b, err, want)
			}
			if after := listing(t, user); after != before {
				t.Errorf("the user's files were\n%s\nand are\n%s", before, after)
			}
			if err := os.WriteFile(file, []byte("edited"), 0o644); err != nil {
				t.Fatal(err)
			}
			path, err := s.Path(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(path, c.file)); string(got) != "the user's" {
				t.Errorf("the store has %q, %v", got, err)
			}
		})
	}
}

func linkIn(name string, link func(old, new string) error) func(out, user string) error {
	return func(out, user string) error {
		return errors.Join(os.MkdirAll(filepath.Join(out, "sub"), 0o755), link(filepath.Join(user, name), filepath.Join(out, "sub", "x")))
	}
}

func chain(out, user string) error {
	return errors.Join(os.Symlink(filepath.Join(user, "f"), out+".1"), os.Symlink(out+".1", out))
}

// TestBlobWithLinksIsAMiss has a blob that leads out of the store: what it leads to is left alone.
func TestBlobWithLinksIsAMiss(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b := adopt(t, s, "content")
	path, err := s.Path(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	user := t.TempDir()
	file := write(t, filepath.Join(user, "f"), "content")
	before := listing(t, user)
	if err := errors.Join(os.Remove(path), os.Symlink(file, path)); err != nil {
		t.Skip(err)
	}
	_, err = s.Path(t.Context(), b)
	wantMiss(t, err, "damaged")
	if after := listing(t, user); after != before {
		t.Errorf("the user's files were\n%s\nand are\n%s", before, after)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
}

// TestAdoptWhileItIsWritten has something that a step left running write to its output while the store takes it in.
// What then is in the store is what its name says, or known to be damaged.
func TestAdoptWhileItIsWritten(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	refused := 0
	for range 20 {
		out := filepath.Join(t.TempDir(), "out")
		f, err := os.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(4 << 20); err != nil {
			t.Fatal(err)
		}
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for i := byte(0); ; i++ {
				select {
				case <-stop:
					return
				default:
					_, _ = f.WriteAt([]byte{i}, 4<<20-1-int64(i)) // a failing write writes nothing
				}
			}
		}()
		b, err := s.Adopt(t.Context(), out)
		close(stop)
		<-stopped
		f.Close()
		if err != nil {
			if !strings.Contains(err.Error(), "written to") {
				t.Fatal(err)
			}
			refused++
			continue
		}
		path, err := s.Path(t.Context(), b)
		var miss *Miss
		if errors.As(err, &miss) {
			continue
		}
		if got, herr := HashPath(t.Context(), path); errors.Join(err, herr) != nil || got != b {
			t.Fatalf("%v holds %v (%v, %v)", b, got, err, herr)
		}
	}
	t.Logf("%d refused", refused)
}

// TestAdoptReadOnlyFolder takes in a folder that its maker may not change any more.
func TestAdoptReadOnlyFolder(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	out := filepath.Join(t.TempDir(), "out")
	write(t, filepath.Join(out, "sub", "f"), "x")
	if err := errors.Join(os.Chmod(filepath.Join(out, "sub"), 0o555), os.Chmod(out, 0o555)); err != nil {
		t.Fatal(err)
	}
	b, err := s.Adopt(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Path(t.Context(), b); err != nil {
		t.Error(err)
	}
}
