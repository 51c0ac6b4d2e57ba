package ort

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/andybalholm/brotli"
)

// library is a shared library that the program carries.
type library struct {
	version string
	name    string  // file name
	sha256  string  // of the content, in hex
	packed  *string // the content with positions for distances, compressed with Brotli; nil if the program carries none
}

// cacheDirs are the folders into which the library may be unpacked, the best first: the user's cache folder, then a folder of this user in
// the temporary directory.
func cacheDirs() []string {
	var dirs []string
	if d, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(d, "rein"))
	}
	return append(dirs, filepath.Join(os.TempDir(), fmt.Sprintf("rein-%d", os.Getuid())))
}

// unpack returns the library's path under dir. It replaces a file whose content is not that of the library. Several processes may unpack at
// once, because each renames a complete file.
func (l library) unpack(dir string) (string, error) {
	dir = filepath.Join(dir, "onnxruntime-"+l.version+"-"+l.sha256[:12])
	path := filepath.Join(dir, l.name)
	if l.is(path) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := private(dir); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, l.name+".*.tmp")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // after a successful rename, there is nothing to remove
	if err := errors.Join(l.write(f), f.Chmod(0o700), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}

// is tells whether the file at path is the library, and only this user can change its folder.
func (l library) is(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == l.sha256 && private(filepath.Dir(path)) == nil
}

// write writes the library to w. It returns an error if the content has another digest.
func (l library) write(w io.Writer) error {
	content, err := io.ReadAll(brotli.NewReader(strings.NewReader(*l.packed)))
	if err != nil {
		return fmt.Errorf("%s: %w: this copy of rein is damaged", l.name, err)
	}
	toDistances(runtime.GOARCH, content)
	if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != l.sha256 {
		return fmt.Errorf("%s has the SHA-256 %s, want %s: this copy of rein is damaged", l.name, got, l.sha256)
	}
	_, err = w.Write(content)
	return err
}
