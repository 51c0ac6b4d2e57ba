package ort

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// small returns a library of a few bytes.
func small(t *testing.T, content string) library {
	t.Helper()
	packed := string(pack(t, runtime.GOARCH, []byte(content)))
	sum := sha256.Sum256([]byte(content))
	return library{version: "1.2.3", name: "libsmall.so", sha256: hex.EncodeToString(sum[:]), packed: &packed}
}

func mustUnpack(t *testing.T, l library, dir, want string) string {
	t.Helper()
	path, err := l.unpack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Fatalf("%s holds %q, want %q, %v", path, b, want, err)
	}
	return path
}

func TestUnpackOnce(t *testing.T) {
	l, dir := small(t, "content"), t.TempDir()
	path := mustUnpack(t, l, dir, "content")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(mustUnpack(t, l, dir, "content")); err != nil || !os.SameFile(before, after) {
		t.Errorf("the second time made another file, %v", err)
	}
}

// A file that is incomplete or was changed is replaced, and never loaded.
func TestUnpackReplacesWhatIsWrong(t *testing.T) {
	l, dir := small(t, "content"), t.TempDir()
	path := mustUnpack(t, l, dir, "content")
	for _, wrong := range []string{"", "conten", "cOntent", "content and more"} {
		if err := os.WriteFile(path, []byte(wrong), 0o700); err != nil {
			t.Fatal(err)
		}
		mustUnpack(t, l, dir, "content")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 1 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

func TestUnpackAtOnce(t *testing.T) {
	l, dir := small(t, strings.Repeat("content", 1<<16)), t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			path, err := l.unpack(dir)
			if err != nil || !l.is(path) {
				t.Errorf("%q, %v", path, err)
			}
		})
	}
	all.Wait()
}

// If the carried library is damaged, unpack returns an error and leaves no file.
func TestUnpackDamaged(t *testing.T) {
	l, dir := small(t, "content"), t.TempDir()
	l.packed = small(t, "contents").packed
	if _, err := l.unpack(dir); err == nil || !strings.Contains(err.Error(), "this copy of rein is damaged") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// If others can write to a folder, they could replace the library before it is loaded.
func TestUnpackNotWhereOthersWrite(t *testing.T) {
	l, dir := small(t, "content"), t.TempDir()
	path := mustUnpack(t, l, dir, "content")
	if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if private(filepath.Dir(path)) == nil {
		t.Skip("this system has no such permissions")
	}
	if _, err := l.unpack(dir); err == nil || !strings.Contains(err.Error(), "only this user can change") {
		t.Errorf("got %v", err)
	}
}

// A user without a home directory gets a folder in the temporary directory.
func TestCacheDirs(t *testing.T) {
	tmp := t.TempDir()
	for name, value := range map[string]string{"HOME": "", "XDG_CACHE_HOME": "", "TMPDIR": tmp} {
		t.Setenv(name, value)
	}
	if _, err := os.UserCacheDir(); err == nil {
		t.Skip("this system has a cache folder without HOME")
	}
	dirs := cacheDirs()
	if len(dirs) != 1 || filepath.Dir(dirs[0]) != tmp {
		t.Errorf("got %q", dirs)
	}
}

// The library that rein carries has the right digest, and doesn't need the module that it was taken from.
func TestCarried(t *testing.T) {
	if carried.packed == nil {
		t.Skip("none is carried for this system")
	}
	path, err := carried.unpack(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if carried.is(path) {
		t.Error("a torn library is taken for whole")
	}
}
