package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// screen is a pseudo-terminal with a program in its foreground.
type screen struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	said   bytes.Buffer
	ended  bool
	more   sync.Cond // something was said, or the program has ended
}

// onTerminal starts a command that has a terminal of its own.
func onTerminal(t *testing.T, c *exec.Cmd) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	defer slave.Close()
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	x := &screen{t: t, master: master}
	x.more.L = &x.mu
	go func() {
		_, _ = io.Copy(x, master)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.ended = true
		x.more.Broadcast()
	}()
	return x
}

func (x *screen) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.more.Broadcast()
	return x.said.Write(p)
}

// shows waits until something is on the screen.
func (x *screen) shows(want string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for !strings.Contains(x.said.String(), want) {
		if x.ended {
			x.t.Fatalf("never showed %q:\n%s", want, x.said.String())
		}
		x.more.Wait()
	}
}

func (x *screen) types(text string) {
	x.t.Helper()
	if _, err := x.master.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// A Slurm of scripts whose jobs end when the file "end" is there.
const (
	slowSbatch = `cat > "$D/script"; echo sent >> "$D/calls"
(exec > /dev/null 2>&1; echo RUNNING > "$D/state"; until [ -e "$D/end" ]; do sleep 0.05; done; sh "$D/script"; echo COMPLETED > "$D/state") < /dev/null &
for a in "$@"; do case $a in --job-name=*) echo "${a#*=}" > "$D/name" ;; esac; done
echo 7`
	slowSqueue  = `echo asked >> "$D/asked"; printf '%-64s%-160s%-32s%-64s%-64s%-16s\n' 7 "$(cat "$D/name")" "$(cat "$D/state")" None node 0`
	slowScancel = `echo "cancelled $*" >> "$D/calls"; echo CANCELLED > "$D/state"`
)

// Ctrl-C on a terminal asks what becomes of the jobs: one that is left is found again and not sent twice.
func TestInterruptOnATerminal(t *testing.T) {
	for answer, want := range map[string]string{"l": "sent\n", "c": "sent\ncancelled 7\nsent\n"} {
		t.Run(answer, func(t *testing.T) {
			dir := project(t, "", "pipeline \"p\" {}\nstep \"exec\" \"a\" {\n  command = [\"sh\", \"-c\", \"echo > $REIN_OUT_x\"]\n  outputs = [\"x\"]\n  executor = \"cluster\"\n}\n")
			bin := filepath.Join(dir, "bin")
			errs := []error{os.Mkdir(bin, 0o755)}
			for name, text := range map[string]string{"sbatch": slowSbatch, "squeue": slowSqueue, "scancel": slowScancel} {
				errs = append(errs, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\nD='"+dir+"'\n"+text+"\n"), 0o755))
			}
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			c, _ := process(dir, "run", "p.hcl")
			x := onTerminal(t, c)
			x.shows("1 on a cluster")
			awaitLines(t, dir, "calls", 1)
			awaitLines(t, dir, "asked", 1+count(t, dir, "asked")) // it is followed
			x.types("\x03")
			x.shows("1 job is out on cluster: cancel it, or leave it running for the next run to find? [C/l] ")
			x.types(answer + "\n")
			if err := c.Wait(); c.ProcessState.ExitCode() != exitInterrupted {
				t.Fatalf("%v: %s", err, x.said.String())
			}
			if err := os.WriteFile(filepath.Join(dir, "end"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			c, said := process(dir, "run", "p.hcl")
			if err := c.Run(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if calls, err := os.ReadFile(filepath.Join(dir, "calls")); err != nil || string(calls) != want {
				t.Errorf("calls %q, want %q; %v", calls, want, err)
			}
		})
	}
}
