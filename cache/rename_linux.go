package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameNew renames a file or folder to a path at which nothing may be: os.ErrExist.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return renameChecked(from, to)
	}
	return err
}

// exchange puts a at b's place, and what was there at old, in one step where the file system can do that.
func exchange(a, b, old string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return exchangeSlowly(a, b, old)
	}
	if err != nil {
		return err
	}
	return os.Rename(a, old)
}
