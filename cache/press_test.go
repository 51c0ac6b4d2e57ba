package cache

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// collect presses everything that nothing needs now.
func collect(t *testing.T, s *Store, hot ...Blob) *Collection {
	t.Helper()
	k := Keep{Blobs: map[Digest]bool{}, Hot: map[Digest]bool{}, MaxBytes: 1 << 40}
	blobs, err := s.blobs()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		k.Blobs[b.digest] = true
	}
	for _, b := range hot {
		k.Hot[b.Digest] = true
	}
	c, err := s.PlanGC(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Collect(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// A blob that gets pressed is the same for everybody who needs it, at a fraction of its size; small ones, hot ones and
// those that don't shrink are left alone.
func TestPressedBlobs(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	rows := strings.Repeat("{\"text\":\"the same again\"}\n", 1<<20)[:Chunk+Chunk/2] // of two chunks
	noise := make([]byte, 1<<20)
	for i, d := 0, Sum(nil); i < len(noise); i += copy(noise[i:], d[:]) {
		d = Sum(d[:])
	}
	large, small, random := adopt(t, s, rows), adopt(t, s, "small"), adopt(t, s, string(noise))
	hot := adopt(t, s, "hot"+rows)
	c := collect(t, s, hot)
	if len(c.Press) != 1 || c.Press[0].Digest != large.Digest || c.Saved < large.Size*9/10 {
		t.Fatalf("%+v", c)
	}
	for _, b := range []Blob{small, random, hot} {
		if _, err := os.Stat(s.blobPath(b)); err != nil {
			t.Errorf("%v: %v", b, err)
		}
	}
	if use, err := diskUse(filepath.Dir(s.blobPath(large))); err != nil || use > large.Size/10 {
		t.Errorf("%d bytes on disk, %v", use, err)
	}
	if problems, err := s.Verify(ctx, false, nil); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	before := listing(t, dir)
	r := open(t, dir, Options{ReadOnly: true})
	wantContent(t, r, large, rows)
	if after := listing(t, dir); after != before {
		t.Errorf("reading changed the state folder:\n%s\n%s", before, after)
	}
	outside := r.outside
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(outside); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", outside, err)
	}
	if !s.Has(large) {
		t.Error("it doesn't have what is pressed")
	}
	wantContent(t, s, large, rows)
	if _, err := os.Stat(s.blobPath(large) + pressedExt); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("both are there: %v", err)
	}
}

func wantContent(t *testing.T, s *Store, b Blob, want string) {
	t.Helper()
	path, err := s.Path(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%d bytes of something else, %v", len(got), err)
	}
}

// What is pressed and damaged is a miss, found by use and by verify; nothing takes it for good.
func TestDamagedPressedBlobIsAMiss(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			b := adopt(t, s, strings.Repeat("line\n", 1<<16))
			collect(t, s)
			path := s.blobPath(b) + pressedExt
			old, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, damage(bytes.Clone(old)), 0o644)); err != nil {
				t.Fatal(err)
			}
			if problems, err := s.Verify(t.Context(), false, nil); err != nil || len(problems) != 1 {
				t.Errorf("%v, %v", problems, err)
			}
			_, err = s.Path(t.Context(), b)
			wantMiss(t, err, "damaged")
			if s.Has(b) {
				t.Error("it is still taken for there")
			}
		})
	}
}

// Adopting what is pressed, and importing it, leave one good copy.
func TestAdoptWhatIsPressed(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	text := strings.Repeat("line\n", 1<<16)
	b := adopt(t, s, text)
	collect(t, s)
	if again := adopt(t, s, text); again != b {
		t.Errorf("%v, was %v", again, b)
	}
	wantContent(t, s, b, text)
}

// Old checkpoints, logs, cut transfers, jobs and drafts go, young ones stay, and so do records.
func TestIdleGoes(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	old, young := s.CheckpointPath(Sum([]byte("old"))), s.CheckpointPath(Sum([]byte("young")))
	long := time.Now().Add(-48 * time.Hour)
	for _, dir := range []string{old, young} {
		write(t, filepath.Join(dir, "progress"), "x")
	}
	cut := write(t, filepath.Join(s.Partial(), "cut"), "half")
	job := s.JobPath(Sum([]byte("old")))
	order := write(t, filepath.Join(job, "order.json"), "{}")
	draft := write(t, filepath.Join(s.dir, runsDir, tmpFile+"1"), "ha")
	record := write(t, filepath.Join(s.dir, publishedDir, "1.json"), "{}")
	fresh := write(t, filepath.Join(s.dir, publishedDir, tmpFile+"2"), "ha")
	if err := errors.Join(os.Chtimes(draft, long, long), os.Chtimes(record, long, long), os.Chtimes(order, long, long), os.Chtimes(job, long, long), os.Chtimes(filepath.Join(old, "progress"), long, long), os.Chtimes(old, long, long), os.Chtimes(cut, long, long)); err != nil {
		t.Fatal(err)
	}
	c, err := s.PlanGC(context.Background(), Keep{MaxIdle: 24 * time.Hour})
	if err != nil || len(c.Idle) != 4 || c.Idle[0].Name != checkpointDir+"/"+filepath.Base(old) || c.IdleBytes == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := s.Collect(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{old, cut, job, draft} {
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is still there: %v", err)
		}
	}
	for _, stays := range []string{young, record, fresh} {
		if _, err := os.Stat(stays); err != nil {
			t.Error(err)
		}
	}
}
