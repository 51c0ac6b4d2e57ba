package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// crashEnv tells the test binary that it is the process that will be killed, and where its store is.
const crashEnv = "REIN_TEST_CRASH_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		fmt.Fprintln(os.Stderr, commitForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// crashContent is what the i-th action makes: a file of a few pages, whose every part depends on i.
func crashContent(i int) []byte {
	b := make([]byte, 0, 64<<10)
	for len(b) < 60<<10 {
		b = fmt.Appendf(b, "action %d at %d\n", i, len(b))
	}
	return b
}

func crashAction(i int) Digest { return Sum(fmt.Appendf(nil, "action %d", i)) }

// commitForever commits one action after the other, as the engine does, and says so after each.
func commitForever(dir string) error {
	ctx := context.Background()
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if _, err := s.Get(ctx, crashAction(i)); err == nil {
			fmt.Println(i)
			continue
		}
		tmp, err := s.Scratch()
		if err != nil {
			return err
		}
		out := filepath.Join(tmp, "out")
		if err := os.WriteFile(out, crashContent(i), 0o644); err != nil {
			return err
		}
		b, err := s.Adopt(ctx, out)
		if err != nil {
			return err
		}
		e := &Entry{Action: crashAction(i), Type: "t", Outputs: map[string]Blob{"out": b}, Result: Result{Made: time.Now()}}
		if err := s.Put(ctx, e); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// TestKilledWhileCommitting kills a committing process at random moments. What it said it had committed is there; what is
// there is right; nothing stays locked.
func TestKilledWhileCommitting(t *testing.T) {
	dir := t.TempDir()
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		said := killed(t, dir, time.Duration(20+rand.IntN(150))*time.Millisecond)
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i <= said+1; i++ {
			checkCommitted(t, s, i, i <= said)
		}
		problems, err := s.Verify(t.Context(), false, nil)
		if err != nil || len(problems) > 0 {
			t.Fatalf("round %d: %v %v", round, problems, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A reader knows all that a killed process had committed, before any writer has put the index in order, and leaves no trace.
func TestReadingAfterAKill(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	said := killed(t, dir, 100*time.Millisecond)
	t.Setenv("TMPDIR", temp)
	before := listing(t, dir)
	s := open(t, dir, Options{ReadOnly: true})
	for i := range said + 1 {
		checkCommitted(t, s, i, true)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// killed runs commitForever in a process of its own, kills it that long after its first word, and returns the last
// action that it said it had committed.
func killed(t *testing.T, dir string, after time.Duration) int {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+dir)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := -1
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if said < 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
	}
	_ = cmd.Wait() // killed, as wanted
	if said < 0 {
		t.Fatal("the process committed nothing")
	}
	return said
}

// checkCommitted checks that an action's output is what it made, or a miss if it may be.
func checkCommitted(t *testing.T, s *Store, i int, must bool) {
	t.Helper()
	e, err := s.Get(t.Context(), crashAction(i))
	var miss *Miss
	if errors.As(err, &miss) && !must {
		return
	} else if err != nil {
		t.Fatalf("action %d: %v", i, err)
	}
	path, err := s.Path(t.Context(), e.Outputs["out"])
	if err != nil {
		t.Fatalf("action %d: %v", i, err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != string(crashContent(i)) {
		t.Fatalf("action %d: %d bytes of something else, %v", i, len(got), err)
	}
}

// What several goroutines want on the disk at once is there when each goes on, by a sync of its own or by one of the whole file system.
func TestOnDisk(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var mu sync.Mutex
	all, each := 0, map[string]int{}
	tell := func(path string, whole bool) {
		mu.Lock()
		defer mu.Unlock()
		if whole {
			all++
		}
		each[path]++
	}
	onSync.Store(&tell)
	defer onSync.Store(nil)
	var g errgroup.Group
	for i := range 40 {
		g.Go(func() error {
			for k := range 5 {
				var paths []string
				for n := range 1 + i%4 {
					path := filepath.Join(s.Dir(), fmt.Sprint("file ", i, " ", k, " ", n))
					write(t, path, "x")
					paths = append(paths, path)
				}
				mu.Lock()
				before := all
				mu.Unlock()
				if err := s.onDisk(paths...); err != nil {
					return err
				}
				mu.Lock()
				for _, path := range paths {
					if all == before && each[path] == 0 {
						t.Errorf("%s isn't on the disk", path)
					}
				}
				mu.Unlock()
			}
			return s.onDisk(filepath.Join(s.Dir(), "blobs"))
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.onDisk(filepath.Join(s.Dir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that isn't there: %v", err)
	}
}

// A file that can't be brought to the disk replaces nothing, and leaves nothing behind.
func TestWriteFileReplacesNothingUnsynced(t *testing.T) {
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "a"), "old")
	err := writeFileBy(func(...string) error { return syscall.EIO }, a, true, []byte("new"))
	text, _ := os.ReadFile(a)
	left, _ := os.ReadDir(dir)
	if !errors.Is(err, syscall.EIO) || string(text) != "old" || len(left) != 1 {
		t.Errorf("%v; %q; %v", err, text, left)
	}
}
