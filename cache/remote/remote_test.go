package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/cache"
)

const key = "the key"

// made is a store that holds one entry, with a file and a folder.
func made(t *testing.T) (*cache.Store, *cache.Entry) {
	t.Helper()
	s := empty(t)
	dir := filepath.Join(t.TempDir(), "out")
	for name, text := range map[string]string{"file": strings.Repeat("content", 3000), "folder/a": strings.Repeat("abc", 1000), "folder/sub/empty": ""} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "folder/none"), 0o755), os.Chmod(filepath.Join(dir, "folder/a"), 0o755)); err != nil {
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

func empty(t *testing.T) *cache.Store {
	t.Helper()
	s, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func bucket(t *testing.T) (Bucket, string) {
	t.Helper()
	dir := t.TempDir()
	return Folder(dir), dir
}

func sent(t *testing.T) (Bucket, string, *cache.Entry) {
	t.Helper()
	s, e := made(t)
	b, dir := bucket(t)
	if err := mustNew(t, s, b, Options{}).Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return b, dir, e
}

// TestTeammate fetches in another store what the first one sent.
func TestTeammate(t *testing.T) {
	b, _, e := sent(t)
	s := empty(t)
	got, err := mustNew(t, s, b, Options{}).Fetch(t.Context(), e.Action)
	if err != nil {
		t.Fatal(err)
	}
	for port, want := range e.Outputs {
		if _, err := s.Path(t.Context(), got.Outputs[port]); err != nil || got.Outputs[port] != want {
			t.Errorf("%s: %+v, want %+v: %v", port, got.Outputs[port], want, err)
		}
	}
	if _, err := s.Get(t.Context(), e.Action); err != nil {
		t.Errorf("the entry isn't in the local index: %v", err)
	}
}

// TestDamageIsAMiss changes every object of the bucket in turn.
func TestDamageIsAMiss(t *testing.T) {
	_, dir, _ := sent(t)
	for _, name := range objects(t, dir) {
		for how, damage := range map[string]func([]byte) []byte{
			"cut":     func(b []byte) []byte { return b[:len(b)/2] },
			"flipped": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"foreign": func([]byte) []byte { return []byte("{}") },
			"empty":   func([]byte) []byte { return nil },
		} {
			t.Run(strings.Split(name, string(filepath.Separator))[1]+"/"+how, func(t *testing.T) { damaged(t, how, damage, name) })
		}
	}
}

// TestPartialEntryIsAMiss removes a blob that an entry names.
func TestPartialEntryIsAMiss(t *testing.T) {
	b, _, e := sent(t)
	if err := b.Delete(t.Context(), blobName(e.Outputs["folder"])); err != nil {
		t.Fatal(err)
	}
	said := 0
	_, err := mustNew(t, empty(t), b, Options{Report: func(string) { said++ }}).Fetch(t.Context(), e.Action)
	var miss *cache.Miss
	if !errors.As(err, &miss) || said != 1 {
		t.Errorf("%v, want a miss; said %d times, want once", err, said)
	}
}

func damaged(t *testing.T, how string, damage func([]byte) []byte, name string) {
	b, dir, e := sent(t)
	path := filepath.Join(dir, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, damage(content), 0o644); err != nil {
		t.Fatal(err)
	}
	s := empty(t)
	var said []string
	_, err = mustNew(t, s, b, Options{Report: func(text string) { said = append(said, text) }}).Fetch(t.Context(), e.Action)
	var miss *cache.Miss
	if !errors.As(err, &miss) {
		t.Errorf("%s: %v, want a miss", how, err)
	}
	if len(said) == 0 {
		t.Errorf("%s: nothing was reported", how)
	}
}

// objects lists the bucket's files.
func objects(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, rerr := filepath.Rel(dir, p)
			out, err = append(out, name), rerr
		}
		return err
	})
	if err != nil || len(out) != 3 {
		t.Fatalf("%d objects, want an entry, a file and a folder: %v, %v", len(out), out, err)
	}
	return out
}

// TestAbsentIsAQuietMiss: what nobody sent yet is no fault of the bucket's.
func TestAbsentIsAQuietMiss(t *testing.T) {
	b, _ := bucket(t)
	r := mustNew(t, empty(t), b, Options{Report: func(text string) { t.Errorf("reported: %s", text) }})
	_, err := r.Fetch(t.Context(), cache.Sum([]byte(key)))
	var miss *cache.Miss
	if !errors.As(err, &miss) || r.Offline() {
		t.Errorf("%v, offline %v", err, r.Offline())
	}
}

// TestFailingBucketIsLeftAlone: it is said once, then nothing is asked any more; sending is given up quietly.
func TestFailingBucketIsLeftAlone(t *testing.T) {
	b, _, e := sent(t)
	b.Close()
	said := 0
	s, _ := made(t)
	r := mustNew(t, s, b, Options{Report: func(string) { said++ }})
	for range 3 {
		var miss *cache.Miss
		if _, err := r.Fetch(t.Context(), e.Action); !errors.As(err, &miss) {
			t.Errorf("%v, want a miss", err)
		}
	}
	if err := r.Send(t.Context(), e); err != nil || said != 1 || !r.Offline() {
		t.Errorf("send: %v; said %d times, offline %v", err, said, r.Offline())
	}
}

// TestReadOnlySendsNothing, and a cancelled fetch doesn't blame the bucket.
func TestReadOnlySendsNothing(t *testing.T) {
	s, e := made(t)
	b, dir := bucket(t)
	r := mustNew(t, s, b, Options{ReadOnly: true})
	if err := r.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d objects, %v", len(left), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Fetch(ctx, e.Action); !errors.Is(err, context.Canceled) && r.Offline() {
		t.Errorf("%v, offline %v", err, r.Offline())
	}
}

func mustNew(t *testing.T, s *cache.Store, b Bucket, o Options) *Remote {
	t.Helper()
	r, err := New(s, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
