//go:build unix

package cache

import (
	"errors"
	"os"
	"syscall"
)

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
