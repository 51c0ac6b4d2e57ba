package bundle

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"whole":                    {func(string) error { return nil }, ""},
		"a note beside":            {func(dir string) error { return os.WriteFile(filepath.Join(dir, "note"), nil, 0o644) }, ""},
		"a part that isn't listed": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "a", "model.onnx"), nil, 0o644) }, "a/model.onnx"},
		"never packed":             {func(dir string) error { return os.Remove(filepath.Join(dir, SumsFile)) }, ""},
		"changed":                  {func(dir string) error { return os.WriteFile(filepath.Join(dir, "a", "b"), []byte("three"), 0o644) }, "changed or damaged"},
		"cut":                      {func(dir string) error { return os.Truncate(filepath.Join(dir, "one"), 1) }, "changed or damaged"},
		"lost":                     {func(dir string) error { return os.Remove(filepath.Join(dir, "one")) }, "it has no one"},
		"no list":                  {func(dir string) error { return os.Truncate(filepath.Join(dir, SumsFile), 0) }, "empty"},
		"a cut list":               {func(dir string) error { return os.Truncate(filepath.Join(dir, SumsFile), 30) }, "line 1"},
		"outside": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, SumsFile), []byte("00  ../../etc/passwd\n"), 0o644)
		}, "line 1"},
	} {
		dir := folder(t, map[string]string{"one": "first", "a/b": "second"})
		size, err := Seal(dir)
		if err != nil || size != 11 {
			t.Fatalf("%d bytes, %v", size, err)
		}
		if err := c.damage(dir); err != nil {
			t.Fatal(err)
		}
		if err := Verify(dir); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestArchive(t *testing.T) {
	files := map[string]string{"one": "first", "a/b": "second", "empty": ""}
	var first, again bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &again} {
		if err := Archive(w, folder(t, files)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Error("equal folders gave different archives")
	}
	path := filepath.Join(t.TempDir(), "p.tar.zst")
	if err := os.WriteFile(path, first.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, done, err := Folder(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	done()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s was left behind", dir)
	}
	if same, done, err := Folder(filepath.Dir(path)); err != nil || same != filepath.Dir(path) {
		t.Errorf("a folder became %s, %v", same, err)
	} else {
		done()
	}
}

// An archive can't write outside its folder, holds no links, and is whole or refused.
func TestExtractRefuses(t *testing.T) {
	pack := func(h tar.Header) []byte {
		var b bytes.Buffer
		z, _ := zstd.NewWriter(&b)
		w := tar.NewWriter(z)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil && h.Size == 0 {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var whole bytes.Buffer
	if err := Archive(&whole, folder(t, map[string]string{"a": strings.Repeat("text", 1000)})); err != nil {
		t.Fatal(err)
	}
	if err := Extract(bytes.NewReader(pack(tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 1 << 40})), t.TempDir()); err == nil || !strings.Contains(err.Error(), "much more") {
		t.Errorf("an archive of 1 TiB: %v", err)
	}
	for name, b := range map[string][]byte{
		"upwards": pack(tar.Header{Name: "../x", Typeflag: tar.TypeReg}), "absolute": pack(tar.Header{Name: "/x", Typeflag: tar.TypeReg}),
		"link": pack(tar.Header{Name: "x", Linkname: "/etc", Typeflag: tar.TypeSymlink}), "cut": whole.Bytes()[:whole.Len()/2], "text": []byte("hello"), "nothing": nil,
	} {
		dir := t.TempDir()
		if err := Extract(bytes.NewReader(b), dir); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
