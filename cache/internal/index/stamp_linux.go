package index

import (
	"io/fs"
	"syscall"
	"time"
)

// stampOf is what the system says of a file at a time; not ok where it doesn't tell the change time.
func stampOf(info fs.FileInfo, at time.Time) (st stamp, ok bool) {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return st, false
	}
	return stamp{info.Size(), sys.Mtim.Nano(), sys.Ctim.Nano(), sys.Ino, at}, true
}
