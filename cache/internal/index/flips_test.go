package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
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

// A table may decay after it was checked, without a trace: a reader then looks at its end alone. What it reads is what was written all the
// same, or absent; no byte ends the process; and before somebody writes, the damage is found.
func TestFlippedBytesOfCheckedTables(t *testing.T) {
	sound := soundIndex(t, false)
	tables, err := filepath.Glob(filepath.Join(sound, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, path := range tables {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range offsets(b) {
			flipAs(t, sound, filepath.Base(path), at, func(dir string) {
				kept := checks{path: dir + ".checked", known: map[string]stamp{}, fresh: true}
				there := map[string]bool{}
				for _, path := range tables {
					name := filepath.Base(path)
					info, err := os.Stat(filepath.Join(dir, name))
					if err != nil {
						t.Fatal(err)
					}
					st, ok := stampOf(info, time.Now())
					if !ok {
						t.Skip("the system doesn't tell when a file was changed")
					}
					kept.known[name], there[name] = st, true
				}
				kept.write(there)
			})
		}
	}
}

// The check of a table counts for a file that nobody has touched since, and for a while.
func TestACheckCounts(t *testing.T) {
	now := time.Now()
	was := stamp{Size: 1, Mtime: 2, Ctime: 3, Inode: 4, At: now}
	for name, change := range map[string]func(*stamp){
		"size": func(s *stamp) { s.Size++ }, "modified": func(s *stamp) { s.Mtime++ }, "changed": func(s *stamp) { s.Ctime++ }, "another file": func(s *stamp) { s.Inode++ },
		"old": func(s *stamp) { s.At = now.Add(2 * checkAge) }, "from the future": func(s *stamp) { s.At = now.Add(-time.Hour) },
	} {
		is := was
		is.At = now.Add(checkAge - time.Minute)
		if !was.counts(is, "000123.sst") {
			t.Error("the check of an untouched file doesn't count")
		}
		if change(&is); was.counts(is, "000123.sst") {
			t.Errorf("%s: it counts all the same", name)
		}
	}
	c := checks{oldEnough: oldEnough, known: map[string]stamp{}}
	if c.add("young", stamp{Ctime: now.UnixNano(), At: now.Add(time.Millisecond)}); len(c.known) > 0 {
		t.Error("a file is trusted that was changed a moment ago")
	}
	if c.add("old", stamp{Ctime: now.UnixNano(), At: now.Add(time.Minute)}); len(c.known) != 1 {
		t.Error("the check of an old file isn't kept")
	}
}

// Who may write keeps the checks of what it read, and a reader goes by them; a reader by itself leaves no trace.
func TestChecksAreKept(t *testing.T) {
	dir := soundIndex(t, false)
	checked := dir + ".checked"
	read := func(readOnly bool) {
		t.Helper()
		x := New(dir, readOnly)
		defer x.Close()
		x.tables.kept.oldEnough = -time.Hour // as if the files were older
		readMany(t, "", x, false)
	}
	read(true)
	if _, err := os.Stat(checked); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a reader has left %s: %v", checked, err)
	}
	read(false)
	var c checks
	c.path = checked
	if c.read(); runtime.GOOS != "windows" && len(c.known) == 0 {
		t.Fatal("nothing is kept")
	}
	for _, text := range []string{"", "null", "{", `{"000001.sst":{"size":"x"}}`} {
		if err := os.WriteFile(checked, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		read(true)
		read(false)
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
	flipAs(t, sound, name, at, nil)
}

// flipAs is flip of what after has made look as if it had been checked.
func flipAs(t *testing.T, sound, name string, at int, after func(dir string)) {
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
	if after != nil {
		after(dir)
		torn = true
	}
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
