package cache

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A mount point is updated in place: it can't be renamed. A file mounted from elsewhere is overwritten.
func TestPublishToMountPoint(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	path := t.TempDir()
	if err := unix.Mount("rein", path, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("this process may not mount: ", err)
	}
	defer func() { _ = unix.Unmount(path, unix.MNT_DETACH) }()
	one := blobOf(t, s, map[string]string{"a": "1", "d/b": "2"})
	two := blobOf(t, s, map[string]string{"a": "3", "e/f": "4"})
	for _, b := range []Blob{one, one, two} {
		if _, err := s.Publish(t.Context(), b, path); err != nil {
			t.Fatal(err)
		}
		if got, err := HashPath(t.Context(), path); err != nil || got != b {
			t.Errorf("%v, %v is there, want %v", got, err, b)
		}
	}
	write(t, filepath.Join(path, "mine"), "precious")
	var occupied *Occupied
	if _, err := s.Publish(t.Context(), one, path); !errors.As(err, &occupied) {
		t.Errorf("error %v with a file of the user's in it", err)
	}
	if _, err := os.Stat(filepath.Join(path, "mine")); err != nil {
		t.Error(err)
	}

	file, source := write(t, filepath.Join(t.TempDir(), "file"), ""), write(t, filepath.Join(path, "source"), "")
	b1, err1 := s.Import(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "first"))
	b2, err2 := s.Import(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "2nd"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(t.Context(), b1, file); err == nil {
		t.Error("an empty file of the user's was replaced")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(t.Context(), b1, file); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(source, []byte("first"), 0o644), unix.Mount(source, file, "", unix.MS_BIND, "")); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Unmount(file, unix.MNT_DETACH) }()
	if _, err := s.Publish(t.Context(), b2, file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(source); err != nil || string(b) != "2nd" {
		t.Errorf("%q, %v", b, err)
	}
}
