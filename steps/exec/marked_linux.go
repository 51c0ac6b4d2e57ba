package exec

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of what its programs leave behind, so that their daemons can be found among its
// children.
var adopt = sync.OnceFunc(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })

// killMarked kills those of the listed processes that have the mark in their environment, and what turns up after them:
// the children of a killed process become ours.
func killMarked(mark string, list func() []int) {
	const rounds = 1000 // a program that multiplies faster than it is killed isn't waited for
	for range rounds {
		found := false
		for _, pid := range list() {
			if !marked(pid, mark) {
				continue
			}
			found = true
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				_, _ = syscall.Wait4(pid, nil, 0, nil) // an error: it isn't our child
			}
		}
		if !found {
			return
		}
	}
}

func marked(pid int, mark string) bool {
	env, ok := readAll("/proc/" + strconv.Itoa(pid) + "/environ")
	return ok && strings.Contains("\x00"+env, "\x00"+mark+"\x00")
}

// children lists the processes that became children of this one when their parents had ended. The kernel gives those to the first
// living thread of an adopting process (find_new_reaper in its exit.c), which in a Go program is the one that it began with: Go
// never ends that one. So one list is read of those that the kernel keeps, one for each thread. It is asked for after each step.
func children() []int {
	text, ok := readAll(adopted)
	if !ok { // a kernel that doesn't list them
		return processes()
	}
	var pids []int
	for _, s := range strings.Fields(text) {
		pid, err := strconv.Atoi(s)
		if _, ours := started.Load(pid); err == nil && !ours {
			pids = append(pids, pid)
		}
	}
	return pids
}

var adopted = fmt.Sprintf("/proc/self/task/%d/children", os.Getpid())

// nameless is a file that ends with who has it open.
func nameless() (*os.File, error) {
	fd, err := unix.MemfdCreate("rein-programs", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "rein-programs"), nil
}

// readAll reads a small file of the kernel's.
func readAll(path string) (text string, ok bool) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	var b strings.Builder
	for buf := make([]byte, 4096); ; {
		n, err := unix.Read(fd, buf)
		if n > 0 {
			b.Write(buf[:n])
		}
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return b.String(), err == nil
		}
	}
}

// processes lists all processes.
func processes() []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
