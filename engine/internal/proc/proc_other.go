//go:build !unix

// Package proc starts processes in sessions of their own and ends whole groups.
package proc

import (
	"os/exec"
	"time"
)

// Group does nothing where there are no process groups.
func Group(*exec.Cmd) {}

// Stop kills the process after grace. This system has no way to ask it.
func Stop(cmd *exec.Cmd, grace time.Duration, done <-chan struct{}) {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		KillGroup(cmd)
	}
}

// KillGroup kills the process.
func KillGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = cmd.Process.Kill()
	}
}

// KillOwnGroup does nothing here.
func KillOwnGroup() {}

// PeakRSS is not known here.
func PeakRSS(*exec.Cmd) int64 { return 0 }

// OwnPeakRSS is not known here.
func OwnPeakRSS() int64 { return 0 }
