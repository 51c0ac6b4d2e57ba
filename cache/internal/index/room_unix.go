//go:build unix

package index

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeBytes is how many bytes this user may still write to the disk of a path, if the system tells.
func freeBytes(path string) (free int64, known bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), st.Blocks > 0
}

// canOpen tells whether n more files can be open at the same time.
func canOpen(n int) error {
	held := make([]int, 0, n)
	defer func() {
		for _, fd := range held {
			_ = unix.Close(fd)
		}
	}()
	for range n {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		held = append(held, fd)
	}
	return nil
}
