//go:build unix

package proc

import (
	"bufio"
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// family starts a shell with a child that waits, and returns it when both run. Its output ends when both have ended.
func family(t *testing.T, prelude string) (cmd *exec.Cmd, out *bufio.Reader) {
	t.Helper()
	cmd = exec.Command("sh", "-c", prelude+"; (echo child; exec sleep 600) & echo parent; wait")
	Group(cmd)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { KillGroup(cmd) })
	out = bufio.NewReader(pipe)
	for range 2 {
		if line, err := out.ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	return cmd, out
}

// ended waits until everybody who holds the output has ended.
func ended(t *testing.T, cmd *exec.Cmd, out io.Reader) syscall.Signal {
	t.Helper()
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	return cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
}

// A process leads a session of its own: it has no terminal to be stopped by.
func TestGroupLeadsASession(t *testing.T) {
	cmd, _ := family(t, ":")
	if sid, err := unix.Getsid(cmd.Process.Pid); err != nil || sid != cmd.Process.Pid {
		t.Errorf("session %d of process %d, %v", sid, cmd.Process.Pid, err)
	}
	tty := exec.Command("sh", "-c", "cat < /dev/tty")
	Group(tty)
	if said, err := tty.CombinedOutput(); err == nil {
		t.Errorf("it read from the terminal: %q", said)
	}
}

func TestKillGroupEndsChildrenToo(t *testing.T) {
	cmd, out := family(t, ":")
	KillGroup(cmd)
	if s := ended(t, cmd, out); s != syscall.SIGKILL {
		t.Error(s)
	}
	KillGroup(cmd) // of a group that is gone: nothing
}

func TestStopAsksFirst(t *testing.T) {
	cmd, out := family(t, ":")
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		Stop(cmd, time.Hour, done)
		close(stopped)
	}()
	if s := ended(t, cmd, out); s != syscall.SIGTERM {
		t.Error(s)
	}
	close(done)
	<-stopped
}

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	cmd, out := family(t, "trap '' TERM")
	Stop(cmd, time.Millisecond, nil)
	if s := ended(t, cmd, out); s != syscall.SIGKILL {
		t.Error(s)
	}
}

func TestPeakRSS(t *testing.T) {
	cmd := exec.Command("sh", "-c", ":")
	if n := PeakRSS(cmd); n != 0 {
		t.Errorf("%d bytes before it ran", n)
	}
	if err := cmd.Run(); err != nil {
		t.Skip(err)
	}
	if n := PeakRSS(cmd); n < 64<<10 || n > 1<<30 {
		t.Errorf("a shell took %d bytes", n)
	}
	if n := OwnPeakRSS(); n < 1<<20 || n > 64<<30 {
		t.Errorf("this test takes %d bytes", n)
	}
}
