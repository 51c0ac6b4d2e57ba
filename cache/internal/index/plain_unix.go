//go:build unix

package index

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// OpenPlain is os.OpenFile for files and folders. Anything else at the path is a *NotPlain, where os.OpenFile would wait for the other end
// of a named pipe. os.OpenFile also asks, with five calls of the system, whether a file can be waited for.
func OpenPlain(path string, flag int, mode fs.FileMode) (*os.File, error) {
	fd, err := unix.Open(path, flag|unix.O_CLOEXEC|unix.O_NONBLOCK, uint32(mode.Perm()))
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(path, flag|unix.O_CLOEXEC|unix.O_NONBLOCK, uint32(mode.Perm()))
	}
	if err == nil {
		if err = plainAt(fd); err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flag) // as os.OpenFile has it
		}
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		_ = unix.Close(fd) // nothing was written
	}
	if info, serr := os.Stat(path); serr == nil && errors.Is(err, unix.ENXIO) {
		if odd := Plain(path, info.Mode()); odd != nil {
			return nil, odd
		}
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: err}
}

// plainAt returns what the system says of a socket, or of a pipe without a reader, unless a file or a folder is open.
func plainAt(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return unix.ENXIO
	}
	return nil
}
