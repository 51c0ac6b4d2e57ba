package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rein/cache/internal/index"
)

// soundIndex is a state folder with entries and large memo values, closed.
func soundIndex(t *testing.T) (dir string, e *Entry) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Options{})
	e = &Entry{Action: Sum([]byte("a")), Type: "t", Key: "k", Outputs: map[string]Blob{"o": {Size: 3}}}
	for i := range 50 {
		if err := s.Put(t.Context(), &Entry{Action: Sum([]byte{byte(i)}), Type: "t", Key: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Put(t.Context(), e), s.PutMany(t.Context(), []Digest{{1}}, [][]byte{make([]byte, 100<<10)}), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, e
}

// Whatever byte of the index is another: no question and no run ends in a panic or with another answer; what is read is what was
// written, or a miss, or an error that says that the index is damaged; and the next writer goes on.
func TestFlippedBytesOfTheIndex(t *testing.T) {
	dir, e := soundIndex(t)
	files, err := os.ReadDir(filepath.Join(dir, indexDir))
	if err != nil {
		t.Fatal(err)
	}
	flipped := map[string]int{}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Size() == 0 {
			continue
		}
		for _, at := range offsets(int(min(info.Size(), 16<<10))) {
			flipped[filepath.Ext(f.Name())]++
			flipOne(t, dir, f.Name(), at, e)
		}
	}
	if flipped[".sst"] == 0 || flipped[".vlog"] == 0 || flipped[""] == 0 {
		t.Errorf("flipped %v", flipped)
	}
}

// offsets are some of a file's, all of its end and its beginning.
func offsets(size int) (out []int) {
	step := max(size/16, 1)
	for at := 0; at < size; at++ {
		if at%step == 0 || at >= size-12 {
			out = append(out, at)
		}
	}
	return out
}

func flipOne(t *testing.T, sound, name string, at int, e *Entry) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	folder := filepath.Join(dir, indexDir)
	if err := errors.Join(os.CopyFS(folder, os.DirFS(filepath.Join(sound, indexDir))), os.WriteFile(filepath.Join(dir, formatFile), []byte(format), 0o644)); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(folder, name), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, int64(at))
	b[0] ^= 0x5a
	_, werr := f.WriteAt(b, int64(at))
	if err := errors.Join(err, werr, f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		s, err := Open(dir, Options{ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), e.Action)
		var miss *Miss
		var broken *index.Damage
		switch {
		case err == nil && fmt.Sprint(*got) == fmt.Sprint(*e), errors.As(err, &miss), readOnly && errors.As(err, &broken):
		default:
			t.Errorf("%s, byte %d, reading %v: %v, %v", name, at, readOnly, got, err)
		}
		if readOnly && broken != nil {
			if problems, err := s.Verify(t.Context(), false, nil); err != nil || len(problems) == 0 {
				t.Errorf("%s, byte %d: verify says %v, %v of a damaged index", name, at, problems, err)
			}
		}
		if !readOnly {
			if err := s.Put(t.Context(), e); err != nil {
				t.Errorf("%s, byte %d: %v", name, at, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s, byte %d: closing: %v", name, at, err)
		}
	}
}
