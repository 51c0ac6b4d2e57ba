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

// On a full disk nothing ends the process: what is there is read, what can't be kept is an error, a collection makes room, and the
// index is what it was.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("rein", dir, "tmpfs", 0, "size=100m"); err != nil {
		t.Skip("this process may not mount: ", err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	state := filepath.Join(dir, "state")
	s := open(t, state, Options{})
	b, err := s.Import(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "content"))
	if err != nil {
		t.Fatal(err)
	}
	e := &Entry{Action: Sum([]byte("a")), Outputs: map[string]Blob{"o": b}}
	if err := errors.Join(s.Put(t.Context(), e), s.Close()); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(dir, "fill"))
	s = open(t, state, Options{})
	if err := s.Put(t.Context(), &Entry{Action: Sum([]byte("b"))}); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("error %v, want that the disk is full", err)
	}
	if _, err := s.Get(t.Context(), e.Action); err != nil {
		t.Errorf("what is there can't be read: %v", err)
	}
	c, err := s.PlanGC(t.Context(), Keep{})
	if err != nil || len(c.Evict) != 1 {
		t.Fatalf("%v, %v", c, err)
	}
	if err := s.Collect(t.Context(), c); err != nil {
		t.Error(err)
	}
	if s.Has(e.Outputs["o"]) {
		t.Error("the collection has removed nothing")
	}
	if err := errors.Join(s.Close(), os.Remove(filepath.Join(dir, "fill"))); err != nil {
		t.Fatal(err)
	}
	s = open(t, state, Options{})
	if _, err := s.Get(t.Context(), e.Action); err != nil || len(s.SetAside()) > 0 {
		t.Errorf("%v, set aside %v", err, s.SetAside())
	}
	if err := s.Put(t.Context(), e); err != nil {
		t.Error(err)
	}
	// While the index is open for writing: its log keeps what it holds, until the process has ended.
	fill(t, filepath.Join(dir, "fill"))
	if err := s.Put(t.Context(), &Entry{Action: Sum([]byte("b"))}); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("error %v, want that the disk is full", err)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	for block := make([]byte, 4<<10); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	f.Close()
}
