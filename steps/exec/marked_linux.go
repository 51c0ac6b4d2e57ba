package exec

import (
	"bytes"
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
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+mark+"\x00"))
}

// children lists the children of this process. It is asked after each step, so it makes as few system calls as it can: three a thread,
// where os.ReadFile would make a dozen.
func children() []int {
	threads, _ := os.ReadDir("/proc/self/task")
	var pids []int
	known := false
	for _, t := range threads {
		text, ok := readAll("/proc/self/task/" + t.Name() + "/children")
		known = known || ok // not of a thread that has ended meanwhile
		for _, s := range strings.Fields(text) {
			if pid, err := strconv.Atoi(s); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	if !known { // a kernel that doesn't list them
		return processes()
	}
	return pids
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
