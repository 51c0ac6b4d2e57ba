package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is done to a folder, the memo's answer is that of reading everything.
func TestFolderMemoIsNeverStale(t *testing.T) {
	known, small := 0, smallTree
	smallTree = 0
	defer func() {
		smallTree = small
		if known == 0 {
			t.Error("no file was known: the test says nothing of SeeKnown")
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		state, err := os.MkdirTemp("", "rein-state-")
		if err != nil {
			rt.Fatal(err)
		}
		dir, err := os.MkdirTemp("", "rein-folder-")
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = errors.Join(os.RemoveAll(state), os.RemoveAll(dir)) }()
		s, err := Open(state, Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		file := func() string { return filepath.Join(dir, fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "file"))) }
		for range rapid.IntRange(1, 8).Draw(rt, "edits") {
			edit := rapid.SampledFrom([]string{"write", "keep times", "mode", "remove", "rename", "folder", "wait"}).Draw(rt, "edit")
			if err := change(edit, file(), file(), byte(rapid.IntRange('a', 'c').Draw(rt, "content"))); err != nil {
				rt.Fatal(err)
			}
			got, err := s.HashPath(t.Context(), dir)
			if err != nil {
				rt.Fatal(err)
			}
			if want, err := HashPath(t.Context(), dir); err != nil || got != want {
				rt.Fatalf("after %s: %v, reading everything gives %v, %v", edit, got, want, err)
			}
			paths := []string{filepath.Join(dir, "3"), filepath.Join(dir, "0"), dir, filepath.Join(dir, "2"), filepath.Join(dir, "1")}
			seen, ok, err := s.SeeKnown(t.Context(), paths)
			for i, path := range paths {
				if !ok[i] {
					continue
				}
				known++
				if want, err := s.See(t.Context(), path); err != nil || seen[i] != want || path == dir {
					rt.Fatalf("after %s: %s: %v, read again %v, %v", edit, path, seen[i], want, err)
				}
				if want, err := HashPath(t.Context(), path); err != nil || seen[i].Blob != want {
					rt.Fatalf("after %s: %s: %v, read again %v, %v", edit, path, seen[i].Blob, want, err)
				}
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// change does something to a folder that its users do; that what it is done to isn't there is no fault.
func change(edit, path, other string, content byte) (err error) {
	switch edit {
	case "write":
		err = os.WriteFile(path, []byte{content}, 0o644)
	case "keep times": // as rsync and tar leave them
		info, serr := os.Stat(path)
		if serr != nil || info.IsDir() {
			return nil
		}
		err = errors.Join(os.WriteFile(path, []byte{content}, 0o644), os.Chtimes(path, info.ModTime(), info.ModTime()))
	case "mode":
		err = os.Chmod(path, 0o755)
	case "remove":
		err = os.RemoveAll(path)
	case "rename":
		if info, serr := os.Stat(other); serr == nil && info.IsDir() {
			return nil
		}
		err = os.Rename(path, other)
	case "folder":
		err = os.MkdirAll(filepath.Join(path+"-folder", string(content)), 0o755)
	case "wait":
		time.Sleep(racy + 10*time.Millisecond)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// What is hashed in no time isn't remembered, so that a run that has read a few small files doesn't write to the index.
func TestSmallTreesAreNotRemembered(t *testing.T) {
	for name, x := range map[string]struct {
		files, size int
		small       bool
	}{"a file": {1, 1000, true}, "a large file": {1, 1 << 20, false}, "some files": {100, 10, true}, "many files": {300, 10, false}} {
		dir := t.TempDir()
		for i := range x.files {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), make([]byte, x.size), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if tree, err := readTree(dir); err != nil || tree.small() != x.small {
			t.Errorf("%s: small: %v, %v", name, tree.small(), err)
		}
	}
}
