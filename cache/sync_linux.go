package cache

import (
	"bytes"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// mostDirty is how much may wait to be written, of everybody's on this machine, where a whole file system is synced in place of some
// files: in KiB, as /proc/meminfo has it.
const mostDirty = 256 << 10

// syncFileSystem makes everything durable on the file system that holds dir, if that is a good way: it takes one wait for the disk, where
// each file takes several. done is false where it isn't, and nothing was done.
func syncFileSystem(dir string) (done bool, err error) {
	var st unix.Statfs_t
	local := []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC} // others may do less than they say
	if unix.Statfs(dir, &st) != nil || !slices.Contains(local, int64(st.Type)) {
		return false, nil
	}
	if dirty, known := waiting(); !known || dirty > mostDirty {
		return false, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return false, nil // each file tells what is wrong with it
	}
	if tell := onSync.Load(); tell != nil {
		(*tell)(dir, true)
	}
	return true, nil
}

// waiting is how much waits to be written, in KiB.
func waiting() (kib int, known bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) > 1 && (string(f[0]) == "Dirty:" || string(f[0]) == "Writeback:") {
			n, err := strconv.Atoi(string(f[1]))
			if err != nil {
				return 0, false
			}
			kib, known = kib+n, true
		}
	}
	return kib, known
}
