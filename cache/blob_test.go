package cache

import (
	"errors"
	"os"
	"path/filepath"
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
