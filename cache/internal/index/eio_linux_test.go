package index

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A disk that can't be read is the machine's fault: whichever file it is, the index is left alone, and is whole afterwards. The start
// of /proc/self/mem stands for a bad sector: nothing is mapped there, and reading it gives EIO.
func TestInputOutputError(t *testing.T) {
	const bad = "/proc/self/mem"
	if _, err := os.ReadFile(bad); !errors.Is(err, syscall.EIO) {
		t.Skipf("reading %s gives %v here, and no EIO", bad, err)
	}
	for _, killed := range []bool{false, true} {
		sound := soundIndex(t, killed)
		files, err := os.ReadDir(sound)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Name() == "LOCK" || f.Name() == "DISCARD" { // written before they are read
				continue
			}
			dir := filepath.Join(t.TempDir(), "index")
			at, kept := filepath.Join(dir, f.Name()), filepath.Join(t.TempDir(), "kept")
			if err := errors.Join(os.Mkdir(dir, 0o755), copyFolder(sound, dir), os.Rename(at, kept), os.Symlink(bad, at)); err != nil {
				t.Fatal(err)
			}
			for _, readOnly := range []bool{true, false} {
				x := New(dir, readOnly)
				if v, err := get(t, x, "key 1"); !Outside(err) && v != "value 1" {
					t.Errorf("%s, reading %v: %q, %v, want an input/output error", f.Name(), readOnly, v, err)
				}
				if err := x.Close(); err != nil && !Outside(err) {
					t.Errorf("%s: %v", f.Name(), err)
				}
				if aside := x.SetAside(); len(aside) > 0 {
					t.Fatalf("%s: the index was set aside: %v", f.Name(), aside)
				}
			}
			if err := errors.Join(os.Remove(at), os.Rename(kept, at)); err != nil {
				t.Fatal(err)
			}
			if v, err := get(t, newIndex(t, dir, true), "key 1"); err != nil || v != "value 1" {
				t.Errorf("%s: the sound index has %q, %v", f.Name(), v, err)
			}
		}
	}
}
