//go:build unix

package exec

import (
	"bufio"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The kernel kills no grandchildren when a process is killed, and can't be asked to everywhere. So the first program that is
// run starts a watcher: this program again, in a session of its own, which reads a pipe that only we hold open. When we are
// gone, however that came, it kills what the programs that were running have started.

var watcher struct {
	once sync.Once
	mu   sync.Mutex
	pipe io.Writer // nil: it couldn't be started, and programs outlive a killed rein
}

// watch has what carries the mark killed when this process dies, until forget is called.
func watch(mark string) (forget func()) {
	watcher.once.Do(startWatcher)
	tell("mark", mark, 0)
	return func() { tell("forget", mark, 0) }
}

func startWatcher() {
	cmd, err := helper(watcherName)
	if err != nil {
		return
	}
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return
	}
	watcher.pipe = pipe
	go func() { _ = cmd.Wait() }() // it ends after us, unless somebody kills it
}

// tell sends the watcher a line. One that is gone doesn't hear it.
func tell(what, mark string, pid int) {
	watcher.mu.Lock()
	defer watcher.mu.Unlock()
	if watcher.pipe != nil {
		_, _ = fmt.Fprintf(watcher.pipe, "%s %d %q\n", what, pid, mark)
	}
}

// watchOver is the watcher: it listens until the pipe is closed, then kills what is marked.
func watchOver(pipe io.Reader) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	groups := map[string]int{}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		var what, quoted string
		var pid int
		if f := strings.SplitN(lines.Text(), " ", 3); len(f) == 3 {
			what, quoted = f[0], f[2]
			pid, _ = strconv.Atoi(f[1])
		}
		mark, err := strconv.Unquote(quoted)
		switch {
		case err != nil:
		case what == "forget":
			delete(groups, mark)
		default:
			groups[mark] = pid
		}
	}
	for mark, pid := range groups {
		if pid > 1 {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
		killMarked(mark, processes)
	}
}
