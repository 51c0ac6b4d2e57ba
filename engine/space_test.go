package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"rein/cache"
)

// openSpace is the space of a store that holds nothing.
func openSpace(t *testing.T) *space {
	t.Helper()
	store, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s, err := newSpace(store)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a step leaves in its folder is gone when the folder is taken again, except for small files, for a step that asks for them; and
// the run's end removes everything.
func TestAStepFindsNothingOfTheOneBefore(t *testing.T) {
	s := openSpace(t)
	litter := func(dir string) error {
		tmp := filepath.Join(dir, scratchName)
		return errors.Join(os.MkdirAll(filepath.Join(tmp, "a", "b"), 0o755), os.WriteFile(filepath.Join(tmp, "a", "b", "small"), []byte("x"), 0o400),
			os.WriteFile(filepath.Join(tmp, "large"), make([]byte, smallFile+1), 0o644), os.Link(filepath.Join(tmp, "large"), filepath.Join(tmp, "link")),
			os.WriteFile(filepath.Join(tmp, "small"), []byte("x"), 0o644), os.Symlink("large", filepath.Join(tmp, "symlink")),
			os.WriteFile(filepath.Join(dir, "out.o"), []byte("y"), 0o644), os.Chmod(tmp, 0o500))
	}
	take := func(facts string, reuses bool, want ...string) {
		t.Helper()
		dir, left, err := s.take([]string{facts}, reuses)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			rel, _ := filepath.Rel(dir, path)
			found = append(found, rel)
			return err
		})
		expect := []string{".", scratchName}
		for _, name := range want {
			expect = append(expect, filepath.Join(scratchName, name))
		}
		if err != nil || !slices.Equal(left, want) || !slices.Equal(found, expect) {
			t.Errorf("%s: there is %q, and %q is left; want %q (%v)", facts, found, left, want, err)
		}
		if info, err := os.Stat(filepath.Join(dir, scratchName)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: the step's part of the folder: %v, %v", facts, info.Mode(), err)
		}
		if err := litter(dir); err != nil {
			t.Fatal(err)
		}
		s.give(dir)
	}
	take("a", true)
	take("a", true, "small")
	take("b", true, "small")
	take("b", false)
	take("c", true, "small")
	if entries, err := os.ReadDir(s.dir); err != nil || len(entries) != 1 {
		t.Errorf("folders: %v, %v; want one", entries, err)
	}
	s.close()
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("the run's folder is still there:", err)
	}
}

// Folders that are in use have different names, also for the same work, and a name stays with its work.
func TestFolderNamesStayWithTheWork(t *testing.T) {
	s := openSpace(t)
	defer s.close()
	take := func(facts string) string {
		t.Helper()
		dir, _, err := s.take([]string{facts}, true)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	a, a2, b := take("a"), take("a"), take("b")
	for _, dir := range []string{a, a2, b} {
		s.give(dir)
	}
	if again := []string{take("b"), take("a"), take("a")}; !slices.Equal(again, []string{b, a, a2}) || a == a2 {
		t.Errorf("folders %q, then %q", []string{b, a, a2}, again)
	}
}

// Folders that are taken and given by many at once, under few names, are never two steps' at a time, and never missing.
func TestFoldersAreTakenByMany(t *testing.T) {
	s := openSpace(t)
	defer s.close()
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				dir, _, err := s.take([]string{strconv.Itoa((g + i) % 5)}, i%2 == 0)
				if err == nil {
					err = os.Mkdir(filepath.Join(dir, scratchName, "mine"), 0o700)
				}
				if err != nil {
					t.Error(err)
					return
				}
				s.give(dir)
			}
		})
	}
	all.Wait()
}

// Where no folder can be made for a run, that is an error: one name after the other was tried, without end.
func TestScratchIsNoFolder(t *testing.T) {
	store, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	root := filepath.Join(store.Dir(), "scratch")
	if err := errors.Join(os.Remove(root), os.WriteFile(root, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if s, err := newSpace(store); err == nil {
		t.Errorf("%s was made", s.dir)
	}
	if lease, err := store.TryLease(spaceLease("run0")); err != nil || lease == nil {
		t.Errorf("the name stays taken: %v", err)
	}
}
