package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rein/cache"
)

// What a step leaves in its folder is gone when the folder is taken again, and the run's end removes what lies about meanwhile.
func TestAStepFindsNothingOfTheOneBefore(t *testing.T) {
	store, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s, err := newSpace(store)
	if err != nil {
		t.Fatal(err)
	}
	rubbish := filepath.Join(s.dir, rubbishName)
	leave := func(dir string) {
		tmp := filepath.Join(dir, scratchName)
		err := errors.Join(os.MkdirAll(filepath.Join(tmp, "a", "b"), 0o755), os.WriteFile(filepath.Join(tmp, "a", "b", "small"), []byte("x"), 0o400),
			os.WriteFile(filepath.Join(tmp, "large"), make([]byte, smallFile+1), 0o644), os.Link(filepath.Join(tmp, "large"), filepath.Join(tmp, "link")),
			os.Symlink("large", filepath.Join(tmp, "symlink")), os.WriteFile(filepath.Join(dir, "out.o"), []byte("y"), 0o644))
		if err != nil {
			t.Fatal(err)
		}
	}
	count := func(dir string) int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	want := func(kept int) {
		t.Helper()
		dir, err := s.take(nil)
		if err != nil {
			t.Fatal(err)
		}
		if count(dir) != 1 || count(filepath.Join(dir, scratchName)) != 0 || count(rubbish) != kept {
			t.Errorf("%d names in the folder, %d in the step's part of it, %d of rubbish, want 1, 0 and %d",
				count(dir), count(filepath.Join(dir, scratchName)), count(rubbish), kept)
		}
		leave(dir)
		s.give(dir)
	}
	want(0)
	want(2) // small and out.o
	want(4)
	s.rubbish.Store(mostRubbish + 1)
	want(6)
	want(6) // no more than that is put off
	s.close()
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("the run's folder is still there:", err)
	}
}
