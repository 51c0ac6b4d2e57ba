//go:build !unix

package index

import (
	"io/fs"
	"os"
)

// OpenPlain is os.OpenFile for files and folders. Anything else at the path is a *NotPlain.
func OpenPlain(path string, flag int, mode fs.FileMode) (*os.File, error) {
	if info, err := os.Stat(path); err == nil {
		if odd := Plain(path, info.Mode()); odd != nil {
			return nil, odd
		}
	}
	return os.OpenFile(path, flag, mode)
}
