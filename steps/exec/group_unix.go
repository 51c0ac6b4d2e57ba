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

// runGroup runs cmd in a session of its own, without a terminal: a program that wants to ask gets an error, where it would
// otherwise be stopped for ever. What it prints goes to out. When ctx ends the whole group is asked to stop, and killed after grace.
// What the program left behind is killed in any case, a daemon, too, if it has kept the mark, which is a variable of the program's
// environment. A watcher does the same should this process be killed.
func runGroup(ctx context.Context, cmd *osexec.Cmd, mark string, out io.Writer) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	adopt()
	printed, end, err := os.Pipe()
	if err != nil {
		return err
	}
	defer printed.Close()
	cmd.Stdout, cmd.Stderr = end, end
	if null := devNull(); null != nil { // else package exec opens it
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
	signal := func(s syscall.Signal) { _ = syscall.Kill(-pid, s) } // no such group: nothing to stop
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
	killMarked(mark, children)
	return err
}

// devNull is what programs read.
var devNull = sync.OnceValue(func() *os.File {
	f, _ := os.Open(os.DevNull)
	return f
})

// started are the ids of the processes that this package has started and waits for.
var started sync.Map

const (
	// shortRun is how long a program's output is waited for before its end is. A program that is quick ends with its output; to wait
	// for the process itself takes a thread of the system's and several switches between threads.
	shortRun = 20 * time.Millisecond
	// lateOutput is how long a program's output is waited for after its end: what it left running may hold it open.
	lateOutput = time.Second
)

// await waits for the end of cmd, and passes on what it prints until then.
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

// pass passes on what is printed, until its end or an error.
func pass(printed io.Reader, out io.Writer) error {
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	for {
		n, err := printed.Read(*block)
		if n > 0 {
			_, _ = out.Write((*block)[:n]) // a LineWriter takes everything
		}
		if err != nil {
			return err
		}
	}
}
