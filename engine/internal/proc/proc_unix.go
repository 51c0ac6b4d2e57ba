//go:build unix

// Package proc starts processes in sessions of their own and ends whole groups.
package proc

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Group makes cmd the leader of a new session and process group, so that it and all its children can be ended together. An interrupt typed
// at the terminal reaches only us. A child that reads from the terminal gets an error; in a process group without a session of its own it
// would be stopped for ever.
func Group(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
}

// Stop asks cmd's process group to end, and kills it after grace. It returns early when done is closed.
func Stop(cmd *exec.Cmd, grace time.Duration, done <-chan struct{}) {
	signal(cmd, syscall.SIGTERM)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		signal(cmd, syscall.SIGKILL)
	}
}

// KillGroup kills what is left of cmd's group.
func KillGroup(cmd *exec.Cmd) { signal(cmd, syscall.SIGKILL) }

func signal(cmd *exec.Cmd, s syscall.Signal) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, s) // an error means that the group is gone already
	}
}

// KillOwnGroup kills this process and its group, if it leads one.
func KillOwnGroup() {
	if syscall.Getpgrp() == syscall.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
}

// PeakRSS is the peak memory of a finished process in bytes, 0 if it isn't known.
func PeakRSS(cmd *exec.Cmd) int64 {
	if cmd.ProcessState == nil {
		return 0
	}
	u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return bytes(u)
}

// OwnPeakRSS is the peak memory in bytes of this process or of the largest of its ended children, whichever is larger; 0 if it isn't known.
func OwnPeakRSS() int64 {
	var most int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			most = max(most, bytes(&u))
		}
	}
	return most
}

func bytes(u *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}
