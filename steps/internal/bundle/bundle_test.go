package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
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

// Verify reads lists of checksums as sha256sum writes them on any operating system.
func TestVerifyReadsAnyList(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"line ends of Windows": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"bytes":                func(s string) string { return strings.ReplaceAll(s, "  ", " *") },
		"of find":              func(s string) string { return strings.ReplaceAll(s, "  ", "  ./") },
		"large letters": func(s string) string {
			sum, name, _ := strings.Cut(s, "  ")
			return strings.ToUpper(sum) + "  " + name
		},
	} {
		dir := folder(t, map[string]string{"model.onnx": "first"})
		if _, err := Seal(dir); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, SumsFile)
		list, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(list))), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Verify(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "model.onnx"), []byte("third"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Verify(dir); err == nil || !strings.Contains(err.Error(), "changed or damaged") {
			t.Errorf("%s, changed: %v", name, err)
		}
	}
	dir := folder(t, map[string]string{SumsFile: strings.Repeat("x", 1<<17)})
	if err := Verify(dir); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line that is too long: %v", err)
	}
}

// Verify refuses a package with a file that never ends, before it reads one.
func TestVerifyReadsNoDevice(t *testing.T) {
	for _, name := range []string{SumsFile, "model.json", "sub/model.onnx"} {
		dir := folder(t, map[string]string{"model.json": "{}", "sub/x": ""})
		_ = os.Remove(filepath.Join(dir, name))
		if err := os.Symlink("/dev/zero", filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
		if err := Verify(dir); err == nil || !strings.Contains(err.Error(), "neither a file nor a folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Extract writes nothing outside its folder, and refuses archives that contain links or are incomplete.
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
		"deep": pack(tar.Header{Name: strings.Repeat("a/", 40) + "x", Typeflag: tar.TypeReg}), "long": pack(tar.Header{Name: strings.Repeat("a", 2000), Typeflag: tar.TypeReg}),
		"link": pack(tar.Header{Name: "x", Linkname: "/etc", Typeflag: tar.TypeSymlink}), "cut": whole.Bytes()[:whole.Len()/2], "text": []byte("hello"), "nothing": nil,
	} {
		dir := t.TempDir()
		if err := Extract(bytes.NewReader(b), dir); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// A profile goes into the archive that a link leads to: the link stays one.
func TestProfileBehindALink(t *testing.T) {
	dir := t.TempDir()
	archive, link := filepath.Join(dir, "v1.tar.zst"), filepath.Join(dir, "current")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Archive(f, folder(t, map[string]string{"one": "first"})), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(archive, link); err != nil {
		t.Skip(err)
	}
	if err := WriteProfile(link, Profile{Name: "mine", Threshold: 0.5}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v, want the link", info, err)
	}
	into, done, err := Folder(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if p, err := ReadProfile(into, "mine"); err != nil || p.Threshold != 0.5 {
		t.Errorf("%v, %v", p, err)
	}
}

// The profiles of a package are named whatever its folder is called: a name is no pattern.
func TestProfilesOfAnOddFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "package [1]")
	if err := os.MkdirAll(filepath.Join(dir, profiles), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, profiles, name+".json"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := available(dir); got != "the package has a, b" {
		t.Error(got)
	}
}
