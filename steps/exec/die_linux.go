package exec

import (
	"runtime"
	"syscall"
)

// dieWithUs has the kernel kill the program when this process dies, however it dies. The kernel goes by the thread
// that started the program, so the caller keeps its thread until the program has ended.
func dieWithUs(a *syscall.SysProcAttr) (release func()) {
	runtime.LockOSThread()
	a.Pdeathsig = syscall.SIGKILL
	return runtime.UnlockOSThread
}
