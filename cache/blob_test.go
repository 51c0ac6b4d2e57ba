package cache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBlobs(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	src := t.TempDir()
	write(t, filepath.Join(src, "a.txt"), "one")
	write(t, filepath.Join(src, "sub", "b.txt"), "two")
	if err := os.Chmod(filepath.Join(src, "a.txt"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"file": filepath.Join(src, "a.txt"), "folder": src} {
		b, err := s.Import(ctx, path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plain, err := HashPath(ctx, path); err != nil || plain != b {
			t.Errorf("%s: HashPath %v, %v, want %v", name, plain, err, b)
		}
		if !s.Has(b) {
			t.Errorf("%s: not there after Import", name)
		}
		dst := filepath.Join(t.TempDir(), "new", "x")
		for range 2 { // the second replaces the first
			if err := s.Restore(ctx, b, dst); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if back, err := HashPath(ctx, dst); err != nil || back != b {
			t.Errorf("%s: restored %v, %v, want %v", name, back, err, b)
		}
	}
	if _, err := os.Stat(filepath.Join(src, "a.txt")); err != nil {
		t.Errorf("Import moved the user's file: %v", err)
	}
}

func TestDamagedBlobIsAMiss(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	b := adopt(t, s, "content")
	path, err := s.Path(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err == nil && os.Getuid() != 0 {
		t.Error("a blob can be written to")
	}
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte("contenT"), 0o644)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Path(ctx, b)
	wantMiss(t, err, "damaged")
	_, err = s.Path(ctx, b)
	wantMiss(t, err, "gone")
	if adopt(t, s, "content") != b {
		t.Error("it can't be made again")
	}
	if _, err := s.Path(ctx, b); err != nil {
		t.Error(err)
	}
}

func TestTouchedBlobIsStillGood(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	b := adopt(t, s, "content")
	path, _ := s.Path(ctx, b)
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Path(ctx, b); err != nil {
		t.Error(err)
	}
}

// TestChangedFolderIsAMiss changes what a folder holds without writing to any file that is in it.
func TestChangedFolderIsAMiss(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"empty file removed": func(dir string) error { return os.Remove(filepath.Join(dir, "sub", "empty")) },
		"file renamed":       func(dir string) error { return os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")) },
		"folder added":       func(dir string) error { return os.Mkdir(filepath.Join(dir, "sub", "new"), 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			src := filepath.Join(t.TempDir(), "made")
			write(t, filepath.Join(src, "a"), "content")
			write(t, filepath.Join(src, "sub", "empty"), "")
			b, err := s.Adopt(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			path, err := s.Path(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			_, err = s.Path(t.Context(), b)
			wantMiss(t, err, "damaged")
		})
	}
}

// A blob that was changed under a kept time isn't handed out, whatever its size, in the process that made it or a later one.
func TestRottenBlobIsNotHandedOut(t *testing.T) {
	for _, size := range []int{10, Chunk + 1} {
		for _, later := range []bool{false, true} {
			dir := t.TempDir()
			s := open(t, dir, Options{})
			b := adopt(t, s, string(bytes.Repeat([]byte("x"), size)))
			path, err := s.Path(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if later {
				s.Close()
				s = open(t, dir, Options{})
			}
			rot(t, path)
			_, err = s.Path(t.Context(), b)
			wantMiss(t, err, "damaged")
			b = adopt(t, s, string(bytes.Repeat([]byte("x"), size)))
			rot(t, s.blobPath(b))
			_, err = s.Publish(t.Context(), b, filepath.Join(t.TempDir(), "out"))
			wantMiss(t, err, "damaged")
			s.Close()
		}
	}
}

// rot flips a byte of a file and leaves its time.
func rot(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[0] ^= 1
	for _, err := range []error{os.Chmod(path, 0o644), os.WriteFile(path, content, 0o644), os.Chtimes(path, sealed, sealed), os.Chmod(path, 0o444)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Whether a file may be executed is part of what it is, also where equal content is there without.
func TestExecutableFileIsAnother(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	dir := t.TempDir()
	tool, text := write(t, filepath.Join(dir, "tool"), "#!/bin/sh"), write(t, filepath.Join(dir, "text"), "#!/bin/sh")
	if err := os.Chmod(tool, 0o755); err != nil {
		t.Fatal(err)
	}
	was, err := s.HashPath(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{tool, text} {
		b, err := s.Import(t.Context(), path)
		if err != nil || (b == was) != (path == text) {
			t.Fatalf("%s: %v, %v", path, b, err)
		}
		dst := filepath.Join(t.TempDir(), "out")
		if _, err := s.Publish(t.Context(), b, dst); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dst)
		if err != nil || (info.Mode()&0o100 != 0) != (path == tool) {
			t.Errorf("%s: published as %v, %v", path, info.Mode(), err)
		}
		// As it comes from a bucket, which knows no modes.
		other := open(t, t.TempDir(), Options{})
		if err := other.Receive(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "#!/bin/sh"), b, true); err != nil {
			t.Fatal(err)
		}
		if got, err := other.Path(t.Context(), b); err != nil {
			t.Error(err)
		} else if back, err := HashPath(t.Context(), got); err != nil || back != b {
			t.Errorf("received %v, %v, want %v", back, err, b)
		}
	}
	if err := os.Chmod(text, 0o755); err != nil {
		t.Fatal(err)
	}
	if now, err := s.HashPath(t.Context(), text); err != nil || now == was {
		t.Errorf("a flip isn't seen: %v, %v", now, err)
	}
}

// A time in whole seconds proves nothing until a second write would show.
func TestCoarseTimesAreTrustedLate(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		m, c time.Duration // of the change, after at
		read time.Duration
		want bool
	}{
		{0, 0, time.Second, false}, {0, 0, 2 * time.Second, false}, {0, 0, 3 * time.Second, true},
		{1, 1, 40 * time.Millisecond, false}, {1, 1, 100 * time.Millisecond, true},
		{-time.Hour, 1, 100 * time.Millisecond, true}, {-time.Hour, 0, time.Second, false},
	} {
		a := stamp{Mtime: at.Add(c.m).UnixNano(), Ctime: at.Add(c.c).UnixNano()}
		if got := a.timesTrusted(at.Add(c.read)); got != c.want {
			t.Errorf("%v: timesTrusted %v", c, got)
		}
	}
}

// A large blob whose last proof is too old is hashed again when it is handed out, and that dates the proof.
func TestOldProofIsMadeAgain(t *testing.T) {
	defer func(age time.Duration) { proofAge = age }(proofAge)
	dir := t.TempDir()
	s := open(t, dir, Options{})
	b := adopt(t, s, strings.Repeat("x", Chunk+1))
	s.Close()
	for age, want := range map[time.Duration]bool{14 * 24 * time.Hour: false, -time.Hour: true} {
		proofAge = age
		s = open(t, dir, Options{})
		before, err := readTree(s.blobPath(b))
		if err != nil {
			t.Fatal(err)
		}
		if ok, due, err := s.trusts(t.Context(), b, before); due != want || ok && want || err != nil {
			t.Errorf("age %v: trusted %v, due %v, %v", age, ok, due, err)
		}
		path, err := s.Path(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		after, err := readTree(path)
		if err != nil {
			t.Fatal(err)
		}
		if dated := after.stamps()[0].Ctime != before.stamps()[0].Ctime; want && !dated {
			t.Error("the proof has no new date")
		}
		s.Close()
	}
}

// A blob of another size is damaged, whatever it holds: a file that a fault has made endless isn't read.
func TestBlobOfAnotherSizeIsNotRead(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	src := filepath.Join(t.TempDir(), "made")
	write(t, filepath.Join(src, "a"), "content")
	folder, err := s.Adopt(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []Blob{adopt(t, s, "content"), folder} {
		path, err := s.Path(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if b.Dir {
			path = filepath.Join(path, "a")
		}
		if err := errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 1<<42)); err != nil {
			t.Skip(err) // a file system without holes
		}
		_, err = s.Path(t.Context(), b)
		wantMiss(t, err, "damaged")
	}
}
