//go:build unix

package exec

import (
	"context"
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"sync"
	"syscall"
	"time"
)

// runGroup runs cmd in a session of its own and sends what it prints to out. The session has no terminal, so a program that asks a question
// gets an error; with a terminal it would be stopped for ever.
//
// When ctx ends, the whole process group is asked to stop, and killed after grace. Whatever the program left running is killed in any case.
// This includes daemons, if they have kept mark, which is a variable of the program's environment. If this process is killed, a watcher
// does the same.
func runGroup(ctx context.Context, cmd *osexec.Cmd, mark string, out io.Writer) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	adopt()
	printed, end, err := pipe()
	if err != nil {
		return err
	}
	defer printed.Close()
	cmd.Stdout, cmd.Stderr = end, end
	if null := devNull(); null != nil { // if nil, os/exec opens the null device itself
		cmd.Stdin = null
	}
	known := watch(mark)
	defer known.forget()
	err = errors.Join(cmd.Start(), end.Close())
	if err != nil {
		return err
	}
	pid := cmd.Process.Pid
	known.started(pid)
	started.Store(pid, nil)
	signal := func(s syscall.Signal) { _ = syscall.Kill(-pid, s) } // an error means that the group is gone
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-ended:
			return
		default:
			signal(syscall.SIGTERM)
		}
		select {
		case <-ended:
		case <-time.After(grace):
			signal(syscall.SIGKILL)
		}
	})
	err = await(cmd, printed, out)
	close(ended)
	stop()
	started.Delete(pid)
	signal(syscall.SIGKILL)
	killMarked(mark, children, nobody)
	return err
}

// devNull is the standard input of all programs.
var devNull = sync.OnceValue(func() *os.File {
	f, _ := os.Open(os.DevNull)
	return f
})

// started holds the ids of the processes that this package has started and waits for.
var started sync.Map

const (
	// shortRun is how long await reads a program's output before it also waits for the process. A quick program closes its output within
	// this time; waiting for a process takes a thread of the system and several switches between threads.
	shortRun = 20 * time.Millisecond
	// lateOutput is how long await reads a program's output after the program's end. Processes that it left running may hold the output
	// open.
	lateOutput = time.Second
)

// await waits for the end of cmd and writes to out what cmd prints until then.
func await(cmd *osexec.Cmd, printed *os.File, out io.Writer) error {
	_ = printed.SetReadDeadline(time.Now().Add(shortRun))
	if !errors.Is(pass(printed, out), os.ErrDeadlineExceeded) {
		return cmd.Wait()
	}
	_ = printed.SetReadDeadline(time.Time{})
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		_ = pass(printed, out)
	}()
	err := cmd.Wait()
	_ = printed.SetReadDeadline(time.Now().Add(lateOutput))
	<-passed
	return err
}

// pass copies printed to out until the end or an error of printed.
func pass(printed io.Reader, out io.Writer) error {
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	for {
		n, err := printed.Read(*block)
		if n > 0 {
			_, _ = out.Write((*block)[:n]) // out is a LineWriter, which never fails
		}
		if err != nil {
			return err
		}
	}
}
