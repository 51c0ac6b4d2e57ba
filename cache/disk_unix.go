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
