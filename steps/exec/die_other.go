//go:build unix && !linux

package exec

import "syscall"

// dieWithUs: only Linux can do it.
func dieWithUs(*syscall.SysProcAttr) (release func()) { return func() {} }
