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

// The kernel kills no grandchildren when a process is killed, and can't be asked to everywhere. So the first program that is
// run starts a watcher: this program again, in a session of its own, which reads a pipe that only we hold open. When we are
// gone, however that came, it kills what the programs that were running have started. It finds them in a table, a file without a name
// that both have open: nobody is woken to note a program that runs for a millisecond.

var watcher struct {
	once  sync.Once
	pipe  io.Writer // ends with us
	table *os.File  // nil: the watcher couldn't be started, and programs outlive a killed rein

	mu   sync.Mutex
	free []int64 // places in the table
	next int64
}

// placeSize is the room in the table for one program: the id of its group, as wide as pidWidth, and its mark, quoted. A place that
// begins with a 0 byte is free.
const (
	placeSize = 8 << 10
	pidWidth  = 10
)

// watched is a program's place in the table.
type watched struct{ at int64 }

// watch has what carries the mark killed when this process dies, until it is forgotten.
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

// started adds the id of the program's group.
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
	go func() { _ = cmd.Wait() }() // it ends after us, unless somebody kills it
}

// watchOver is the watcher: it waits until the pipe is closed, then kills what the table lists.
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
				killMarked(mark, processes)
			}
		}
		if err != nil {
			return
		}
	}
}
