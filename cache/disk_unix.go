//go:build unix

package cache

import (
	"io/fs"
	"syscall"
)

// allocated is the space that a file takes on the disk, in bytes. It is less than the size for Badger's files, which are sparse.
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
