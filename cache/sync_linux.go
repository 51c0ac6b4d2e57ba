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

// syncFileSystem makes everything durable on the file system that holds these folders, if that is a good way: it takes one wait for the
// disk, where each file takes several. done is false where it isn't a good way; then nothing was done.
func syncFileSystem(dirs ...string) (done bool, err error) {
	local := []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC} // others may do less than they say
	var first, st unix.Statfs_t
	for i, dir := range dirs {
		if unix.Statfs(dir, &st) != nil || !slices.Contains(local, int64(st.Type)) {
			return false, nil
		}
		if i == 0 {
			first = st
		}
		if st.Fsid != first.Fsid {
			return false, nil
		}
	}
	if dirty, known := waiting(); !known || dirty > mostDirty {
		return false, nil
	}
	f, err := os.Open(dirs[0])
	if err != nil {
		return false, nil
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return false, nil // each file says what is wrong with it
	}
	if tell := onSync.Load(); tell != nil {
		(*tell)(dirs[0], true)
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
