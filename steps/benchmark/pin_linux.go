package benchmark

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin binds this process's threads, and those that they start, to the last n of the cores that it may use, until undo is called.
func pin(n int) (undo func(), pinned bool) {
	var allowed, set unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil {
		return func() {}, false
	}
	for cpu, left := len(allowed)*64-1, n; cpu >= 0 && left > 0; cpu-- {
		if allowed.IsSet(cpu) {
			set.Set(cpu)
			left--
		}
	}
	return func() { move(&allowed) }, set.Count() == n && move(&set)
}

// move binds every thread to the cores of a set. It ignores threads that end meanwhile.
func move(set *unix.CPUSet) bool {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false
	}
	moved := false
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil && unix.SchedSetaffinity(id, set) == nil {
			moved = true
		}
	}
	return moved
}
