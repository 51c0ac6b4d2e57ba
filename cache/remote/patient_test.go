//go:build unix

package remote

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"rein/cache"
)

// A folder that hangs, as one of a network does whose server is gone, is waited for no longer than the timeout, and not at all after
// an interrupt.
func TestFolderThatHangs(t *testing.T) {
	dir := t.TempDir()
	action := cache.Sum([]byte("key"))
	pipe := filepath.Join(dir, filepath.FromSlash(entryName(action)))
	if err := os.MkdirAll(filepath.Dir(pipe), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil { // which nobody opens for writing: opening it blocks
		t.Skip(err)
	}
	store, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := New(store, Folder(dir), Options{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var miss *cache.Miss
	if _, err := r.Fetch(t.Context(), action); !errors.As(err, &miss) || !r.Offline() {
		t.Errorf("%v, offline: %v", err, r.Offline())
	}
	r, err = New(store, Folder(dir), Options{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Fetch(ctx, action); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A listing that finds nothing for long ends with an error, and at once when its caller gives up.
func TestListingThatHangs(t *testing.T) {
	store, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := New(store, silent{Folder(t.TempDir())}, Options{Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.PlanPrune(t.Context(), Rules{}, time.Now()); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.PlanPrune(ctx, Rules{}, time.Now()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// silent is a bucket whose listing has no answer.
type silent struct{ Bucket }

func (silent) List(ctx context.Context, _ string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		<-ctx.Done()
		yield(Item{}, ctx.Err())
	}
}
