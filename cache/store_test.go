package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rein/cache/internal/index"
)

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func adopt(t testing.TB, s *Store, content string) Blob {
	t.Helper()
	b, err := s.Adopt(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), content))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantMiss(t *testing.T, err error, reason string) {
	t.Helper()
	var miss *Miss
	if !errors.As(err, &miss) || !strings.Contains(miss.Reason, reason) {
		t.Errorf("error %v, want a miss with %q", err, reason)
	}
}

func TestGetEachIsGetOfMany(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var actions []Digest
	for i := range 40 {
		e := &Entry{Action: Sum([]byte{byte(i)}), Type: "t", Key: fmt.Sprint("key ", i), Result: Result{Made: time.Unix(int64(i), 0).UTC()}}
		actions = append(actions, e.Action)
		if i%3 == 0 {
			continue
		}
		if err := s.Put(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	actions = append(actions, actions[1])
	entries, misses, err := s.GetEach(t.Context(), actions, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range actions {
		one, err := s.Get(t.Context(), a)
		var miss *Miss
		if errors.As(err, &miss) != (misses[i] != nil) || !reflect.DeepEqual(one, entries[i]) || miss != nil && *miss != *misses[i] {
			t.Errorf("%d: %v, %v; one by one %v, %v", i, entries[i], misses[i], one, err)
		}
	}
	keys := make([]string, len(actions))
	for i := range keys {
		keys[i] = fmt.Sprint("key ", i)
	}
	keyed, _, err := s.GetEach(t.Context(), actions, keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range keyed {
		if was := entries[i]; (e == nil) != (was == nil) || e != nil && (e.Key != keys[i] || !reflect.DeepEqual(e.Outputs, was.Outputs)) {
			t.Errorf("%d, with its key: %v, want %v", i, e, was)
		}
	}
	none := open(t, filepath.Join(t.TempDir(), "none"), Options{ReadOnly: true})
	if entries, misses, err := none.GetEach(t.Context(), actions[:2], nil); err != nil || entries[1] != nil || misses[1] == nil {
		t.Error(entries, misses, err)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	e := &Entry{Action: Sum([]byte("k")), Type: "exec", Key: "k", Outputs: map[string]Blob{"o": {Digest: Sum(nil)}},
		Result: Result{Metrics: map[string]float64{"m": 0.1}, Made: time.Now().UTC().Round(time.Millisecond)}}
	_, err := s.Get(ctx, e.Action)
	wantMiss(t, err, "not found")
	if err := s.Put(ctx, e); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(ctx, e.Action)
	if err != nil || fmt.Sprint(*got) != fmt.Sprint(*e) {
		t.Errorf("got %v, %v, want %v", got, err, e)
	}
}

func TestRecent(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	start := time.Now()
	for i, typ := range []string{"a", "b", "a", "ab"} {
		e := &Entry{Action: Sum([]byte{byte(i)}), Type: typ, Step: fmt.Sprint(i), Result: Result{Made: start.Add(time.Duration(i) * time.Second)}}
		if err := s.Put(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	// Made again, an entry moves to the front and isn't there twice.
	if err := s.Put(ctx, &Entry{Action: Sum([]byte{0}), Type: "a", Step: "0", Result: Result{Made: start.Add(time.Minute)}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		typ  string
		n    int
		want string
	}{{"a", 9, "0 2"}, {"a", 1, "0"}, {"ab", 9, "3"}, {"c", 9, ""}, {"", 9, "0 3 2 1"}, {"", 2, "0 3"}} {
		es, err := s.Recent(ctx, c.typ, c.n)
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, e := range es {
			steps = append(steps, e.Step)
		}
		if got := strings.Join(steps, " "); got != c.want {
			t.Errorf("Recent(%q, %d) = %q, want %q", c.typ, c.n, got, c.want)
		}
	}
}

func TestAdoptMoves(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	path := write(t, filepath.Join(t.TempDir(), "x"), "one")
	for range 2 { // content that is there already goes, too
		write(t, path, "one")
		if _, err := s.Adopt(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the path is still there: %v", err)
		}
	}
}

func TestHashPathMemo(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	path := write(t, filepath.Join(t.TempDir(), "x"), "one")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	first, err := s.HashPath(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	// Equal size and time, other content: the change time gives it away.
	write(t, path, "two")
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	second, err := s.HashPath(ctx, path)
	if err != nil || second == first {
		t.Errorf("a change went unseen: %v, %v", second, err)
	}
}

// A damaged index isn't an empty one: a question says so, a writer sets it aside.
func TestDamagedIndexIsSaidToBe(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	action := Sum([]byte("k"))
	s := open(t, dir, Options{})
	if err := errors.Join(s.Put(ctx, &Entry{Action: action}), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, indexDir, "MANIFEST"), []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, dir, Options{ReadOnly: true}).Get(ctx, action)
	var broken *index.Damage
	if !errors.As(err, &broken) {
		t.Errorf("error %v, want that the index is damaged", err)
	}
	s = open(t, dir, Options{})
	_, err = s.Get(ctx, action)
	wantMiss(t, err, "not found")
	if err := s.Put(ctx, &Entry{Action: action}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, action); err != nil {
		t.Error(err)
	}
}

// TestReadingWritesNothing compares the whole state folder before and after every question.
func TestReadingWritesNothing(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	b := adopt(t, s, "content")
	e := &Entry{Action: Sum([]byte("k")), Type: "exec", Outputs: map[string]Blob{"o": b}}
	if err := errors.Join(s.Put(ctx, e), s.WriteRun("r1", []byte("{}")), s.Close()); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	r := open(t, dir, Options{ReadOnly: true})
	if _, err := r.Get(ctx, e.Action); err != nil {
		t.Error(err)
	}
	_, err := r.Recent(ctx, "", 5)
	_, err1 := r.Path(ctx, b)
	_, err2 := r.HashPath(ctx, dir)
	_, err3 := r.Runs()
	_, err4 := r.GetMany(ctx, []Digest{e.Action})
	if err := errors.Join(err, err1, err2, err3, err4, r.Close()); err != nil {
		t.Error(err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	absent := filepath.Join(dir, "absent")
	r = open(t, absent, Options{ReadOnly: true})
	_, err = r.Get(ctx, e.Action)
	wantMiss(t, err, "not found")
	if _, err := os.Stat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the folder: %v", err)
	}
}

// listing is every file's name, size, time, mode and content hash.
func listing(t *testing.T, dir string) string {
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum Digest
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = Sum(b)
		}
		_, err = fmt.Fprintln(&out, path, info.Mode(), info.Size(), info.ModTime().UnixNano(), sum.Short())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMemo(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	keys := []Digest{Sum([]byte("a")), Sum([]byte("b"))}
	if err := s.PutMany(ctx, keys[:1], [][]byte{[]byte("x")}); err != nil {
		t.Fatal(err)
	}
	got, err := s.GetMany(ctx, []Digest{keys[1], keys[0]})
	if err != nil || got[0] != nil || string(got[1]) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	// What is too large for the index isn't remembered; that is no fault of the step.
	if err := s.PutMany(ctx, []Digest{keys[1], keys[0]}, [][]byte{make([]byte, 20<<20), []byte("y")}); err != nil {
		t.Fatal(err)
	}
	if got, err = s.GetMany(ctx, []Digest{keys[1], keys[0]}); err != nil || got[0] != nil || string(got[1]) != "y" {
		t.Errorf("%d bytes, %q, %v", len(got[0]), got[1], err)
	}
}

// An index that is opened ahead of the first write is there; a store that is only read leaves it alone.
func TestOpenToWrite(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		dir := t.TempDir()
		if err := open(t, dir, Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		logs := func() int {
			found, _ := filepath.Glob(filepath.Join(dir, indexDir, "*.vlog"))
			return len(found)
		}
		s := open(t, dir, Options{ReadOnly: readOnly})
		before := logs()
		s.OpenToWrite(t.Context())
		if now := logs(); (now > before) == readOnly {
			t.Errorf("read-only %v: %d logs before, %d after", readOnly, before, now)
		}
	}
}
