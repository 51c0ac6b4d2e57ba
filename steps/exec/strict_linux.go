package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A strict sandbox is made of Linux namespaces. The program gets:
//
// - a file system that holds only the system's folders and the program's own installation, both read-only, and the step's folders;
// - process ids of its own: when the first process ends, all processes in the sandbox end;
// - no network.
//
// This executable is started again as the first process of the sandbox. It mounts the file system, drops its capabilities, and starts the
// step's program.

// strictSpec tells the first process of the sandbox what to set up and what to start.
type strictSpec struct {
	Root    string   // an empty folder that becomes the root
	Visible []string // files and folders of the machine that are shown read-only; symbolic links stay links
	Own     []string // the step's folders, which are writable
	Devices []string
	Program string
	Args    []string
	Env     []string
	Dir     string
}

// confine returns a command that runs cmd in a strict sandbox. The program may write only to the folders own.
func confine(cmd *osexec.Cmd, own []string, gpu bool) (*osexec.Cmd, error) {
	root := filepath.Join(cmd.Dir, ".root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return nil, err
	}
	spec := strictSpec{Root: root, Own: own, Visible: visible(cmd.Path, cmd.Env), Devices: devices(gpu), Program: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(cmd.Dir, ".sandbox.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	inner, err := helper(strictName, path)
	if err != nil {
		return nil, err
	}
	inner.Env = cmd.Env // includes the mark by which killMarked finds it
	inner.Dir = cmd.Dir
	inner.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP},
	}
	return inner, nil
}

// notAllowed adds to err what the user can do if the system refused to create a sandbox.
func notAllowed(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("sandbox = \"strict\": this system doesn't let users make namespaces (%w): see kernel.unprivileged_userns_clone, "+
			"kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces, or leave the argument out", err)
	}
	return err
}

// system lists the folders that every program needs.
var system = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/sys"}

// visible lists the system's folders and the folders where the program and the entries of PATH and LD_LIBRARY_PATH are installed.
func visible(program string, env []string) []string {
	out := slices.Clone(system)
	add := func(path string) {
		if path == "" || !filepath.IsAbs(path) {
			return
		}
		for _, p := range []string{path, realPath(path)} {
			if !slices.ContainsFunc(out, func(o string) bool { return p == o || strings.HasPrefix(p, o+"/") }) {
				out = append(out, p)
			}
		}
	}
	folders := []string{filepath.Dir(program), filepath.Dir(realPath(program))}
	for _, v := range env {
		if name, value, _ := strings.Cut(v, "="); name == "PATH" || name == "LD_LIBRARY_PATH" {
			folders = append(folders, filepath.SplitList(value)...)
		}
	}
	home, _ := os.UserHomeDir()
	for _, dir := range folders {
		prefix := filepath.Dir(dir)
		if filepath.Base(dir) == "bin" && prefix != "/" && prefix != home && prefix != realPath(home) { // such as a virtual environment's
			add(prefix)
		} else if dir != "/" && dir != home && realPath(dir) != realPath(home) {
			add(dir)
		}
	}
	add(program)
	return out
}

func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// devices lists the device files that are safe to show, and the GPU's if the step was granted one.
func devices(gpu bool) []string {
	out := []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
	if gpu {
		for _, pattern := range []string{"/dev/nvidia*", "/dev/dri", "/dev/kfd"} {
			found, _ := filepath.Glob(pattern) // only a malformed pattern gives an error
			out = append(out, found...)
		}
	}
	return out
}

// strictInit runs as the first process of a sandbox. It starts the program and returns the program's exit status.
func strictInit(path string, say func(error)) int {
	const failed = 125
	runtime.LockOSThread() // capabilities belong to a thread
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	var s strictSpec
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil {
		err = s.enter()
	}
	if err == nil {
		err = giveUpRights()
	}
	if err != nil {
		say(notAllowed(fmt.Errorf("sandbox: %w", err)))
		return failed
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP) // these signals are meant for the program, so this process survives them
	pid, err := syscall.ForkExec(s.Program, s.Args, &syscall.ProcAttr{Dir: s.Dir, Env: s.Env, Files: []uintptr{0, 1, 2}})
	if err != nil {
		say(fmt.Errorf("%s: %w (a strict sandbox shows only the system's folders and the step's inputs)", s.Program, err))
		return failed
	}
	for { // as the first process, it also has to reap orphans
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return failed
		case got == pid && status.Signaled():
			return 128 + int(status.Signal())
		case got == pid:
			return status.ExitStatus()
		}
	}
}

// enter replaces the file system of this process by the sandbox's.
func (s *strictSpec) enter() error {
	steps := []func() error{
		func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") },
		func() error { return unix.Mount("tmpfs", s.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755") },
		s.showSystem,
		s.showDevices,
		func() error {
			at, err := s.folder("/proc")
			if err != nil {
				return err
			}
			return unix.Mount("proc", at, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		},
		func() error {
			at, err := s.folder("/tmp")
			if err != nil {
				return err
			}
			return unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
		},
		func() error {
			for _, dir := range s.Own {
				if err := s.bind(dir, 0); err != nil {
					return err
				}
			}
			return nil
		},
		loopback,
		s.pivot,
		func() error { return os.Chdir(s.Dir) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// folder creates a folder in the new root and returns its path.
func (s *strictSpec) folder(path string) (string, error) {
	at := filepath.Join(s.Root, path)
	return at, os.MkdirAll(at, 0o755)
}

// bind mounts a file or folder of the machine at the same path in the new root.
func (s *strictSpec) bind(path string, flags uintptr) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	at := filepath.Join(s.Root, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if st.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if _, there := os.Lstat(at); there != nil {
		err = os.WriteFile(at, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(path, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("showing %s: %w", path, err)
	}
	if flags == 0 {
		return nil
	}
	// A remount must keep the restrictions that the machine's mount has (noexec, nodev and others), or the kernel refuses it.
	var now unix.Statfs_t
	if err := unix.Statfs(at, &now); err != nil {
		return err
	}
	locked := uintptr(now.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME)
	if err := unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|flags|locked, ""); err != nil {
		return fmt.Errorf("showing %s read-only: %w", path, err)
	}
	return nil
}

func (s *strictSpec) showSystem() error {
	for _, path := range s.Visible {
		st, err := os.Lstat(path)
		switch {
		case err != nil: // this system doesn't have it
			continue
		case st.Mode()&os.ModeSymlink != 0: // such as /bin, which links to /usr/bin
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			at := filepath.Join(s.Root, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.Symlink(to, at)); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
		default:
			if err := s.bind(path, unix.MS_RDONLY); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *strictSpec) showDevices() error {
	at, err := s.folder("/dev")
	if err != nil {
		return err
	}
	for _, d := range s.Devices {
		if _, err := os.Stat(d); err != nil {
			continue
		}
		if err := s.bind(d, 0); err != nil {
			return err
		}
	}
	shm, err := s.folder("/dev/shm")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", shm, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return err
	}
	return errors.Join(os.Symlink("/proc/self/fd", at+"/fd"), os.Symlink("/proc/self/fd/0", at+"/stdin"), os.Symlink("/proc/self/fd/1", at+"/stdout"),
		os.Symlink("/proc/self/fd/2", at+"/stderr"))
}

// pivot makes the new root the root of this process. The root is read-only; what was mounted below it keeps its own mode.
func (s *strictSpec) pivot() error {
	old := filepath.Join(s.Root, ".old")
	if err := os.Mkdir(old, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(s.Root, old); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/.old", unix.MNT_DETACH); err != nil {
		return err
	}
	if err := os.Remove("/.old"); err != nil {
		return err
	}
	return unix.Mount("", "/", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
}

// loopback brings up the loopback interface. Many test suites start a server and connect to it.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil // the system has no network at all
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// giveUpRights drops the capabilities that the sandbox was made with, for this thread and all that it starts. With them the program could
// undo the sandbox.
func giveUpRights() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, syscall.EINVAL) { // an older kernel doesn't know this capability
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&h, &none[0])
}
