package index

import (
	"io/fs"
	"syscall"
)

// Identity is what the system tells of a file beside its size and modification time: its change time in ns, which nobody can set, its
// inode, and its device. ok is false where it doesn't tell.
func Identity(info fs.FileInfo) (ctime int64, inode, device uint64, ok bool) {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, 0, false
	}
	return sys.Ctimespec.Nano(), sys.Ino, uint64(sys.Dev), true
}
