//go:build unix

package exec

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
)

// When a process is killed, the kernel doesn't kill its grandchildren, and not every system can be asked to. So the first program that runs
// starts a watcher: this executable again, in a session of its own. The watcher reads a pipe that only this process holds open. When this
// process ends, for whatever reason, the watcher kills what the running programs have started. It finds them in a table, a file without a
// path that both processes have open. Writing to the table wakes nobody, so even a program that runs for a millisecond can be noted.

var watcher struct {
	once  sync.Once
	pipe  io.Writer // closes when this process ends
	table *os.File  // nil if the watcher couldn't be started: then programs outlive a killed rein

	mu   sync.Mutex
	free []int64 // offsets of free entries in the table
	next int64
}

// placeSize is the number of bytes that one program has in the table: the id of its process group, pidWidth characters wide, and its quoted
// mark. A free entry begins with a 0 byte.
const (
	placeSize = 8 << 10
	pidWidth  = 10
)

// watched is the offset of a program's entry in the table, or -1 if it has none.
type watched struct{ at int64 }

// watch enters the mark in the table. Until forget is called, the watcher kills the processes with this mark if this process dies.
func watch(mark string) watched {
	watcher.once.Do(startWatcher)
	line := fmt.Appendf(nil, "%*d %q\n", pidWidth, 0, mark)
	if watcher.table == nil || len(line) > placeSize {
		return watched{-1}
	}
	watcher.mu.Lock()
	defer watcher.mu.Unlock()
	at := watcher.next
	if n := len(watcher.free); n > 0 {
		at, watcher.free = watcher.free[n-1], watcher.free[:n-1]
	} else {
		watcher.next += placeSize
	}
	_, _ = watcher.table.WriteAt(line, at)
	return watched{at}
}

// started adds the id of the program's process group to its entry.
func (w watched) started(pid int) {
	if w.at >= 0 {
		_, _ = watcher.table.WriteAt(fmt.Appendf(nil, "%*d", pidWidth, pid), w.at)
	}
}

func (w watched) forget() {
	if w.at < 0 {
		return
	}
	_, _ = watcher.table.WriteAt([]byte{0}, w.at)
	watcher.mu.Lock()
	defer watcher.mu.Unlock()
	watcher.free = append(watcher.free, w.at)
}

func startWatcher() {
	cmd, err := helper(watcherName)
	if err != nil {
		return
	}
	table, err := nameless()
	if err != nil {
		return
	}
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{table}
	pipe, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		table.Close()
		return
	}
	watcher.pipe, watcher.table = pipe, table
	started.Store(cmd.Process.Pid, nil)
	go func() { _ = cmd.Wait() }() // the watcher ends after this process, unless somebody kills it
}

// nobody is spared.
func nobody(int) bool { return false }

// watchOver does the watcher's work: it waits until the pipe is closed, then kills what the table lists.
func watchOver(pipe io.Reader, table *os.File) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, pipe)
	place := make([]byte, placeSize)
	for at := int64(0); ; at += placeSize {
		n, err := table.ReadAt(place, at)
		line, _, whole := bytes.Cut(place[:n], []byte("\n"))
		if whole && line[0] != 0 && len(line) > pidWidth {
			pid, _ := strconv.Atoi(string(bytes.TrimSpace(line[:pidWidth])))
			if mark, err := strconv.Unquote(string(line[pidWidth+1:])); err == nil {
				if pid > 1 {
					_ = syscall.Kill(-pid, syscall.SIGKILL)
				}
				killMarked(mark, processes, ofAnother(mark, os.Getpid()))
			}
		}
		if err != nil {
			return
		}
	}
}
