//go:build unix

package exec

import (
	"context"
	osexec "os/exec"
	"syscall"
	"time"
)

// runGroup runs cmd in a process group of its own. When ctx ends the whole group is asked to stop, and killed after
// grace; what the program left behind is killed in any case.
func runGroup(ctx context.Context, cmd *osexec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	release := dieWithUs(cmd.SysProcAttr)
	defer release()
	if err := cmd.Start(); err != nil {
		return err
	}
	signal := func(s syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, s) } // no such group: nothing to stop
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			signal(syscall.SIGTERM)
		}
		select {
		case <-ended:
		case <-time.After(grace):
			signal(syscall.SIGKILL)
		}
	}()
	err := cmd.Wait()
	close(ended)
	signal(syscall.SIGKILL)
	return err
}
