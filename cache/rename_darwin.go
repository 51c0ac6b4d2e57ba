package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameNew renames a file or folder to a path at which nothing may be: os.ErrExist.
func renameNew(from, to string) error {
	err := unix.RenamexNp(from, to, unix.RENAME_EXCL)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) {
		return renameChecked(from, to)
	}
	return err
}

// exchange puts a at b's place, and what was there at old, in one step where the file system can do that.
func exchange(a, b, old string) error {
	err := unix.RenamexNp(a, b, unix.RENAME_SWAP)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) {
		return exchangeSlowly(a, b, old)
	}
	if err != nil {
		return err
	}
	return os.Rename(a, old)
}
