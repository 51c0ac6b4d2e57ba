package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rein/cache"
)

// long is a store with a file and a folder of several parts, which don't compress.
func long(t *testing.T) (*cache.Store, *cache.Entry) {
	t.Helper()
	s := empty(t)
	dir := t.TempDir()
	noise := make([]byte, 2*partSize+1234)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "folder"), 0o755), os.WriteFile(filepath.Join(dir, "file"), noise, 0o644),
		os.WriteFile(filepath.Join(dir, "folder/a"), noise[5:], 0o755), os.WriteFile(filepath.Join(dir, "folder/b"), noise[:10], 0o644)); err != nil {
		t.Fatal(err)
	}
	e := &cache.Entry{Action: cache.Sum([]byte(key)), Key: key, Type: "t", Outputs: map[string]cache.Blob{}}
	for _, port := range []string{"file", "folder"} {
		b, err := s.Adopt(t.Context(), filepath.Join(dir, port))
		if err != nil {
			t.Fatal(err)
		}
		e.Outputs[port] = b
	}
	return s, e
}

// Long blobs come back whole; a fetch that is cut off keeps what it has and goes on with the parts that are missing.
func TestPartsAreResumed(t *testing.T) {
	s, e := long(t)
	b, dir := bucket(t)
	first := mustNew(t, s, b, Options{})
	if err := first.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob(filepath.Join(dir, "rein2/part/*"))
	if err != nil || len(parts) != 6 {
		t.Fatalf("%d parts, want 3 of each: %v", len(parts), err)
	}
	path, err := s.Path(t.Context(), e.Outputs["file"])
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := filepath.Join(dir, partName(cache.Sum(whole[2*partSize:]))) // when it turns out to be missing the others are on their way
	if err := os.Rename(last, last+".away"); err != nil {
		t.Fatal(err)
	}
	theirs, misses := empty(t), 0
	for _, b1 := range e.Outputs {
		var miss *cache.Miss
		if err := mustNew(t, theirs, b, Options{}).FetchBlob(t.Context(), b1); errors.As(err, &miss) {
			misses++
		}
	}
	if misses != 1 {
		t.Fatalf("%d misses, want one", misses)
	}
	if err := os.Rename(last+".away", last); err != nil {
		t.Fatal(err)
	}
	again := mustNew(t, theirs, b, Options{})
	if _, err := again.Fetch(t.Context(), e.Action); err != nil {
		t.Fatal(err)
	}
	if c := again.Counts(); c.BytesFetched > 2000 {
		t.Errorf("%d bytes were fetched for a part of 1,234 that was missing", c.BytesFetched)
	}
	for port, blob := range e.Outputs {
		if _, err := theirs.Path(t.Context(), blob); err != nil {
			t.Errorf("%s: %v", port, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(theirs.Dir(), "partial/*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	// A push that was cut off sends what is missing: here a part and the list.
	lists, err := filepath.Glob(filepath.Join(dir, "rein2/list/*/*"))
	if err != nil || len(lists) != 2 {
		t.Fatal(lists, err)
	}
	if err := errors.Join(os.Remove(parts[0]), os.Remove(lists[0]), os.Remove(lists[1])); err != nil {
		t.Fatal(err)
	}
	more := mustNew(t, s, b, Options{})
	if err := more.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if n := more.Counts().BytesSent; n == 0 || n > partSize+1000 {
		t.Errorf("%d bytes were sent for one part that was missing", n)
	}
}

// A damaged part is a miss, and is sent again by who finds it so and makes the result.
func TestDamagedPartIsMended(t *testing.T) {
	s, e := long(t)
	b, dir := bucket(t)
	if err := mustNew(t, s, b, Options{}).Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	parts, _ := filepath.Glob(filepath.Join(dir, "rein2/part/*"))
	if err := os.WriteFile(parts[1], []byte("wrong"), 0o644); err != nil {
		t.Fatal(err)
	}
	theirs := mustNew(t, empty(t), b, Options{})
	var miss *cache.Miss
	if _, err := theirs.Fetch(t.Context(), e.Action); !errors.As(err, &miss) {
		t.Fatalf("%v, want a miss", err)
	}
	theirs.store = s // it made the result itself
	if err := theirs.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if _, err := mustNew(t, empty(t), b, Options{}).Fetch(t.Context(), e.Action); err != nil {
		t.Errorf("it wasn't mended: %v", err)
	}
}

// What is sent behind a run is all there after Drain; a line that is full makes the run wait for a bounded time only.
func TestBehind(t *testing.T) {
	s, e := made(t)
	b, dir := bucket(t)
	var mu sync.Mutex
	var said []string
	r := mustNew(t, s, b, Options{Timeout: 300 * time.Millisecond, Report: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	}})
	q := r.Behind(t.Context())
	q.Send(t.Context(), e)
	if lost := q.Drain(); lost != 0 || len(objects(t, dir)) != 3 {
		t.Errorf("%d were not sent", lost)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stuck := &Behind{remote: r, queue: make(chan *cache.Entry), patience: 50 * time.Millisecond}
	for range 100 {
		stuck.Send(ctx, e)
	}
	if stuck.Drain() != 100 || stuck.Left() != 0 {
		t.Error("what didn't fit isn't counted")
	}
	b.Close()
	q = r.Behind(t.Context())
	for range 10 {
		q.Send(t.Context(), e)
	}
	if lost := q.Drain(); lost != 10 || len(said) != 1 || !strings.Contains(said[0], "going on without it") {
		t.Errorf("%d lost, said %q", lost, said)
	}
}

// Prune goes by last use, age and size, and takes what no entry names; it tells before it acts.
func TestPrune(t *testing.T) {
	s, e := made(t)
	b, dir := bucket(t)
	r := mustNew(t, s, b, Options{})
	e.Result.Made = time.Now().Add(-90 * 24 * time.Hour)
	if err := r.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, c := range map[string]struct {
		rules   Rules
		at      time.Time
		entries int
	}{
		"nothing":     {Rules{Grace: time.Hour}, now, 0},
		"used lately": {Rules{Unused: time.Hour}, now, 0},
		"unused":      {Rules{Unused: time.Hour}, now.Add(2 * time.Hour), 1},
		"old":         {Rules{Age: 30 * 24 * time.Hour}, now, 1},
		"small":       {Rules{MaxBytes: 1 << 20}, now, 0},
		"big":         {Rules{MaxBytes: 10}, now, 1},
	} {
		p, err := r.PlanPrune(t.Context(), c.rules, c.at)
		if err != nil || len(p.Entries) != c.entries || p.Kept != 1-c.entries || c.entries == 1 && p.Loose != 2 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if len(objects(t, dir)) != 3 {
		t.Fatal("a plan removed something")
	}
	p, err := r.PlanPrune(t.Context(), Rules{MaxBytes: 10}, now)
	if err == nil {
		err = r.Apply(t.Context(), p)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "rein2/*/*")); err != nil || len(left) > 0 {
		t.Errorf("%v, left: %v", err, left)
	}
}
