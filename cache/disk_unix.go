//go:build unix

package cache

import (
	"io/fs"
	"syscall"
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
