package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"rein/engine"
	"rein/engine/enginetest"
)

// wideSize is how much each step of the wide scenario writes.
const wideSize = 4000

func wide(file string) *engine.Graph {
	var nodes []*engine.Node
	for i := range 12 {
		o := logOp(file, fmt.Sprintf("w%d", i), 0)
		o.Config["size"] = float64(wideSize)
		nodes = append(nodes, step(fmt.Sprintf("w%d", i), o))
	}
	return graph(nodes...)
}

// Many runs leave nothing behind but their records: no files, no descriptors, no goroutines.
func TestManyRunsStayBounded(t *testing.T) {
	runs := 1000
	if testing.Short() {
		runs = 30
	}
	state := t.TempDir()
	file := filepath.Join(t.TempDir(), "in.txt")
	once := func(i int) {
		write(t, file, fmt.Sprint(i%3)) // three results, again and again
		s := enginetest.Open(t, state)
		mustRun(t, trio(file, 8), options(s))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		once(i)
	}
	index := filepath.Join(state, "index")
	files, fds, goroutines := count(t, state)-count(t, index), openFiles(), runtime.NumGoroutine()
	for i := range runs {
		once(i)
	}
	if n := count(t, state) - count(t, index) - files - runs; n > 10 { // a record each
		t.Errorf("%d files more than records after %d runs", n, runs)
	}
	if n := count(t, index); n > 60 { // tables are merged when too many wait, however little time Badger is given
		t.Errorf("%d files of the index after %d runs", n, runs)
	}
	if n := openFiles(); n > fds+3 {
		t.Errorf("%d open files, %d before", n, fds)
	}
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	each(t, dir, func(string, int64) error { n++; return nil })
	return n
}

// openFiles is how many descriptors this process has; 0 where that can't be told.
func openFiles() int {
	es, _ := os.ReadDir("/proc/self/fd")
	return len(es)
}
