//go:build unix

package ort

import (
	"fmt"
	"os"
	"syscall"
)

// private returns an error if another user could replace the library in dir.
func private(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if own, ok := st.Sys().(*syscall.Stat_t); ok && int(own.Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 || !st.IsDir() {
		return fmt.Errorf("%s is not a folder that only this user can change", dir)
	}
	return nil
}
