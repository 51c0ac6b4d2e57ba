package index

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// failingDisk is a file system over a folder whose files can't be read, or written, while it fails. With manifest = true only what is in
// the manifest can't be made durable: it is there all the same.
type failingDisk struct{ reads, writes, manifest atomic.Bool }

// failingNode is a file or folder of a failingDisk, failingFile an open file.
type (
	failingNode struct {
		*fs.LoopbackNode
		disk *failingDisk
	}
	failingFile struct {
		*fs.LoopbackFile
		disk *failingDisk
		name string
	}
)

func (n *failingNode) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &failingNode{child.(*fs.LoopbackNode), n.disk}
}

func (n *failingNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	f, flag, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return &failingFile{f.(*fs.LoopbackFile), n.disk, n.Path(nil)}, flag, 0
}

func (n *failingNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	inode, f, flag, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return inode, &failingFile{f.(*fs.LoopbackFile), n.disk, name}, flag, 0
}

// PassthroughFd has every read and write come here: by itself the kernel would take them to the file below.
func (f *failingFile) PassthroughFd() (int, bool) { return 0, false }

func (f *failingFile) Read(ctx context.Context, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if f.disk.reads.Load() {
		return nil, syscall.EIO
	}
	return f.LoopbackFile.Read(ctx, to, at)
}

func (f *failingFile) Write(ctx context.Context, b []byte, at int64) (uint32, syscall.Errno) {
	if f.disk.writes.Load() {
		return 0, syscall.EIO
	}
	return f.LoopbackFile.Write(ctx, b, at)
}

func (f *failingFile) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if f.disk.writes.Load() || f.disk.manifest.Load() && path.Base(f.name) == "MANIFEST" {
		return syscall.EIO
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}

// mount shows a folder as a failing disk. It skips the test where file systems can't be mounted.
func (d *failingDisk) mount(t *testing.T, dir string) (at string) {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err != nil {
		t.Fatal(err)
	}
	root := &fs.LoopbackRoot{Path: dir, Dev: uint64(st.Dev)}
	node := &failingNode{LoopbackNode: &fs.LoopbackNode{RootData: root}, disk: d}
	root.RootNode = node
	at = t.TempDir()
	server, err := fs.Mount(at, node, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true}})
	if err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			_ = syscall.Unmount(at, syscall.MNT_DETACH)
		}
	})
	return at
}

// readerEnv tells the test binary that it is the process that uses an index whose disk fails, and where it is.
const readerEnv = "REIN_TEST_INDEX_READER"

// useOnFailingDisk opens the index for reading, or writing, and waits for a line. Then it reads all values, and writes one.
func useOnFailingDisk(dir string) int {
	dir, write := strings.CutPrefix(dir, "write ")
	ctx, x := context.Background(), New(dir, !write)
	one := func(key string) (value string, err error) {
		err = x.View(ctx, func(txn *Txn) error {
			b, err := txn.Get([]byte(key))
			value = string(b)
			return err
		})
		return value, err
	}
	put := func(key string) error {
		return x.Update(ctx, func(txn *Txn) error { return txn.Set([]byte(key), []byte("value")) })
	}
	if write {
		if err := put("opened"); err != nil {
			fmt.Println("opening:", err)
			return 1
		}
	}
	if v, err := one("key 1"); err != nil || v != "value 1" {
		fmt.Printf("opening: %q, %v\n", v, err)
		return 1
	}
	fmt.Println("open")
	bufio.NewScanner(os.Stdin).Scan()
	status := 0
	said := func(what, v, want string, err error) {
		if err != nil {
			fmt.Println(what, "gave", err)
		}
		if err == nil && v != want || err != nil && !Outside(err) {
			fmt.Printf("WRONG: %s is %.40q, %v\n", what, v, err)
			status = 1
		}
	}
	for key, want := range many() {
		v, err := one(key)
		said(key, v, string(want), err)
	}
	if write {
		said("writing", "", "", put("new"))
	}
	if err := x.Close(); err != nil {
		said("closing", "", "", err)
	}
	return status
}

// A disk that fails while an index is open: also where Badger reads and writes mapped memory, where the system has no other way to tell of
// it than a signal. The process goes on, or ends and says why; on a sound disk everything is there.
func TestDiskFailsWhileOpen(t *testing.T) {
	for _, mode := range []string{"", "write "} {
		for _, fault := range []string{"reads", "writes", "reads and writes", "manifest"} {
			t.Run(mode+fault, func(t *testing.T) {
				dir, disk := soundIndex(t, false), new(failingDisk)
				at := disk.mount(t, filepath.Dir(dir))
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), readerEnv+"="+mode+filepath.Join(at, "index"))
				in, ierr := cmd.StdinPipe()
				out, oerr := cmd.StdoutPipe()
				cmd.Stderr = cmd.Stdout
				if err := errors.Join(ierr, oerr, cmd.Start()); err != nil {
					t.Fatal(err)
				}
				lines, said := bufio.NewScanner(out), ""
				for lines.Scan() {
					said += lines.Text() + "\n"
					if lines.Text() == "open" {
						disk.reads.Store(strings.Contains(fault, "reads"))
						disk.writes.Store(strings.Contains(fault, "writes"))
						disk.manifest.Store(fault == "manifest")
						in.Close()
					}
				}
				_ = cmd.Wait() // its status is looked at
				disk.reads.Store(false)
				disk.writes.Store(false)
				disk.manifest.Store(false)
				t.Log(said)
				status := cmd.ProcessState.ExitCode()
				if strings.Contains(said, "goroutine ") || status != 0 && !(status == 3 && strings.Contains(said, "state folder is full, or fails")) {
					t.Errorf("status %d:\n%s", status, said)
				}
				if _, err := get(t, New(dir, true), "key 1"); err != nil {
					t.Error(err)
				}
				x := newIndex(t, dir, false)
				for key, want := range many() {
					if v, err := get(t, x, key); err != nil || v != string(want) {
						t.Errorf("on a sound disk %q is %.40q, %v", key, v, err)
					}
				}
				if aside := x.SetAside(); len(aside) > 0 {
					t.Errorf("the index was set aside: %v", aside)
				}
			})
		}
	}
}
