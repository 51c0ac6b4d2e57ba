//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs tells whether a file is of the user who runs this process.
func ownedByUs(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}
