package index

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// writerEnv tells the test binary that it is the process that writes while the disk gets full, and where.
const writerEnv = "REIN_TEST_INDEX_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		os.Exit(writeUntilTold(dir))
	}
	if path := os.Getenv(mappedEnv); path != "" {
		os.Exit(writeMapped(path))
	}
	if dir := os.Getenv(readerEnv); dir != "" {
		os.Exit(useOnFailingDisk(dir))
	}
	os.Exit(m.Run())
}

// writeUntilTold writes one value after the other until its input ends, and prints the number of each that is committed. A full disk is
// waited for.
func writeUntilTold(dir string) int {
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	x := New(dir, false)
	for i := 0; ; {
		select {
		case <-told:
			if err := x.Close(); err != nil && !Outside(err) {
				fmt.Println(err)
				return 1
			}
			return 0
		default:
		}
		err := x.Update(context.Background(), func(txn *Txn) error { return txn.Set([]byte(fmt.Sprint(i)), value(i)) })
		switch {
		case err == nil:
			fmt.Println(i)
			i++
		case errors.Is(err, syscall.ENOSPC) || Outside(err):
			time.Sleep(time.Millisecond) // somebody makes room
		default:
			fmt.Println(err)
			return 1
		}
	}
}

func value(i int) []byte {
	b := make([]byte, 20_000+i%60_000)
	for j := range b {
		b[j] = byte(i + j)
	}
	return b
}

// A disk that others fill while values are written ends no process, and what was committed is there afterwards.
func TestDiskThatFillsMeanwhile(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("rein", root, "tmpfs", 0, "size=160m"); err != nil {
		t.Skip("this process may not mount: ", err)
	}
	defer func() { _ = unix.Unmount(root, unix.MNT_DETACH) }()
	dir := filepath.Join(root, "index")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	out, oerr := cmd.StdoutPipe()
	if err := errors.Join(err, oerr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	last, rounds := -1, 0
	lines := bufio.NewScanner(out)
	filler := filepath.Join(root, "filler")
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Errorf("the writer said %q", lines.Text())
			break
		}
		switch {
		case last%30 == 15: // all that is left
			fill(filler)
			time.AfterFunc(20*time.Millisecond, func() { _ = os.Remove(filler) })
			rounds++
		case last == 300:
			in.Close()
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("after %d values, and the disk full %d times: %v", last+1, rounds, err)
	}
	_ = os.Remove(filler)
	x := newIndex(t, dir, true)
	for i := range last + 1 {
		if v, err := get(t, x, fmt.Sprint(i)); err != nil || v != string(value(i)) {
			t.Fatalf("value %d of %d: %d bytes, %v", i, last, len(v), err)
		}
	}
}

// mappedEnv tells the test binary to write to a mapped file for which there is no room.
const mappedEnv = "REIN_TEST_MAPPED_FILE"

func writeMapped(path string) int {
	guardBus()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	b, err := unix.Mmap(int(f.Fd()), 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("begins")
	b[5000] = 1
	fmt.Println("written")
	return 0
}

// A write to a mapped file of the index for which there is no room is tried again; if there is none for long, the program says so. Other
// faults are Go's.
func TestMappedWriteOnFullDisk(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("rein", root, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("this process may not mount: ", err)
	}
	defer func() { _ = unix.Unmount(root, unix.MNT_DETACH) }()
	filler := filepath.Join(root, "filler")
	for _, c := range []struct {
		file   string
		room   bool // somebody makes it
		status int
		said   string
	}{
		{"00001.mem", true, 0, "written"}, {"000001.sst", true, 0, "written"},
		{"00001.mem", false, 3, "make room"},
		{"another", false, 2, "SIGBUS"},
	} {
		path := filepath.Join(root, strings.Repeat("long/", 120), c.file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644), os.Truncate(path, 1<<20)); err != nil {
			t.Fatal(err)
		}
		fill(filler)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), mappedEnv+"="+path)
		out, err := cmd.StdoutPipe()
		cmd.Stderr = cmd.Stdout
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		lines, said := bufio.NewScanner(out), ""
		for lines.Scan() {
			if said += lines.Text() + "\n"; lines.Text() == "begins" && c.room {
				time.AfterFunc(50*time.Millisecond, func() { _ = os.Remove(filler) })
			}
		}
		_ = cmd.Wait() // its status is looked at
		if status := cmd.ProcessState.ExitCode(); status != c.status || !strings.Contains(said, c.said) || c.status == 3 && strings.Contains(said, "goroutine") {
			t.Errorf("%s, room %v: status %d\n%s", c.file, c.room, status, said)
		}
		if err := os.RemoveAll(filepath.Join(root, "long")); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(filler)
	}
}

// fill takes the rest of a disk.
func fill(path string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}
