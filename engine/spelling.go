package engine

import (
	"os"
	"path/filepath"

	"golang.org/x/text/unicode/norm"
)

// Spelled is a path as the file system spells it. Unicode has two ways to write a name with accents, composed and decomposed, that look the
// same. The language composes its texts, but a folder that was made on a Mac may hold decomposed names. A part of the path that exists in
// neither spelling stays as it is.
func Spelled(path string) string {
	if norm.NFD.IsNormalString(path) && norm.NFC.IsNormalString(path) { // there is only one spelling
		return path
	}
	if _, err := os.Lstat(path); err == nil {
		return path
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	dir = Spelled(dir)
	name := filepath.Base(path)
	at := filepath.Join(dir, name)
	if _, err := os.Lstat(at); err == nil {
		return at
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return path
	}
	for _, e := range entries {
		if norm.NFC.String(e.Name()) == norm.NFC.String(name) {
			return filepath.Join(dir, e.Name())
		}
	}
	return path
}
