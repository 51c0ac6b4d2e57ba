package enginetest

import (
	"context"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// Await waits until something is so that other processes bring about by writing to the files of a folder. It asks again whenever one of
// them has changed.
func Await(t testing.TB, dir string, so func() bool) {
	t.Helper()
	if err := AwaitIn(t.Context(), dir, so); err != nil {
		t.Error(err)
	}
}

// AwaitIn is Await for a process that runs no test, such as a step's.
func AwaitIn(ctx context.Context, dir string, so func() bool) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		return err
	}
	for !so() {
		select {
		case <-w.Events:
		case err := <-w.Errors:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
