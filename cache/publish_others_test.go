package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A process that is killed while it builds, before it records what it intends, leaves something beside the path: the next one removes it, also
// if it has nothing to publish itself.
func TestPublishSweepsWhatWasBegun(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	one, two := blobOf(t, s, map[string]string{"x": "one"}), blobOf(t, s, map[string]string{"x": "two"})
	path := filepath.Join(t.TempDir(), "out")
	for i, next := range []Blob{one, two, two} {
		record := s.recordPath(path) + ".json"
		var left string
		var killed []byte
		_, err := s.publish(t.Context(), path, &Blob{Digest: Digest{1}}, func(dst string) (err error) {
			left = dst
			killed, err = os.ReadFile(record)
			return errors.Join(err, errStop)
		})
		if !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		write(t, filepath.Join(left, "half"), "h")
		if err := os.WriteFile(record, killed, 0o600); err != nil {
			t.Fatal(err)
		}
		if wrote, err := s.Publish(t.Context(), next, path); err != nil || wrote != (i < 2) {
			t.Fatalf("wrote %v, %v", wrote, err)
		}
		if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
			t.Errorf("%d: %v, %v are there, want the output alone", i, names, err)
		}
	}
}

var errStop = errors.New("stop")

// waited is a context that tells when somebody waits for its end.
type waited struct {
	context.Context
	told chan struct{}
	once sync.Once
}

func (w *waited) Done() <-chan struct{} {
	w.once.Do(func() { close(w.told) })
	return w.Context.Done()
}

// What lies at a path while another process publishes there says nothing: MayPublish looks again afterwards.
func TestMayPublishWaitsForAPublisher(t *testing.T) {
	dir := t.TempDir()
	s, other := open(t, dir, Options{}), open(t, dir, Options{})
	path := write(t, filepath.Join(t.TempDir(), "out"), "half of it")
	p, err := s.destinationAt(path)
	if err != nil {
		t.Fatal(err)
	}
	lease, err := other.Lease(t.Context(), p.lease(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, found := &waited{Context: t.Context(), told: make(chan struct{})}, make(chan error, 1)
	go func() { found <- s.MayPublish(ctx, path, nil) }()
	select {
	case <-ctx.told:
	case err := <-found:
		t.Fatalf("it didn't wait: %v", err)
	}
	if err := errors.Join(os.Remove(path), lease.Release()); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Error(err)
	}
	b, err := other.Import(t.Context(), write(t, filepath.Join(t.TempDir(), "x"), "whole"))
	if err == nil {
		_, err = other.Publish(t.Context(), b, path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if moved, err := p.moved(t.Context()); !moved || err != nil { // it came and went between two looks
		t.Errorf("published since the record was read: %v, %v", moved, err)
	}
	write(t, path, "the user's")
	var occupied *Occupied
	if err := s.MayPublish(t.Context(), path, nil); !errors.As(err, &occupied) {
		t.Errorf("%v, want that it was changed", err)
	}
}

func TestSomeOf(t *testing.T) {
	for want, names := range map[string][]string{"a": {"a"}, `a\nb, c`: {"a\nb", "c"}, "a, b, c and 2 more": {"a", "b", "c", "d", "e"}} {
		if got := someOf(names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
