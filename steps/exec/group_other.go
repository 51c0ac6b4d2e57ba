//go:build !unix

package exec

import (
	"context"
	"io"
	"os"
	osexec "os/exec"
	"time"
)

// runGroup runs cmd. This system has no process groups, so only the program itself is ended with ctx, not the processes that it started.
func runGroup(ctx context.Context, cmd *osexec.Cmd, _ string, out io.Writer) error {
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // processes that the program left running may hold its output open
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			_ = cmd.Process.Kill()
		}
	}()
	err := cmd.Wait()
	close(ended)
	return err
}

// watchOver does nothing here: the watcher needs process groups.
func watchOver(io.Reader, *os.File) {}

const noFollow = 0

// asNew always returns false here: only on Linux does the step wait for processes that may still have the file open.
func asNew(*os.File, os.FileInfo) bool { return false }
