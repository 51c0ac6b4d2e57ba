package cache

import (
	"io/fs"
	"syscall"
)

func stampOf(i fs.FileInfo) stamp {
	st := plainStamp(i)
	if sys, ok := i.Sys().(*syscall.Stat_t); ok {
		st.Inode, st.Device = sys.Ino, uint64(sys.Dev)
		st.Ctime = sys.Ctimespec.Nano()
	}
	return st
}
