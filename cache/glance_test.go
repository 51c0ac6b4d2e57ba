package cache

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// What looks as it did is what it was only if its times tell every change; otherwise its content is read, as far as that is allowed.
func TestRecall(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state"), Options{})
	path := filepath.Join(t.TempDir(), "file")
	write := func(text string) Blob {
		t.Helper()
		err := os.WriteFile(path, []byte(text), 0o600)
		b, herr := HashPath(t.Context(), path)
		if err := errors.Join(err, herr); err != nil {
			t.Fatal(err)
		}
		return b
	}
	seen, err := s.See(t.Context(), path)
	if err == nil {
		t.Fatal(seen)
	}
	was := write("one")
	now := time.Now()
	if seen, err = s.See(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	young, ok := s.GlanceOf(path, seen, now)
	if !ok || young.Sure {
		t.Error("a file that was written just now is sure to be seen when it changes", ok)
	}
	old, ok := s.GlanceOf(path, seen, now.Add(time.Minute))
	if !ok || !old.Sure || old.Look != young.Look {
		t.Error("an old file isn't sure", ok)
	}
	is := write("two") // as if in the same tick
	if _, ok := s.GlanceOf(path, seen, now); ok {
		t.Error("a file that was written to is as it was")
	}
	if seen, err = s.See(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	looks, _ := s.GlanceOf(path, seen, now)
	for name, x := range map[string]struct {
		glance Glance
		budget int64
		want   Blob
		ok     bool
		left   int64
	}{
		"trusted":        {Glance{looks.Look, true}, 0, was, true, 0},
		"too young":      {Glance{looks.Look, false}, 5, is, true, 2},
		"looks other":    {Glance{Digest{1}, true}, 5, is, true, 2},
		"costs too much": {Glance{looks.Look, false}, 2, was, false, -1},
	} {
		var budget atomic.Int64
		budget.Store(x.budget)
		if b, g, ok := s.Recall(t.Context(), path, was, x.glance, &budget); b != x.want || ok != x.ok || budget.Load() != x.left || ok && g.Look != looks.Look {
			t.Errorf("%s: %v, %v, %d left", name, b, ok, budget.Load())
		}
	}
	if _, _, ok := s.Recall(t.Context(), path+"-gone", was, looks, new(atomic.Int64)); ok {
		t.Error("what is gone is there")
	}
}

// What was published is there as long as nothing of it has changed: not its content, nor where it lies, nor that it is known as rein's.
func TestStillLanded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state"), Options{})
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	if err := os.WriteFile(src, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := s.Import(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.LandedAt(dst, b); ok {
		t.Error("nothing was published")
	}
	if _, err := s.Publish(t.Context(), b, dst); err != nil {
		t.Fatal(err)
	}
	still := func(want bool) {
		t.Helper()
		l, ok := s.LandedAt(dst, b)
		if !ok {
			t.Fatal("it isn't known as published")
		}
		var budget atomic.Int64
		budget.Store(100)
		if got := s.StillLanded(t.Context(), &l, &budget); got != want {
			t.Error("it is still there:", got)
		}
	}
	still(true)
	if err := errors.Join(os.Rename(dst, dst+"-away"), os.Symlink(dst+"-away", dst)); err != nil {
		t.Fatal(err)
	}
	l := Landed{Blob: b, At: dst, Record: s.recordLook(dst)}
	if budget := new(atomic.Int64); s.StillLanded(t.Context(), &l, budget) {
		t.Error("a link took its place")
	}
	if err := errors.Join(os.Remove(dst), os.Rename(dst+"-away", dst)); err != nil {
		t.Fatal(err)
	}
	still(true)
	l, _ = s.LandedAt(dst, b)
	if err := os.Remove(s.recordPath(dst) + ".json"); err != nil {
		t.Fatal(err)
	}
	budget := new(atomic.Int64)
	budget.Store(100)
	if s.StillLanded(t.Context(), &l, budget) {
		t.Error("nobody knows any more that it is rein's")
	}
}

// What a path is remembered to be isn't found out again, until it looks otherwise.
func TestRemember(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state"), Options{})
	path := write(t, filepath.Join(t.TempDir(), "file"), "text")
	seen, err := s.See(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	g, _ := s.GlanceOf(path, seen, time.Now().Add(time.Minute))
	other := Blob{Digest: Digest{1}, Size: 4} // which no look at the file would find
	s.Remember(path, other, Glance{g.Look, false})
	if seen, err = s.See(t.Context(), path); err != nil || seen.Blob == other {
		t.Fatalf("what is too young is taken from memory: %v", err)
	}
	s.Remember(path, other, g)
	look := func() (Blob, Blob, bool) {
		t.Helper()
		seen, err := s.See(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		many, ok, err := s.SeeKnown(t.Context(), []string{path})
		if err != nil {
			t.Fatal(err)
		}
		return seen.Blob, many[0].Blob, ok[0]
	}
	if b, many, ok := look(); b != other || many != other || !ok {
		t.Errorf("what is remembered is looked at again: %v, %v, %v", b, many, ok)
	}
	write(t, path, "TEXT")
	if b, many, ok := look(); b == other || ok || many == other {
		t.Errorf("what was written to since is as it was: %v, %v, %v", b, many, ok)
	}
}

// What is remembered to have landed may be replaced without another look, until somebody writes to it.
func TestRememberLanded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state"), Options{})
	dst := filepath.Join(t.TempDir(), "dst")
	b, err := s.Import(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "text"))
	if err == nil {
		_, err = s.Publish(t.Context(), b, dst)
	}
	l, ok := s.LandedAt(dst, b)
	tree, terr := readTree(dst)
	if err := errors.Join(err, terr); err != nil || !ok {
		t.Fatal(err, ok)
	}
	l.Glance = tree.glance(time.Now().Add(time.Minute))
	s.RememberLanded(dst, l)
	if err := os.Remove(s.recordPath(l.At) + ".json"); err != nil {
		t.Fatal(err)
	}
	if err := s.MayPublish(t.Context(), dst, nil); err != nil {
		t.Errorf("it was looked at again: %v", err)
	}
	write(t, dst, "mine")
	var occupied *Occupied
	if err := s.MayPublish(t.Context(), dst, nil); !errors.As(err, &occupied) {
		t.Errorf("the user's file may be replaced: %v", err)
	}
}

// A shelf's files are what was written, or nothing; the oldest go.
func TestShelf(t *testing.T) {
	s := Shelf{Dir: filepath.Join(t.TempDir(), "shelf"), Mark: "m 1\n", Files: 3, Bytes: 1000}
	write := func(name string, parts ...[]byte) {
		t.Helper()
		if err := s.Write(name, parts...); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(s.Dir); err != nil || len(entries) > s.Files {
			t.Fatal(len(entries), err)
		}
	}
	if _, ok := s.Read("a"); ok {
		t.Error("read from no folder")
	}
	write("a", []byte("te"), nil, []byte("xt"))
	if text, ok := s.Read("a"); !ok || text != "text" {
		t.Errorf("%q", text)
	}
	other := s
	other.Mark = "m 2\n"
	if _, ok := other.Read("a"); ok {
		t.Error("another format is read")
	}
	path := filepath.Join(s.Dir, "a")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		torn := append([]byte(nil), whole...)
		torn[i] ^= 1
		for _, text := range [][]byte{torn, whole[:i]} {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if text, ok := s.Read("a"); ok {
				t.Fatalf("torn at %d: %q", i, text)
			}
		}
	}
	for _, name := range []string{"b", "c", "d"} {
		write(name, []byte(name))
	}
	write("large", make([]byte, 2000))
	if entries, _ := os.ReadDir(s.Dir); len(entries) != 1 || entries[0].Name() != "large" {
		t.Error(entries)
	}
}
