//go:build unix

package exec

import (
	"context"
	osexec "os/exec"
	"syscall"
	"time"
)

// runGroup runs cmd in a session of its own, without a terminal: a program that wants to ask gets an error, where it would
// otherwise be stopped for ever. When ctx ends the whole group is asked to stop, and killed after grace. What the program left
// behind is killed in any case, a daemon, too, if it has kept the mark, which is a variable of the program's environment.
// A watcher does the same should this process be killed.
func runGroup(ctx context.Context, cmd *osexec.Cmd, mark string) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	adopt()
	forget := watch(mark)
	defer forget()
	if err := cmd.Start(); err != nil {
		return err
	}
	tell("group", mark, cmd.Process.Pid)
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
	killMarked(mark, children)
	return err
}
