package enginetest

import (
	"testing"

	"github.com/fsnotify/fsnotify"
)

// Await waits until something is so that other processes bring about by writing to the files of a folder. It asks again whenever one of
// them has changed.
func Await(t testing.TB, dir string, so func() bool) {
	t.Helper()
	w, err := fsnotify.NewWatcher()
	if err == nil {
		defer w.Close()
		err = w.Add(dir)
	}
	for err == nil && !so() {
		select {
		case <-w.Events:
		case err = <-w.Errors:
		}
	}
	if err != nil {
		t.Error(err)
	}
}
