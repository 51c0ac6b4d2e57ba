//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs tells whether a file belongs to the user of this process.
func ownedByUs(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

// keepOwner gives a file the owner and the group of the one that it will replace, as far as this user may.
func keepOwner(f *os.File, old fs.FileInfo) {
	if sys, ok := old.Sys().(*syscall.Stat_t); ok && f.Chown(int(sys.Uid), int(sys.Gid)) != nil {
		_ = f.Chown(-1, int(sys.Gid))
	}
}
