//go:build unix

package index

import "golang.org/x/sys/unix"

// freeBytes is how many bytes this user may still write to the disk of a path, if the system tells.
func freeBytes(path string) (free int64, known bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), st.Blocks > 0
}
