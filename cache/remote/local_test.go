package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// noise is content that doesn't compress.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}

// A folder with links has the content of what they lead to: an output of a step's, and an input of the user's that a node fetches.
func TestLinksAreFollowed(t *testing.T) {
	for name, size := range map[string]int{"in one": 20_000, "in parts": partSize + 5} {
		t.Run(name, func(t *testing.T) {
			s, theirs := empty(t), empty(t)
			b, _ := bucket(t)
			mine, fetcher := mustNew(t, s, b, Options{}), mustNew(t, theirs, b, Options{})
			for _, stored := range []bool{false, true} {
				root := t.TempDir()
				folder := filepath.Join(root, "folder")
				err := errors.Join(os.MkdirAll(filepath.Join(root, "user", "sub"), 0o755), os.WriteFile(filepath.Join(root, "user", "sub", "run"), noise(size), 0o755),
					os.Mkdir(folder, 0o700), os.Symlink("../user/sub/run", filepath.Join(folder, "file")), os.Symlink("../user", filepath.Join(folder, "all")))
				if err != nil {
					t.Skip(err)
				}
				want, err := cache.HashPath(t.Context(), folder)
				if err != nil {
					t.Fatal(err)
				}
				if stored {
					got, aerr := s.Adopt(t.Context(), folder)
					if aerr != nil || got != want {
						t.Fatalf("%v, %v, want %v", got, aerr, want)
					}
					err = mine.SendBlob(t.Context(), want)
				} else {
					err = mine.SendPath(t.Context(), want, folder)
				}
				if err == nil {
					err = fetcher.FetchBlob(t.Context(), want)
				}
				if err != nil {
					t.Fatal(err)
				}
				path, err := theirs.Path(t.Context(), want)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range []string{"file", "all/sub/run"} {
					if got, err := os.ReadFile(filepath.Join(path, f)); err != nil || !bytes.Equal(got, noise(size)) {
						t.Errorf("%s: %d bytes, %v", f, len(got), err)
					}
				}
			}
		})
	}
}

// What this machine can't read, write or hold is its own trouble: the bucket is used for all that follows.
func TestLocalTroubleIsNotTheBuckets(t *testing.T) {
	s, e := long(t)
	_, small := made(t)
	b, _ := bucket(t)
	var said []string
	report := func(text string) { said = append(said, text) }
	r := mustNew(t, s, b, Options{Report: report})
	for _, of := range []*cache.Entry{e, small} {
		for port, b := range of.Outputs {
			if err := r.SendPath(t.Context(), b, filepath.Join(t.TempDir(), "gone")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, want that it is gone", port, err)
			}
		}
	}
	if r.Offline() || len(said) > 0 {
		t.Fatalf("the bucket was given up: %q", said)
	}
	if err := r.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	theirs := empty(t)
	f := mustNew(t, theirs, b, Options{Report: report})
	if err := os.WriteFile(theirs.Partial(), nil, 0o644); err != nil { // where a folder has to be
		t.Fatal(err)
	}
	var miss *cache.Miss
	if _, err := f.Fetch(t.Context(), e.Action); err == nil || errors.As(err, &miss) || f.Offline() || len(said) > 0 {
		t.Fatalf("%v, offline %v, said %q", err, f.Offline(), said)
	}
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	err := f.unpackInto(t.Context(), e.Outputs["folder"], func(string) error { return full })
	if err := f.lost(t.Context(), "blob", e.Action, "x", err); !errors.Is(err, full) || f.Offline() || len(said) > 0 {
		t.Errorf("%v, offline %v, said %q", err, f.Offline(), said)
	}
	if err := os.Remove(theirs.Partial()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context(), e.Action); err != nil {
		t.Error(err)
	}
}

// A result that can't be read is left out, with the reason; those behind it are sent.
func TestBehindPassesOverWhatCannotBeRead(t *testing.T) {
	s, e := made(t)
	other := &cache.Entry{Action: cache.Sum([]byte("other")), Key: "other", Pipeline: "p", Step: "s", Outputs: map[string]cache.Blob{"out": {Digest: cache.Sum(nil), Size: 99}}}
	b, dir := bucket(t)
	var said []string
	r := mustNew(t, s, b, Options{Report: func(text string) { said = append(said, text) }})
	q := r.Behind(t.Context())
	q.Send(t.Context(), other)
	q.Send(t.Context(), e)
	if lost := q.Drain(); lost != 1 || len(said) != 1 || !strings.Contains(said[0], "p/s") || r.Offline() {
		t.Errorf("%d lost, offline %v, said %q", lost, r.Offline(), said)
	}
	objects(t, dir)
}

// Content that is no longer what it was when it was hashed isn't sent under its name.
func TestChangedContentIsNotSent(t *testing.T) {
	_, e := long(t)
	_, small := made(t)
	b, dir := bucket(t)
	r := mustNew(t, empty(t), b, Options{})
	for _, blob := range []cache.Blob{e.Outputs["file"], small.Outputs["file"]} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, noise(int(blob.Size))[1:], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := r.SendPath(t.Context(), blob, path); !errors.Is(err, errChanged) || r.Offline() {
			t.Errorf("%v", err)
		}
	}
	for _, kind := range []string{"file", "list"} {
		if there, _ := filepath.Glob(filepath.Join(dir, layout, kind, "*")); len(there) > 0 {
			t.Errorf("there is %q", there)
		}
	}
}

// A small result is one object; content in it that isn't what the entry says is a miss.
func TestSmallOutputsAreInTheEntry(t *testing.T) {
	s := empty(t)
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("small"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := s.Adopt(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	e := &cache.Entry{Action: cache.Sum([]byte(key)), Key: key, Outputs: map[string]cache.Blob{"out": out}}
	b, _ := bucket(t)
	r := mustNew(t, s, b, Options{})
	if err := r.Send(t.Context(), e); err != nil || r.Counts().Requests != 1 {
		t.Fatalf("%v, %d requests, want one", err, r.Counts().Requests)
	}
	theirs := empty(t)
	f := mustNew(t, theirs, b, Options{})
	if _, err := f.Fetch(t.Context(), e.Action); err != nil || !theirs.Has(out) || f.Counts().Requests != 1 {
		t.Fatalf("%v, there: %v, %d requests, want one", err, theirs.Has(out), f.Counts().Requests)
	}
	wrong, err := json.Marshal(object{*e, map[string][]byte{"out": []byte("Small")}})
	if err == nil {
		err = r.put(t.Context(), entryName(e.Action), sealed(wrong))
	}
	if err != nil {
		t.Fatal(err)
	}
	said, third := 0, empty(t)
	var miss *cache.Miss
	if _, err := mustNew(t, third, b, Options{Report: func(string) { said++ }}).Fetch(t.Context(), e.Action); !errors.As(err, &miss) || said != 1 || third.Has(out) {
		t.Errorf("%v, said %d times", err, said)
	}
}

// Two results with the same long output send and fetch it once.
func TestLongBlobGoesOnce(t *testing.T) {
	s, e := long(t)
	b, _ := bucket(t)
	theirs := empty(t)
	sender, fetcher := mustNew(t, s, b, Options{}), mustNew(t, theirs, b, Options{})
	for _, do := range []func() error{
		func() error { return sender.SendBlob(t.Context(), e.Outputs["file"]) },
		func() error { return fetcher.FetchBlob(t.Context(), e.Outputs["file"]) },
	} {
		var g errgroup.Group
		for range 8 {
			g.Go(do)
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}
	parts := (e.Outputs["file"].Size + partSize - 1) / partSize
	if n := fetcher.Counts().Requests; n != parts+1 {
		t.Errorf("%d requests, want %d parts and a list", n, parts)
	}
	if n, most := sender.Counts().BytesSent, parts*(partSize+1000); n > most {
		t.Errorf("%d bytes were sent, of %d", n, most)
	}
}

// Frames hold what was put in, whether it is worth compressing or not.
func TestFrames(t *testing.T) {
	r := mustNew(t, empty(t), nil, Options{})
	for _, n := range []int{0, 1, 100, 128<<10 - 1, 128 << 10, 128<<10 + 1, 300_001, partSize} {
		for name, text := range map[string][]byte{"noise": noise(n), "text": bytes.Repeat([]byte("all the same "), n/13+1)[:n]} {
			frame := r.encode(text, nil)
			if got, err := r.dec.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s of %d bytes: %d came back, %v", name, n, len(got), err)
			}
			if len(frame) > n+n/1000+100 || name == "text" && len(frame) > n/10+100 {
				t.Errorf("%s of %d bytes: a frame of %d", name, n, len(frame))
			}
		}
	}
}
