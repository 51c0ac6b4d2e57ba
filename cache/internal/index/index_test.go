package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func newIndex(t testing.TB, dir string, readOnly bool) *Index {
	t.Helper()
	x := New(dir, readOnly)
	t.Cleanup(func() { x.Close() })
	return x
}

func set(t testing.TB, x *Index, key, value string) {
	t.Helper()
	if err := x.Update(t.Context(), func(txn *Txn) error { return txn.Set([]byte(key), []byte(value)) }); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, x *Index, key string) (value string, err error) {
	t.Helper()
	err = x.View(t.Context(), func(txn *Txn) error {
		b, err := txn.Get([]byte(key))
		value = string(b)
		return err
	})
	return value, err
}

// filled is the folder of an index that holds "v" under "k".
func filled(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	x := newIndex(t, dir, false)
	set(t, x, "k", "v")
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The place for the copy that a reader needs is named where it is at fault.
func TestNoPlaceForACopy(t *testing.T) {
	x := newIndex(t, filled(t), true)
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	t.Setenv("TMP", missing) // Windows
	if err := x.openCopy(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing+" (TMPDIR)") {
		t.Errorf("%v", err)
	}
}

// A file in the index's place is set aside, as a damaged index is.
func TestFileInPlaceOfTheIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	if err := os.WriteFile(dir, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := newIndex(t, dir, false)
	set(t, x, "k", "v")
	if v, err := get(t, x, "k"); err != nil || v != "v" {
		t.Errorf("%q, %v", v, err)
	}
	aside := x.SetAside()
	if len(aside) != 1 {
		t.Fatalf("set aside: %v", aside)
	}
	if text, err := os.ReadFile(aside[0]); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
}

func wantValue(t testing.TB, x *Index) {
	t.Helper()
	if v, err := get(t, x, "k"); err != nil || v != "v" {
		t.Errorf("%q, %v", v, err)
	}
	if aside := x.SetAside(); len(aside) > 0 {
		t.Errorf("the index was set aside: %v", aside)
	}
}

// What isn't there is ErrNone or ErrNotFound, and reading it makes nothing.
func TestAbsent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	if _, err := get(t, newIndex(t, dir, true), "k"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made the folder: %v", err)
	}
	if _, err := get(t, newIndex(t, filled(t), true), "other"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// A writer opens the index while a reader has it open: that one is idle, and closes it.
func TestWriterWaitsForReaders(t *testing.T) {
	dir := filled(t)
	wantValue(t, newIndex(t, dir, true))
	wantValue(t, newIndex(t, dir, false))
}

// A value under another key is no value of that key.
func TestMovedValue(t *testing.T) {
	stored := withChecksum([]byte("k"), []byte("v"))
	if _, ok := (&Txn{}).splitChecksum([]byte("K"), stored); ok {
		t.Error("it is taken for the other's")
	}
	if v, ok := (&Txn{}).splitChecksum([]byte("k"), stored); !ok || string(v) != "v" {
		t.Errorf("%q, %v", v, ok)
	}
}

// What a process leaves that was killed between making a log and giving it its size: nothing of the index is lost by that, to
// readers neither.
func TestLogsThatWereNotBegun(t *testing.T) {
	for _, names := range [][]string{{"000009.vlog"}, {"00009.mem"}, {"000009.vlog", "00009.mem", "00010.mem"}} {
		for _, readOnly := range []bool{false, true} {
			t.Run(fmt.Sprint(names, readOnly), func(t *testing.T) {
				dir := filled(t)
				for _, n := range names {
					if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				wantValue(t, newIndex(t, dir, readOnly))
			})
		}
	}
}

// A table that a killed process had not finished is none of the index's: what was committed before stays.
func TestUnfinishedTableIsNoDamage(t *testing.T) {
	dir := filled(t)
	if err := os.WriteFile(filepath.Join(dir, "999999.sst"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		wantValue(t, newIndex(t, dir, readOnly))
	}
}

// An index that may be written, and is only read, makes and changes no file, and keeps nobody out.
func TestReadingOpensNothingForWriting(t *testing.T) {
	dir := filled(t)
	state := func() (out []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(e.Name(), info.Size(), info.ModTime().UnixNano()))
		}
		return out
	}
	before := state()
	a, b := newIndex(t, dir, false), newIndex(t, dir, false)
	err := a.View(t.Context(), func(*Txn) error {
		wantValue(t, b) // while a has it open
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, a)
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if after := state(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the folder is %q, was %q", after, before)
	}
}

// A writer gets its turn, however many read meanwhile.
func TestAWriterGetsByReaders(t *testing.T) {
	x := newIndex(t, filled(t), false)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	begun := make(chan struct{}, 8)
	for range 8 {
		readers.Go(func() {
			for first := true; ; first = false {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := get(t, x, "k"); err != nil {
					t.Error(err)
					return
				}
				if first {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-begun
	}
	set(t, x, "more", "w")
	close(stop)
	readers.Wait()
	if v, err := get(t, x, "more"); err != nil || v != "w" {
		t.Errorf("%q, %v", v, err)
	}
	wantValue(t, x)
}

// A reader leaves a table where it is that a damaged manifest doesn't list any more.
func TestReaderRemovesNoTable(t *testing.T) {
	dir := filled(t)
	if err := os.Truncate(filepath.Join(dir, "MANIFEST"), 16); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadDir(dir)
	if _, err := get(t, newIndex(t, dir, true), "k"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if after, _ := os.ReadDir(dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("a reader has made %v of %v", after, before)
	}
}
