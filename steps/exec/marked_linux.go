package exec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// adopt makes the orphans of programs children of this process, so that their daemons can be found.
var adopt = sync.OnceFunc(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })

// killMarked kills those of the listed processes that have the mark in their environment, unless they are spared. The children of a killed
// process become children of this one, so it lists again until none is found.
func killMarked(mark string, list func() []int, spared func(pid int) bool) {
	const rounds = 1000 // so that it gives up on a program that forks faster than it is killed
	for range rounds {
		found := false
		for _, pid := range list() {
			if !marked(pid, mark) || spared(pid) {
				continue
			}
			found = true
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				_, _ = syscall.Wait4(pid, nil, 0, nil) // fails if the process isn't our child
			}
		}
		if !found {
			return
		}
	}
}

// ofAnother returns a function that tells whether a process was started by a rein that lives. A run that begins after the death of another
// works in a folder of the same name, so the marks of its programs are the same. It adopts what they leave, so it is always above them. The
// processes from heir on are no such run: they adopt what the dead one has left.
func ofAnother(mark string, heir int) func(pid int) bool {
	name, above := executable(os.Getpid()), map[int]bool{}
	for p := heir; p > 1; p = parent(p) {
		above[p] = true
	}
	return func(pid int) bool {
		for p := parent(pid); p > 1 && !above[p]; p = parent(p) {
			if executable(p) == name && !marked(p, mark) {
				return true
			}
		}
		return false
	}
}

// executable is the name of the file that a process runs, which may have been replaced since.
func executable(pid int) string {
	path, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe") // fails for somebody else's process
	return filepath.Base(strings.TrimSuffix(path, " (deleted)"))
}

// parent is the parent of a process; 0 if it is gone.
func parent(pid int) int {
	stat, _ := readAll("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // the name before may hold spaces
	if len(fields) < 2 {
		return 0
	}
	p, _ := strconv.Atoi(fields[1])
	return p
}

func marked(pid int, mark string) bool {
	env, ok := readAll("/proc/" + strconv.Itoa(pid) + "/environ")
	return ok && strings.Contains("\x00"+env, "\x00"+mark+"\x00")
}

// children lists the processes that became children of this one when their parents ended. The kernel gives orphans to the first living
// thread of the adopting process (find_new_reaper in its exit.c). In a Go program that is the main thread, which Go never ends. So children
// reads only the main thread's list of children: it is called after each step, and has to be fast.
func children() []int {
	text, ok := readAll(adopted)
	if !ok { // the kernel was built without these lists
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

// nameless returns a file in memory that has no path. It is gone when the last process that has it open closes it.
func nameless() (*os.File, error) {
	fd, err := unix.MemfdCreate("rein-programs", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "rein-programs"), nil
}

// readAll reads a small file of /proc.
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

// pipe returns a pipe like os.Pipe. Its end for writing is only passed on to the program and never waited for, which saves several calls of
// the system.
func pipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, errors.Join(err, unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}

// noFollow makes opening a symbolic link fail.
const noFollow = unix.O_NOFOLLOW

// asNew tells whether a file differs from a new one only in its content, and no other process has it open: only then the kernel grants a
// write lease. The step has waited for the processes that it left (killMarked), but a process that hides from that may still run.
func asNew(f *os.File, info os.FileInfo) bool {
	made := newFile.Load()
	if made == nil {
		return false
	}
	st, like := info.Sys().(*syscall.Stat_t), (*made).Sys().(*syscall.Stat_t)
	if st.Mode != like.Mode || st.Uid != like.Uid || st.Gid != like.Gid || st.Nlink != 1 {
		return false
	}
	labels, err := unix.Flistxattr(int(f.Fd()), nil)
	if err != nil || labels != 0 {
		return false
	}
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return err == nil
}

// processes lists all processes of the machine except this one.
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
