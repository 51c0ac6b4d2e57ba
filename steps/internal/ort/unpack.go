package ort

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// library is a shared library that the program carries.
type library struct {
	version string
	name    string  // of its file
	sha256  string  // of its content, in hex
	packed  *string // its content, compressed with zstd; nil: none is carried
}

// cacheDirs are the folders where the library may be unpacked, in the order of preference: the user's cache folder, and for users
// without one a folder of theirs among the temporary files.
func cacheDirs() []string {
	var dirs []string
	if d, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(d, "rein"))
	}
	return append(dirs, filepath.Join(os.TempDir(), fmt.Sprintf("rein-%d", os.Getuid())))
}

// unpack returns the library's path under dir. A file that isn't the library, because it is torn or was changed, is replaced.
// Processes that unpack at once do no harm: each moves a whole file into place.
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
	defer os.Remove(f.Name()) // it isn't there any more where all went well
	if err := errors.Join(l.write(f), f.Chmod(0o700), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}

// is tells whether the file at path, in a folder that only this user can change, is the library.
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

// write decompresses the library into w, and fails where what comes out isn't the library.
func (l library) write(w io.Writer) error {
	d, err := zstd.NewReader(strings.NewReader(*l.packed))
	if err != nil {
		return err
	}
	defer d.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), d); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != l.sha256 {
		return fmt.Errorf("%s has the SHA-256 %s, want %s: this copy of rein is damaged", l.name, got, l.sha256)
	}
	return nil
}
