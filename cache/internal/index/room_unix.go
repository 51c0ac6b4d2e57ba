//go:build unix

package index

import "golang.org/x/sys/unix"

// freeBytes is the room for this user on the disk of a path, if that is known.
func freeBytes(path string) (free int64, known bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), st.Blocks > 0
}
