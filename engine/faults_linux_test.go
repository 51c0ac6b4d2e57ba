package engine_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"rein/engine"
)

// A refusal is a system call that the kernel turns down with an error, for a process that asked for that itself.
type refusal struct {
	call uint32
	// If mask isn't 0, only where the argument has one of its bits.
	arg  uint32
	mask uint32
}

const created = unix.O_CREAT

// faults are what a broken, full or write-protected disk does to a process.
var faults = map[string]struct {
	errno syscall.Errno
	calls []refusal
}{
	"EIO": {syscall.EIO, []refusal{{call: unix.SYS_PWRITE64}, {call: unix.SYS_FSYNC}, {call: unix.SYS_FDATASYNC}, {call: unix.SYS_MSYNC},
		{call: unix.SYS_COPY_FILE_RANGE}, {call: unix.SYS_WRITE}}},
	"EIO when reading": {syscall.EIO, []refusal{{call: unix.SYS_PREAD64}, {call: unix.SYS_READ}}},
	"ENOSPC": {syscall.ENOSPC, []refusal{{call: unix.SYS_WRITE}, {call: unix.SYS_PWRITE64}, {call: unix.SYS_FALLOCATE}, {call: unix.SYS_MKDIRAT},
		{call: unix.SYS_COPY_FILE_RANGE}, {call: unix.SYS_FTRUNCATE}, {call: unix.SYS_OPENAT, arg: 2, mask: created}}},
	"EROFS": {syscall.EROFS, []refusal{{call: unix.SYS_OPENAT, arg: 2, mask: created | unix.O_WRONLY | unix.O_RDWR}, {call: unix.SYS_MKDIRAT},
		{call: unix.SYS_RENAMEAT}, {call: unix.SYS_RENAMEAT2}, {call: unix.SYS_UNLINKAT}, {call: unix.SYS_LINKAT}, {call: unix.SYS_FCHMODAT},
		{call: unix.SYS_UTIMENSAT}}},
}

// breakDisk has the kernel refuse a fault's calls for all threads of this process from now on. Standard output and
// error, and the eight bytes by which the runtime wakes its threads, go through.
func breakDisk(name string) error {
	f, ok := faults[name]
	if !ok {
		return fmt.Errorf("no fault %q", name)
	}
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		above  = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
		bits   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret    = unix.BPF_RET | unix.BPF_K
		number = 0  // offset of the call's number
		args   = 16 // offset of its arguments, 8 bytes each, the low half first
	)
	refuse := unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(f.errno)}
	var p []unix.SockFilter
	for _, c := range f.calls {
		p = append(p, unix.SockFilter{Code: load, K: number})
		switch {
		case c.mask != 0:
			p = append(p, unix.SockFilter{Code: equal, K: c.call, Jf: 3}, unix.SockFilter{Code: load, K: args + 8*c.arg},
				unix.SockFilter{Code: bits, K: c.mask, Jf: 1}, refuse)
		case c.call == unix.SYS_WRITE || c.call == unix.SYS_READ:
			p = append(p, unix.SockFilter{Code: equal, K: c.call, Jf: 5}, unix.SockFilter{Code: load, K: args},
				unix.SockFilter{Code: above, K: 2, Jf: 3}, unix.SockFilter{Code: load, K: args + 8*2},
				unix.SockFilter{Code: equal, K: 8, Jt: 1}, refuse)
		default:
			p = append(p, unix.SockFilter{Code: equal, K: c.call, Jf: 1}, refuse)
		}
	}
	p = append(p, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	runtime.LockOSThread() // for the two calls to be one thread's
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}

// brokenAt breaks the disk when a run passes a commit point: "EIO at put 2".
func brokenAt(o engine.Options, spec string) engine.Options {
	name, at, ok := strings.Cut(spec, " at ")
	if !ok {
		panic(spec)
	}
	return engine.At(o, at, func() {
		if err := breakDisk(name); err != nil {
			fmt.Fprintln(os.Stderr, "the disk could not be broken:", err)
			os.Exit(noFault)
		}
	})
}

// noFault is the exit status of a process that the system doesn't let break its disk.
const noFault = 77

// A disk that fails, is full or is write-protected from any commit point on: the run ends with words, not with a crash;
// and the next one, on a sound disk, is right and repeats at most one step.
func TestDiskFaults(t *testing.T) {
	nths := []int{1, 2, 3}
	if testing.Short() {
		nths = []int{2}
	}
	for fault := range faults {
		for _, point := range []string{"leased", "run", "adopt", "put", "kept", "record", "publish"} {
			for _, nth := range nths {
				if nth != nths[0] && (point == "record" || point == "publish") {
					continue
				}
				if point == "record" || point == "publish" {
					nth = 1
				}
				spec := fmt.Sprintf("%s at %s %d", fault, point, nth)
				t.Run(spec, func(t *testing.T) {
					t.Parallel()
					onBrokenDisk(t, fault, spec)
				})
			}
		}
	}
}

func onBrokenDisk(t *testing.T, fault, spec string) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	c := started("short chain", state, log)
	var said strings.Builder
	c.Stderr = &said
	c.Env = append(os.Environ(), "BREAK="+spec)
	var exit *exec.ExitError
	err := c.Run()
	if errors.As(err, &exit) && exit.ExitCode() == noFault {
		t.Skip(said.String())
	}
	for _, crash := range []string{"goroutine ", "panic", "fatal error"} {
		if strings.Contains(said.String(), crash) {
			t.Fatalf("it crashed: %s", said.String())
		}
	}
	if err != nil && !strings.Contains(said.String(), faults[fault].errno.Error()) {
		t.Errorf("%v, without saying %q: %s", err, faults[fault].errno.Error(), said.String())
	}
	t.Logf("%v: %s", err, said.String())
	if err != nil {
		checkNext(t, log, state, 3)
	}
}
