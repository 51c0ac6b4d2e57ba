// Package bundle is a packaged model on disk: a folder with a list of its files' checksums, or a tar of this folder, compressed with zstd.
package bundle

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// SumsFile is the name of a package's list of checksums, in the format of sha256sum.
const SumsFile = "SHA256SUMS"

// Seal writes the list of checksums of a folder's files, and returns their total size in bytes.
func Seal(dir string) (size int64, err error) {
	lines, size, err := sumsOf(dir)
	if err != nil {
		return 0, err
	}
	return size, os.WriteFile(filepath.Join(dir, SumsFile), []byte(strings.Join(lines, "")), 0o644)
}

// sumsOf returns the sorted lines of the list of checksums, and the total size of the files.
func sumsOf(dir string) (lines []string, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		sum, n, err := sumOf(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		size += n
		lines = append(lines, sum+"  "+filepath.ToSlash(name)+"\n")
		return err
	})
	slices.Sort(lines)
	return lines, size, err
}

// Verify compares the files of a folder with its list of checksums. It accepts a folder without a list, which is a model that was never
// packaged.
func Verify(dir string) error {
	if err := onlyRegular(dir); err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	n, listed := 0, map[string]bool{SumsFile: true}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for ; lines.Scan(); n++ {
		want, name, ok := strings.Cut(lines.Text(), " ")
		if ok = ok && name != "" && (name[0] == ' ' || name[0] == '*'); ok { // sha256sum's marks of text and binary mode mean the same
			name = path.Clean(name[1:])
		}
		if !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("%s: line %d isn't a checksum with a file name: %q", SumsFile, n+1, lines.Text())
		}
		listed[name] = true
		sum, _, err := sumOf(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the package is incomplete: it has no %s, which %s lists; get it again", name, SumsFile)
		}
		if err != nil {
			return err
		}
		if !strings.EqualFold(sum, want) {
			return fmt.Errorf("the package was changed or damaged: %s has sha256 %s, %s says %s; get it again", name, sum, SumsFile, want)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: line %d: %w", SumsFile, n+1, err)
	}
	if n == 0 {
		return fmt.Errorf("the package is incomplete: its %s is empty; get it again", SumsFile)
	}
	return onlyListed(dir, listed)
}

// parts are the file name extensions of models and of programs that use them.
var parts = []string{".onnx", ".data", ".json", ".safetensors", ".txt", ".model", ".bin", ".npz", ".py"}

// onlyListed refuses a package with a part of a model that isn't in the list: somebody may have removed its line to change the file. Other
// files are allowed, because users add notes and operating systems add hidden files.
func onlyListed(dir string, listed map[string]bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); name != "." && strings.HasPrefix(d.Name(), ".") && !listed[name] {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if isProfile(name) {
			return nil // a user's threshold, which is never in the list
		}
		if !d.IsDir() && !listed[name] && slices.Contains(parts, strings.ToLower(filepath.Ext(name))) {
			return fmt.Errorf("the package was changed: it has %s, which %s doesn't list; remove that file, or get the package again", name, SumsFile)
		}
		return nil
	})
}

// onlyRegular refuses a folder with a device or a pipe, also behind a link: reading one may never end.
func onlyRegular(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type().IsRegular() || d.IsDir() {
			return err
		}
		fi, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a broken link; the code that needs the file reports it
		}
		if err == nil && !fi.Mode().IsRegular() && !fi.IsDir() {
			err = fmt.Errorf("%s is neither a file nor a folder, so nothing of %s is read", path, dir)
		}
		return err
	})
}

func sumOf(path string) (sum string, n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
