package cache

import (
	"io/fs"
	"os"

	"rein/cache/internal/index"
)

// OpenPlain is os.OpenFile for files and folders. Where something else lies, such as a named pipe, which os.OpenFile would wait for, it is
// an error.
func OpenPlain(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return index.OpenPlain(path, flag, mode)
}

// ReadPlain is os.ReadFile by OpenPlain.
func ReadPlain(path string) ([]byte, error) { return index.ReadPlain(path) }
