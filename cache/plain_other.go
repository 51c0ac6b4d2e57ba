//go:build !unix

package cache

import (
	"io/fs"
	"os"
)

// OpenPlain is os.OpenFile for regular files.
func OpenPlain(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag, mode)
}

// RenamePlain is os.Rename where to isn't a folder.
func RenamePlain(from, to string) error { return os.Rename(from, to) }
