package cache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// blobOf imports a folder with these files.
func blobOf(t *testing.T, s *Store, files map[string]string) Blob {
	t.Helper()
	src := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(src, name), text)
	}
	b, err := s.Import(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// At any moment one of the two folders is at the path, whole.
func TestPublishedFolderIsNeverAbsent(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("folders can't be exchanged in one step here")
	}
	s := open(t, t.TempDir(), Options{})
	both := []Blob{blobOf(t, s, map[string]string{"x": "one"}), blobOf(t, s, map[string]string{"x": "two"})}
	path := filepath.Join(t.TempDir(), "out")
	if _, err := s.Publish(t.Context(), both[0], path); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	var looked, absent int
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			looked++
			if _, err := os.ReadFile(filepath.Join(path, "x")); err != nil {
				absent++
			}
		}
	})
	for i := range 50 {
		if wrote, err := s.Publish(t.Context(), both[(i+1)%2], path); err != nil || !wrote {
			t.Errorf("wrote %v, %v", wrote, err)
		}
	}
	close(over)
	wg.Wait()
	if absent > 0 || looked == 0 {
		t.Errorf("absent %d of %d times", absent, looked)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Whatever was published, and was changed by the user, at whatever point a process died: what is the user's stays, and where
// nothing is the next result takes the place.
func TestPublishProperty(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	blobs := []Blob{blobOf(t, s, map[string]string{"a": "1", "d/b": "2"}), blobOf(t, s, map[string]string{"a": "3", "c": "4"}),
		blobOf(t, s, map[string]string{"d/b": "2", "e/f": "5"})}
	file, err := s.Import(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "file"))
	if err != nil {
		t.Fatal(err)
	}
	blobs = append(blobs, file)
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			rt.Fatal(err)
		}
		path, user := filepath.Join(dir, "out"), ""
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			next := rapid.SampledFrom(blobs).Draw(rt, "next")
			switch rapid.SampledFrom([]string{"publish", "user", "remove", "die"}).Draw(rt, "what") {
			case "publish":
				_, err := s.Publish(t.Context(), next, path)
				if left, _ := filepath.Glob(filepath.Join(dir, tempName+"*")); len(left) > 0 {
					rt.Fatalf("left behind: %v", left)
				}
				var occupied *Occupied
				if user == "" && err != nil || user != "" && !errors.As(err, &occupied) {
					rt.Fatalf("%v, with the user's file %q", err, user)
				}
				if err == nil {
					if got, err := HashPath(t.Context(), path); err != nil || got != next {
						rt.Fatalf("%v, %v is there, want %v", got, err, next)
					}
				}
			case "user":
				if user == "" && isFolder(path) {
					user = filepath.Join(path, rapid.SampledFrom([]string{"a", "mine"}).Draw(rt, "file"))
					if err := os.WriteFile(user, []byte("precious"), 0o600); err != nil {
						rt.Fatal(err)
					}
				}
			case "remove":
				if err := os.RemoveAll(path); err != nil {
					rt.Fatal(err)
				}
				user = ""
			case "die": // half of an update in place is done
				if next.Dir && user == "" && isFolder(path) {
					dieInPlace(t, rt, s, next, path)
				}
			}
			if b, err := os.ReadFile(user); user != "" && (err != nil || string(b) != "precious") {
				rt.Fatalf("the user's file is %q, %v", b, err)
			}
		}
	})
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// dieInPlace leaves a path as a process that was killed while it updated it file by file.
func dieInPlace(t *testing.T, rt *rapid.T, s *Store, next Blob, path string) {
	p, err := s.destinationAt(path)
	if err != nil {
		rt.Fatal(err)
	}
	now, err := readTree(s.blobPath(next))
	if err == nil {
		err = now.hash(t.Context(), nil)
	}
	err = errors.Join(err, p.sweep()) // as every publication begins
	beside, berr := p.begin()
	tmp := filepath.Join(path, filepath.Base(beside))
	if err := errors.Join(err, berr, p.intend(now), os.Mkdir(tmp, 0o700), os.WriteFile(filepath.Join(tmp, "half"), nil, 0o600), os.Mkdir(beside, 0o700)); err != nil {
		rt.Fatal(err)
	}
	for _, f := range now.files[:rapid.IntRange(0, len(now.files)).Draw(rt, "done")] {
		dst := filepath.Join(path, f.name)
		_ = os.Remove(dst)
		if err := errors.Join(os.MkdirAll(filepath.Dir(dst), 0o755), copyFile(f.path, dst, 0o644)); err != nil {
			rt.Fatal(err)
		}
	}
}

// A file that somebody writes while it is being replaced is his.
func TestPublishYieldsToAWriter(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	one, two := blobOf(t, s, map[string]string{"x": "one"}), blobOf(t, s, map[string]string{"x": "two"})
	path := filepath.Join(t.TempDir(), "out")
	if _, err := s.Publish(t.Context(), one, path); err != nil {
		t.Fatal(err)
	}
	_, err := s.publish(t.Context(), path, &two, func(dst string) error {
		write(t, filepath.Join(path, "x"), "mine")
		return copyTree(s.blobPath(two), dst, userMode)
	})
	var occupied *Occupied
	if !errors.As(err, &occupied) {
		t.Errorf("error %v, want that it was written to", err)
	}
	if b, err := os.ReadFile(filepath.Join(path, "x")); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v is there, want what was written", b, err)
	}
}

// Publishing what is there already doesn't touch it, also where only the record was lost.
func TestPublishEqualWritesNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b := blobOf(t, s, map[string]string{"x": "one", "d/y": "two"})
	path := filepath.Join(t.TempDir(), "out")
	for i := range 3 {
		wrote, err := s.Publish(t.Context(), b, path)
		if err != nil || wrote != (i == 0) {
			t.Fatalf("wrote %v, %v the %dth time", wrote, err, i)
		}
		past := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(path, "x"), past, past); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if err := os.RemoveAll(filepath.Join(s.dir, publishedDir)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What MayPublish has seen at a path is taken for granted only as long as nobody touches it.
func TestPublishLooksAgain(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	text := func(name string) Blob {
		src := filepath.Join(t.TempDir(), name)
		write(t, src, name)
		b, err := s.Import(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, other := text("result"), text("RESULT")
	path := filepath.Join(t.TempDir(), "out")
	if _, err := s.Publish(t.Context(), b, path); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	see := func() {
		t.Helper()
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		if err := s.MayPublish(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		tr := &tree{root: path, files: []treeFile{{path: path, info: info}}}
		s.published.keep(path, lastLook{b, tr.look(tr.stamps(), true), path}) // its change time is too near for MayPublish
	}
	see()
	if wrote, err := s.Publish(t.Context(), b, path); wrote || err != nil {
		t.Fatalf("what is there: %v, %v", wrote, err)
	}
	see()
	if wrote, err := s.Publish(t.Context(), other, path); !wrote || err != nil {
		t.Fatalf("another result: %v, %v", wrote, err)
	}
	if _, err := s.Publish(t.Context(), b, path); err != nil {
		t.Fatal(err)
	}
	see()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte("edited by hand"), 0o644), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	var occupied *Occupied
	if wrote, err := s.Publish(t.Context(), b, path); wrote || !errors.As(err, &occupied) {
		t.Errorf("an edit that set the time back: %v, %v", wrote, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if wrote, err := s.Publish(t.Context(), b, path); !wrote || err != nil {
		t.Errorf("what was removed: %v, %v", wrote, err)
	}
}

// What a process leaves that dies while it publishes is known as rein's, and removed by the next publication. That holds for each moment: before
// the path gets its new content, after that, and while the line is written that says so.
func TestPublishAfterADeath(t *testing.T) {
	for name, torn := range map[string]string{"before the last line": "", "in the last line": `{"path":"x","blobs":[{"dig`, "a power cut in the last line": "\x00\x00\x00"} {
		for _, put := range []bool{false, true} {
			s := open(t, t.TempDir(), Options{})
			path := filepath.Join(t.TempDir(), "out")
			publish := func(text string) error {
				return s.PublishFile(t.Context(), path, func(w io.Writer) error {
					_, err := io.WriteString(w, text)
					return err
				})
			}
			if err := publish("one"); err != nil {
				t.Fatal(err)
			}
			p, err := s.destinationAt(path)
			if err != nil {
				t.Fatal(err)
			}
			tmp, err := p.begin()
			if err != nil {
				t.Fatal(err)
			}
			now, err := readTree(write(t, tmp, "two"))
			if err = errors.Join(err, now.hash(t.Context(), nil), p.intend(now)); err != nil {
				t.Fatal(err)
			}
			if put {
				if err := exchange(tmp, path, tmp+oldName); err != nil {
					t.Fatal(err)
				}
			}
			f, err := os.OpenFile(s.recordPath(p.path)+".json", os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteString(torn)
			if err = errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			if p, err = s.destinationAt(path); err == nil { // another one dies where it begins
				err = p.sweep()
				_, berr := p.begin()
				err = errors.Join(err, berr)
			}
			if err = errors.Join(err, publish("three")); err != nil {
				t.Errorf("%s, put %v: %v", name, put, err)
			}
			if text, err := os.ReadFile(path); string(text) != "three" {
				t.Errorf("%s, put %v: %q, %v is there", name, put, text, err)
			}
			if left, err := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				t.Errorf("%s, put %v: left behind %v, %v", name, put, left, err)
			}
		}
	}
}

// A publication waits for the disk twice: for the content and its record, and for the path.
func TestPublishWaitsForTheDisk(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	path := filepath.Join(t.TempDir(), "out")
	var synced []string
	tell := func(path string, _ bool) { synced = append(synced, filepath.Base(path)) }
	onSync.Store(&tell)
	defer onSync.Store(nil)
	for i := range 60 { // the first makes the folder of records, and one finds a long record
		text := fmt.Sprint(i)
		synced = nil
		err := s.PublishFile(t.Context(), path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		synced = slices.DeleteFunc(synced, func(name string) bool { return strings.HasPrefix(name, tmpFile) }) // a record that is written anew
		if i > 0 && (len(synced) != 4 || !isTemp(synced[0]) || filepath.Ext(synced[1]) != ".json" || synced[2] != publishedDir ||
			synced[3] != filepath.Base(filepath.Dir(path))) {
			t.Errorf("%d: synced %q", i, synced)
		}
	}
	if info, err := os.Stat(s.recordPath(path) + ".json"); err != nil || info.Size() > 2*mostLines {
		t.Errorf("the record grows: %v, %v", info, err)
	}
}

// A folder that is as rein put it there is rein's, even if the list of its files is lost, torn or something else.
func TestPublishOverAFolderWithoutItsList(t *testing.T) {
	for what, damage := range map[string]func(path string) error{
		"lost":     os.Remove,
		"torn":     func(path string) error { return os.Truncate(path, 5) },
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		t.Run(what, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			path := filepath.Join(t.TempDir(), "out")
			publish := func(text string) error {
				_, err := s.Publish(t.Context(), blobOf(t, s, map[string]string{"x": text}), path)
				return err
			}
			if err := publish("one"); err != nil {
				t.Fatal(err)
			}
			lists, err := filepath.Glob(filepath.Join(s.Dir(), publishedDir, "*.tree"))
			if err != nil || len(lists) != 1 {
				t.Fatal(lists, err)
			}
			if err := damage(lists[0]); err != nil {
				t.Fatal(err)
			}
			if err := publish("two"); err != nil {
				t.Error(err)
			}
			write(t, filepath.Join(path, "x"), "mine")
			var occupied *Occupied
			if err := publish("three"); !errors.As(err, &occupied) {
				t.Errorf("what was changed is replaced: %v", err)
			}
		})
	}
}
