//go:build unix

package cache

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// allocated is what a file takes on disk: Badger's files are sparse.
func allocated(i fs.FileInfo) int64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return i.Size()
}

// linkCount is how many names a file has.
func linkCount(i fs.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// freeBytes is the room for this user on the disk of a path, if that is known.
func freeBytes(path string) (free int64, known bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), st.Blocks > 0
}
