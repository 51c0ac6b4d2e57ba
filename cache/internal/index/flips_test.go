package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// flipAll tries every offset of every file; without it some of each file are tried.
var flipAll = os.Getenv("REIN_FLIP_ALL") != ""

// many are keys and values, the last ones large enough for the value log.
func many() map[string][]byte {
	out := map[string][]byte{}
	for i := range 40 {
		out[fmt.Sprint("key ", i)] = fmt.Append(nil, "value ", i)
	}
	for i := range 3 {
		out[fmt.Sprint("large ", i)] = bytes.Repeat([]byte{byte('a' + i)}, 70<<10)
	}
	return out
}

// soundIndex is the folder of an index that holds many: closed, or as a killed process leaves it.
func soundIndex(t *testing.T, killed bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	x := newIndex(t, dir, false)
	for k, v := range many() {
		set(t, x, k, string(v))
	}
	if !killed {
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	left := filepath.Join(t.TempDir(), "index")
	if err := errors.Join(os.Mkdir(left, 0o755), copyFolder(dir, left)); err != nil {
		t.Fatal(err)
	}
	return left
}

// Whatever byte of whatever file of the index is another: a value that is read is the one that was written; a reader is told of
// damage, and leaves no trace; a writer goes on. Only what the log of a killed process holds may be absent without a word: it ends
// where it can't be read, as it does after a power cut.
func TestFlippedBytes(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed=%v", killed), func(t *testing.T) {
			sound := soundIndex(t, killed)
			files, err := os.ReadDir(sound)
			if err != nil {
				t.Fatal(err)
			}
			flipped := map[string]int{}
			for _, f := range files {
				b, err := os.ReadFile(filepath.Join(sound, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				kind := filepath.Ext(f.Name())
				for _, at := range offsets(b) {
					flipped[kind]++
					flip(t, sound, f.Name(), at)
				}
			}
			t.Logf("flipped, by kind of file: %v", flipped)
			if flipped[".sst"]+flipped[".mem"] == 0 || flipped[".vlog"] == 0 || flipped[""] == 0 {
				t.Error("a kind of file is missing")
			}
		})
	}
}

// A value in a log begins with the lengths of its key and itself. Badger keeps its lock where they are too long, and can't be closed.
func TestFlippedLengthsOfAValue(t *testing.T) {
	sound := soundIndex(t, false)
	logs, err := filepath.Glob(filepath.Join(sound, "*.vlog"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	const head, lengths = 20, 14 // bytes of the file's own; two of meta, a varint for either length, and one for the expiry
	for at := head; at < head+lengths; at++ {
		flip(t, sound, filepath.Base(logs[0]), at)
	}
}

// A record of the manifest begins with its length. Badger takes a record that ends behind the file for one that a killed process left,
// and goes on without what it and all records behind it list. Only some files are short enough for that, and long enough for the length
// to be believed.
func TestFlippedLengthsOfTheManifest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		x := newIndex(t, dir, false)
		for k, v := range many() {
			set(t, x, k, string(v))
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		manifest, err := os.ReadFile(filepath.Join(dir, "MANIFEST"))
		if err != nil {
			t.Fatal(err)
		}
		const header, head = 8, 8 // bytes: of the file, of a record
		for at := header; at < len(manifest); {
			flip(t, dir, "MANIFEST", at+3)
			at += head + int(binary.BigEndian.Uint32(manifest[at:]))
		}
	}
}

// offsets are those of a file to flip: where something is written, and a few of the zeros behind it.
func offsets(b []byte) (out []int) {
	written := len(bytes.TrimRight(b, "\x00"))
	run := 0 // of equal bytes: those of a large value are all alike
	for at := range written {
		if run++; at == 0 || b[at] != b[at-1] {
			run = 0
		}
		if run < 64 {
			out = append(out, at)
		}
	}
	if !flipAll {
		const most, ends = 16, 12 // the ends hold what the rest is found by
		step, all := max(len(out)/most, 1), out
		out = nil
		for i, at := range all {
			if i%step == 0 || i >= len(all)-ends {
				out = append(out, at)
			}
		}
	}
	for _, at := range []int{written, (written + len(b)) / 2, len(b) - 1} {
		if at >= written && at < len(b) {
			out = append(out, at)
		}
	}
	return out
}

func flip(t *testing.T, sound, name string, at int) {
	t.Helper()
	root, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	dir := filepath.Join(root, "index")
	if err := errors.Join(os.Mkdir(dir, 0o755), copyFolder(sound, dir)); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
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
	what := fmt.Sprintf("%s, byte %d", name, at)
	torn := filepath.Ext(name) == ".mem" || filepath.Ext(name) == ".vlog" // a log that may end anywhere
	reader := New(dir, true)
	told := readMany(t, what+", reading", reader, torn)
	if err := reader.Close(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	writer := New(dir, false)
	readMany(t, what+", writing", writer, torn || told)
	set(t, writer, "new", "value")
	if v, err := get(t, writer, "new"); err != nil || v != "value" {
		t.Errorf("%s: what was written reads as %q, %v", what, v, err)
	}
	if err := writer.Close(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// readMany reads all that was written; told is whether the index was said to be damaged. lost allows that something is absent.
func readMany(t *testing.T, what string, x *Index, lost bool) (told bool) {
	t.Helper()
	for k, want := range many() {
		v, err := get(t, x, k)
		var damage *Damage
		var bad *BadValue
		switch {
		case errors.As(err, &damage):
			return true
		case err == nil && v == string(want), errors.As(err, &bad), lost && errors.Is(err, ErrNotFound):
		default:
			t.Errorf("%s: %q is %.40q, %v", what, k, v, err)
			return false
		}
	}
	return false
}
