//go:build unix

package cache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// OpenPlain is os.OpenFile for regular files. os.OpenFile also asks, with five calls of the system, whether a file can be waited for.
func OpenPlain(path string, flag int, mode fs.FileMode) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, flag|syscall.O_CLOEXEC, uint32(mode.Perm()))
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case !errors.Is(err, syscall.EINTR):
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// RenamePlain is os.Rename where to isn't a folder. os.Rename first asks whether it is one.
func RenamePlain(from, to string) error {
	for {
		err := syscall.Rename(from, to)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EINTR):
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}
