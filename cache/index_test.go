package cache

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// TestWriterWaitsForReaders opens the index to write while a reader has it open.
func TestWriterWaitsForReaders(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	action := Sum([]byte("k"))
	w := open(t, dir, Options{})
	if err := errors.Join(w.Put(ctx, &Entry{Action: action}), w.Close()); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir, Options{ReadOnly: true})
	if _, err := r.Get(ctx, action); err != nil {
		t.Fatal(err)
	}
	w = open(t, dir, Options{}) // r's Badger is still open: it is idle
	if _, err := w.Get(ctx, action); err != nil {
		t.Error(err)
	}
	if aside := w.SetAside(); len(aside) > 0 {
		t.Errorf("the index was set aside: %v", aside)
	}
}

// TestLogsThatWereNotBegun has what a process leaves that was killed between making a log and giving it its size: nothing of the
// index is lost by that, to readers neither.
func TestLogsThatWereNotBegun(t *testing.T) {
	for _, names := range [][]string{{"000009.vlog"}, {"00009.mem"}, {"000009.vlog", "00009.mem", "00010.mem"}} {
		for _, readOnly := range []bool{false, true} {
			t.Run(fmt.Sprint(names, readOnly), func(t *testing.T) {
				dir := t.TempDir()
				action := Sum([]byte("k"))
				s := open(t, dir, Options{})
				if err := errors.Join(s.Put(t.Context(), &Entry{Action: action}), s.Close()); err != nil {
					t.Fatal(err)
				}
				for _, n := range names {
					write(t, filepath.Join(dir, indexDir, n), "")
				}
				s = open(t, dir, Options{ReadOnly: readOnly})
				if _, err := s.Get(t.Context(), action); err != nil {
					t.Error(err)
				}
				if aside := s.SetAside(); len(aside) > 0 {
					t.Errorf("the index was set aside: %v", aside)
				}
			})
		}
	}
}
